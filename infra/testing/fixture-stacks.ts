import { join } from 'node:path';
import { configurationIn, writtenIn } from '../plan/stack-configuration.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');

/** The activation files that tests run with. */
export const fixtureActivations = join(fixtures, 'activations');
const stackFile = (stack: string): string => join(fixtures, 'stacks', `${stack}.yaml`);

/** The configuration of a stack of the fixtures, as Pulumi hands it to the program. */
export const fixtureConfiguration = (stack: string): Record<string, string> => configurationIn(stackFile(stack));

/** What the file of a stack of the fixtures says, as it is written there. */
export const fixtureStackFile = (stack: string): Record<string, unknown> => writtenIn(stackFile(stack));
