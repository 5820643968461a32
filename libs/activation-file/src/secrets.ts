import { deepFreeze, isMapping } from './deep-freeze.ts';
import type { ActivationFile } from './activation-file.ts';
import type { Path } from './problem.ts';

/** What Azure Key Vault allows as the name of a secret. */
const secretNamePattern = /^[A-Za-z0-9-]{1,127}$/;

/** Settings name secrets that nobody has. */
export class MissingSecretsError extends Error {
  override readonly name = 'MissingSecretsError';
  /** Sorted, each once. */
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    super(
      `Failed to resolve secrets: nothing is stored as ${names.join(', ')}. ` +
        'Store a value under each of these names, or correct the names in the activation file.',
    );
    this.names = names;
  }
}

/** The name of every secret that the destinations refer to as `{ secret: name }`; sorted, each once. */
export function secretNames(file: ActivationFile): readonly string[] {
  const names = new Set<string>();
  for (const { settings } of file.destinations.values()) {
    for (const { name } of secretReferences(settings)) if (typeof name === 'string') names.add(name);
  }
  return Object.freeze([...names].sort());
}

/**
 * A copy of the settings in which `wrap(value)` stands for each `{ secret: name }`, at any depth. An empty value counts
 * as missing. Throws `MissingSecretsError` that names all that are missing, never a value.
 */
export function resolveSecrets(
  settings: unknown,
  lookup: (name: string) => string | undefined,
  wrap: (value: string) => unknown,
): unknown {
  const missing = new Set<string>();
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (!isMapping(value)) return value;
    if (!isReference(value))
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
    const name = String(value.secret);
    const secret = lookup(name);
    if (secret !== undefined && secret !== '') return wrap(secret);
    missing.add(name);
    return undefined;
  };
  const resolved = resolve(settings);
  if (missing.size > 0) throw new MissingSecretsError([...missing].sort());
  return deepFreeze(resolved);
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

/** A mapping whose only key is `secret`; a setting that is itself called `secret` has a mapping behind it. */
function isReference(value: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === 'secret' && !isMapping(value.secret);
}
