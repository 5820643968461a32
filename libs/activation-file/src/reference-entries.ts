import { stringify } from 'yaml';
import { z } from 'zod';

/** One key of the activation file, by its path below a schema. */
export interface ReferenceEntry {
  /**
   * Names joined by dots; `<name>` stands for a name of the writer's choice, `[]` for each item of
   * a list.
   */
  readonly path: string;
  readonly meaning: string | undefined;
  /** What may be written, in words. */
  readonly values: string;
  readonly isRequired: boolean;
  /** `undefined` when there is none. */
  readonly default: unknown;
  readonly examples: readonly unknown[];
}

type Schema = z.core.JSONSchema.BaseSchema;

/**
 * Every key that may be written below a schema, from the schema's own descriptions, defaults and
 * examples, depth first.
 */
export function referenceEntries(schema: z.ZodType): readonly ReferenceEntry[] {
  return entriesBelow(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), '');
}

/** An entry as Markdown: a heading of the third level, its meaning, and what may be written. */
export function entryBlocks(entry: ReferenceEntry, heading: string = entry.path): readonly string[] {
  const presence = entry.isRequired
    ? '- Required'
    : `- Optional${entry.default === undefined ? '' : `, by default ${code(entry.default)}`}`;
  const examples = entry.examples.map(code).join(' or ');
  return [
    `### \`${heading}\``,
    entry.meaning ?? '',
    [presence, `- Takes ${entry.values}`, `- Example: ${examples}`].join('\n'),
  ];
}

function entriesBelow(schema: Schema, prefix: string): readonly ReferenceEntry[] {
  const named = Object.entries(schema.properties ?? {});
  const { additionalProperties: other, items } = schema;
  if (isSchemaWithKeys(other)) return entriesBelow(other, `${prefix}<name>.`);
  if (isSchemaWithKeys(items)) return entriesBelow(items, `${prefix.slice(0, -1)}[].`);
  return named.flatMap(([name, property]) => {
    if (typeof property === 'boolean') return [];
    const path = `${prefix}${name}`;
    const entry: ReferenceEntry = {
      path,
      meaning: property.description,
      values: valuesOf(property),
      isRequired: schema.required?.includes(name) ?? false,
      default: property.default,
      examples: Array.isArray(property.examples) ? property.examples : [],
    };
    return [entry, ...(isSecret(property) ? [] : entriesBelow(property, `${path}.`))];
  });
}

const isSchemaWithKeys = (schema: Schema[keyof Schema]): schema is Schema =>
  typeof schema === 'object' && schema !== null && 'properties' in schema && !isSecret(schema as Schema);

/** A reference to a secret is written as one thing. */
const isSecret = ({ properties }: Schema): boolean =>
  properties !== undefined && Object.keys(properties).join() === 'secret';

function valuesOf(schema: Schema): string {
  if (isSecret(schema)) return 'a secret, by its name';
  if (schema.anyOf !== undefined) return schema.anyOf.map(valuesOf).join(', or ');
  if (schema.enum !== undefined) return `one of ${schema.enum.map(code).join(', ')}`;
  if (schema.const !== undefined) return code(schema.const);
  switch (schema.type) {
    case undefined:
      return 'anything';
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${rangeOf(schema)}`;
    case 'number':
      return `a number${rangeOf(schema)}`;
    case 'array':
      return 'a list';
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? `by name: ${valuesOf(schema.additionalProperties)}`
        : 'an object';
    default:
      return schema.format === 'uri' ? 'a URL' : 'a text';
  }
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: Schema): string {
  const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (minimum !== undefined) return ` from ${minimum}${isBounded ? ` to ${maximum}` : ''}`;
  if (exclusiveMinimum === undefined) return '';
  return ` over ${exclusiveMinimum}${isBounded ? `, ${maximum} at most` : ''}`;
}

/** As it is written in the activation file, on one line. */
function code(value: unknown): string {
  return `\`${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``;
}
