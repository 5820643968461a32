import { expect, test } from 'vitest';
import { z } from 'zod';
import { exampleOf } from './example.ts';
import { destinationTypes, loadDestination } from './registry.ts';

const text = (example: string) => z.string().meta({ description: 'A text.', examples: [example] });

test('an example has what is required and no more', () => {
  expect(exampleOf(z.strictObject({ url: text('a'), note: text('b').optional() }))).toEqual({ url: 'a' });
});

test('an example has what is optional where something of it must be there', () => {
  const either = z
    .strictObject({ name: text('x').optional(), id: text('7').optional() })
    .refine(({ name, id }) => (name === undefined) !== (id === undefined));
  expect(exampleOf(either)).toEqual({ name: 'x' });
});

test('examples that its schema refuses make none', () => {
  expect(() => exampleOf(z.strictObject({ url: z.url().meta({ examples: ['no url'] }) }))).toThrow('Correct them.');
});

test.each(destinationTypes)('the examples of %s fit together', async (type) => {
  const definition = await loadDestination(type);
  expect(exampleOf(definition?.settings ?? z.never())).toBeDefined();
  expect(exampleOf(definition?.options ?? z.never())).toBeDefined();
});
