import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { project } from './record-stack.ts';

const projectFile = z.object({
  config: z.record(
    z.string(),
    z.object({ type: z.string(), description: z.string(), default: z.unknown().optional() }),
  ),
});
const stackFile = z.object({ config: z.record(z.string(), z.unknown()) });

/** What `Pulumi.yaml` declares, by key. */
export function declaredConfig(): z.output<typeof projectFile>['config'] {
  return projectFile.parse(parse(readFileSync(join(import.meta.dirname, '..', 'Pulumi.yaml'), 'utf8'))).config;
}

/**
 * The configuration of a stack as Pulumi hands it to the program: defaults, then what its file
 * says, all as text.
 */
export function configurationIn(file: string): Record<string, string> {
  const defaults = Object.entries(declaredConfig()).flatMap(([key, { default: value }]) =>
    value === undefined ? [] : [[key, asText(value)] as const],
  );
  const own = Object.entries(writtenIn(file)).map(([key, value]) => [key, asText(value)] as const);
  return Object.fromEntries([...defaults, ...own]);
}

/** What the file of a stack says, as it is written there, by key without the project's name. */
export function writtenIn(file: string): Record<string, unknown> {
  const { config } = stackFile.parse(parse(readFileSync(file, 'utf8')));
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith(`${project}:`))
      .map(([key, value]) => [key.slice(project.length + 1), value]),
  );
}

/** An encrypted value (`secure:`) is not decrypted: that it is there is all that is needed. */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The keys of a configuration that hold values of secrets. */
export function secretKeysIn(config: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(config).filter((key) => key.startsWith('secret-') || key === 'aepClientSecret');
}
