import { isMapping } from './deep-freeze.ts';
import type { ActivationFile } from './activation-file.ts';
import type { Path } from './problem.ts';

/** What Azure Key Vault allows as the name of a secret. */
const secretNamePattern = /^[A-Za-z0-9-]{1,127}$/;

/**
 * The name of every secret that the destinations refer to as `{ secret: name }`; sorted, each once.
 */
export function secretNames(file: ActivationFile): readonly string[] {
  const names = new Set<string>();
  for (const { settings } of file.destinations.values()) {
    for (const { name } of secretReferences(settings)) if (typeof name === 'string') names.add(name);
  }
  return Object.freeze([...names].sort());
}

/** Where in some settings a secret is referred to by something that cannot be the name of one. */
export function badSecretReferences(settings: unknown): readonly Path[] {
  return secretReferences(settings)
    .filter(({ name }) => typeof name !== 'string' || !secretNamePattern.test(name))
    .map(({ path }) => [...path, 'secret']);
}

interface SecretReference {
  readonly path: Path;
  readonly name: unknown;
}

function secretReferences(value: unknown, path: Path = []): readonly SecretReference[] {
  if (Array.isArray(value)) return value.flatMap((inner, index) => secretReferences(inner, [...path, index]));
  if (!isMapping(value)) return [];
  if (isReference(value)) return [{ path, name: value.secret }];
  return Object.entries(value).flatMap(([key, inner]) => secretReferences(inner, [...path, key]));
}

/**
 * A mapping whose only key is `secret`; a setting that is itself called `secret` has a mapping
 * behind it.
 */
function isReference(value: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === 'secret' && !isMapping(value.secret);
}
