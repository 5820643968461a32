import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/*
 * The files that an operator changes (docs/operating/deploy.md, sections 2 and 3). Tests run with
 * those in `fixtures`; of these they only find out whether they are right, and
 * `operator-files.test.ts` runs whatever imports this with other files in their place.
 */

/** Where activation files are, one per environment; the handler's package takes them from here. */
export const activationsFolder = join(import.meta.dirname, '..', 'apps', 'handler', 'activations');

/** The configuration of a stack, as `pulumi config set` writes it. */
export const stackFile = (stack: string): string => join(import.meta.dirname, `Pulumi.${stack}.yaml`);

/** The stacks that have a configuration file, sorted. */
export function stackNames(): readonly string[] {
  return readdirSync(import.meta.dirname)
    .flatMap((file) => /^Pulumi\.([a-z0-9]+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();
}
