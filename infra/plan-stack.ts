import { readdirSync } from 'node:fs';
import stack from './index.ts';
import { recordStack, type Recording } from './testing/record-stack.ts';
import { plannedConfig, secretKeysIn } from './testing/stack-configuration.ts';

/** The stacks that have a configuration file. */
export function stackNames(): readonly string[] {
  return readdirSync(import.meta.dirname).flatMap((file) => /^Pulumi\.([a-z0-9]+)\.yaml$/.exec(file)?.[1] ?? []);
}

/** What `pulumi up` would register for a stack in an empty subscription, without credentials. */
export function planStack(name: string): Promise<Recording> {
  const config = plannedConfig(name);
  return recordStack(stack, { stack: name, config, secretKeys: secretKeysIn(config), time: 'planned' });
}
