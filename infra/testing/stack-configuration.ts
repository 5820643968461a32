import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { project } from './record-stack.ts';

const folder = join(import.meta.dirname, '..');
const projectFile = z.object({
  config: z.record(
    z.string(),
    z.object({ type: z.string(), description: z.string(), default: z.unknown().optional() }),
  ),
});
const stackFile = z.object({ config: z.record(z.string(), z.unknown()) });

/** What `Pulumi.yaml` declares, by key. */
export function declaredConfig(): z.output<typeof projectFile>['config'] {
  return projectFile.parse(parse(readFileSync(join(folder, 'Pulumi.yaml'), 'utf8'))).config;
}

/** The configuration of a stack as Pulumi hands it to the program: defaults, then `Pulumi.<stack>.yaml`, all as text. */
export function writtenConfig(stack: string): Record<string, string> {
  const defaults = Object.entries(declaredConfig()).flatMap(([key, { default: value }]) =>
    value === undefined ? [] : [[key, asText(value)] as const],
  );
  const own = Object.entries(stackFileConfig(stack)).map(([key, value]) => [key, asText(value)] as const);
  return Object.fromEntries([...defaults, ...own]);
}

/**
 * The same, complete enough to see what would be made: prod's file does not say whom alerts reach before its operator does,
 * and a deployment without it is refused.
 */
export function plannedConfig(stack: string): Record<string, string> {
  const written = writtenConfig(stack);
  const reachesNobody = written.alertEmails === '[]' && written.alertActionGroups === '[]';
  return stack === 'prod' && reachesNobody ? { ...written, alertEmails: '["on-call@example.com"]' } : written;
}

/** What `Pulumi.<stack>.yaml` says, as it is written there. */
export function stackFileConfig(stack: string): Record<string, unknown> {
  const { config } = stackFile.parse(parse(readFileSync(join(folder, `Pulumi.${stack}.yaml`), 'utf8')));
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
