import { referenceEntries } from '@activation-hub/activation-file/reference';
import type { z } from 'zod';

/**
 * Settings, or options, as the schema's own examples have them: what is required, and the first of
 * what is optional without which it is not right. Throws when its examples do not make a value that
 * it takes.
 */
export function exampleOf(schema: z.ZodType): Readonly<Record<string, unknown>> {
  const entries = referenceEntries(schema).filter(({ path }) => !path.includes('.'));
  const required = Object.fromEntries(
    entries.filter(({ isRequired }) => isRequired).map(({ path, examples }) => [path, examples[0]]),
  );
  const optional = entries.filter(({ isRequired }) => !isRequired);
  const candidates = [required, ...optional.map(({ path, examples }) => ({ ...required, [path]: examples[0] }))];
  const example = candidates.find((candidate) => schema.safeParse(candidate).success);
  if (example === undefined) {
    throw new Error('Failed to make an example: the examples of the schema do not fit together. Correct them.');
  }
  return example;
}
