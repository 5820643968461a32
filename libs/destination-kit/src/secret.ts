import { inspect } from 'node:util';
import { z } from 'zod';

const shown = '[secret]';

/**
 * A value that must not be seen. Printing, logging or serialising it shows `[secret]`; only
 * `reveal` gives it.
 */
export class Secret {
  readonly #value: string | undefined;
  readonly #name: string;

  constructor(value: string);
  /** @internal A secret that stands under `name` and has not been read yet. */
  constructor(value: undefined, name: string);
  constructor(value: string | undefined, name = '') {
    this.#value = value;
    this.#name = name;
  }

  /** Gives the value; throws when it has not been read yet (`resolveSecrets`). */
  reveal(): string {
    if (this.#value === undefined) {
      throw new Error(
        `Failed to use the secret ${this.#name}: it was not read. Resolve the settings before connecting.`,
      );
    }
    return this.#value;
  }

  /** Name of the stored secret; `undefined` once its value was read. */
  get unreadName(): string | undefined {
    return this.#value === undefined ? this.#name : undefined;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}

/** How the activation file names a secret. */
export interface SecretReference {
  readonly secret: string;
}

const reference = z.strictObject({ secret: z.string().regex(/^[0-9A-Za-z-]{1,127}$/) });

const referenceJsonSchema: z.core.JSONSchema.BaseSchema = {
  type: 'object',
  properties: {
    secret: {
      type: 'string',
      pattern: '^[0-9A-Za-z-]{1,127}$',
      description: 'Name of the secret in Key Vault.',
    },
  },
  required: ['secret'],
  additionalProperties: false,
};

interface ZodSecretDef extends z.core.$ZodTypeDef {
  readonly type: 'custom';
}

interface ZodSecretInternals extends z.core.$ZodTypeInternals<Secret, SecretReference | Secret> {
  def: ZodSecretDef;
}

/**
 * The schema that `secret()` gives. A schema class of its own, so that it keeps its JSON Schema in
 * every copy.
 */
export interface ZodSecret extends z.ZodType<Secret, SecretReference | Secret, ZodSecretInternals> {
  _zod: ZodSecretInternals;
}

const ZodSecret: z.core.$constructor<ZodSecret, ZodSecretDef> = z.core.$constructor(
  'ZodSecret',
  (schema, definition) => {
    z.ZodType.init(schema, definition);
    schema._zod.parse = (payload) => {
      const value: unknown = payload.value;
      if (value instanceof Secret) return payload;
      const parsed = reference.safeParse(value);
      if (parsed.success) payload.value = new Secret(undefined, parsed.data.secret);
      else payload.issues.push({ code: 'custom', message: refusal(value), input: undefined, inst: schema });
      return payload;
    };
    schema._zod.processJSONSchema = (_context, json) => {
      Object.assign(json, referenceJsonSchema);
    };
  },
);

function refusal(value: unknown): string {
  const write = 'Write { secret: name }, where name (letters, digits and hyphens, at most 127) is a name in Key Vault.';
  return typeof value === 'string' ? `A secret must not stand in the file. ${write}` : `This is a secret. ${write}`;
}

/**
 * Schema of a setting that is a secret. The activation file holds `{ secret: name }` only; a
 * literal is refused, with a sentence that says what to write and not what was written. The output
 * is a `Secret`, to be read by `resolveSecrets`; a `Secret` passes unchanged. The JSON Schema of it
 * is that of the reference.
 */
export function secret(): ZodSecret {
  return new ZodSecret({ type: 'custom' });
}

/** All secrets in settings as a `settings` schema gives them, in the order of the settings. */
export function secretsIn(settings: unknown): Secret[] {
  if (settings instanceof Secret) return [settings];
  return typeof settings === 'object' && settings !== null ? Object.values(settings).flatMap(secretsIn) : [];
}

/**
 * Gives a copy of settings, as a `settings` schema gives them, in which every secret has its value.
 * `read` is asked once per name. Throws what `read` throws, and when a value is empty.
 */
export async function resolveSecrets<Settings>(
  settings: Settings,
  read: (name: string) => Promise<string>,
): Promise<Settings> {
  const names = new Set(secretsIn(settings).flatMap(({ unreadName }) => unreadName ?? []));
  const readOne = async (name: string) => {
    const value = await read(name);
    if (value === '') throw new Error(`Failed to read the secret ${name}: it is empty. Set its value.`);
    return [name, new Secret(value)] as const;
  };
  const resolved = new Map(await Promise.all([...names].map(readOne)));
  const copy = (value: unknown): unknown => {
    if (value instanceof Secret) return value.unreadName === undefined ? value : resolved.get(value.unreadName);
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]));
  };
  return copy(settings) as Settings;
}
