import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { referenceEntries } from '@activation-hub/activation-file/reference';
import { defineDestination, secret } from '@activation-hub/destination-kit';
import { exampleOf } from './example.ts';
import { referenceIndex, referencePage } from './reference-page.ts';
import { destinationTypes, loadDestinations } from './registry.ts';

const folder = join(import.meta.dirname, '../../../docs/destinations');
const makeThemAnew = 'Run npm run reference, and read what has changed.';
const all = [...(await loadDestinations(destinationTypes)).values()];

test.each(all)('the page of $type is what its schemas say', (definition) => {
  expect(readFileSync(join(folder, `${definition.type}.md`), 'utf8'), makeThemAnew).toBe(referencePage(definition));
});

test('there is a page for each destination, one that leads to them, and no other', () => {
  expect(readdirSync(folder).sort()).toEqual(['README.md', ...all.map(({ type }) => `${type}.md`)].sort());
  expect(readFileSync(join(folder, 'README.md'), 'utf8'), makeThemAnew).toBe(referenceIndex(all));
});

test.each(all)('$type says what there is to compare', ({ comparison }) => {
  for (const words of Object.values(comparison ?? { comparison: '' })) expect(words).toMatch(/^[a-z].+[^.]$/);
});

test.each(all)(
  'the page of $type says for how long a member is kept, if it declares that memberships lapse',
  (definition) => {
    const lapses = definition.membershipDays !== undefined;
    expect(definition.comparison?.keeps !== undefined).toBe(lapses);
    expect(referencePage(definition).includes('Every night those are told again')).toBe(lapses);
  },
);

test.each(all)('$type says how it uses identities and attributes, and its page repeats it', (definition) => {
  const { settings, options } = definition;
  const taken = definition.takes?.(settings.parse(exampleOf(settings)), options.parse(exampleOf(options)));
  expect(taken).toBeDefined();
  const { identities = '', attributes = {}, otherAttributes, refusedAttributes = {} } = taken ?? {};
  const named =
    typeof identities === 'string'
      ? [identities]
      : Object.entries(identities).map(([of, how]) => `- \`${of}\`: ${how}`);
  const page = referencePage(definition);
  for (const line of named) expect(page).toContain(line);
  for (const [name, how] of Object.entries(attributes)) expect(page).toContain(`- \`${name}\`: ${how}`);
  for (const [name, why] of Object.entries(refusedAttributes)) expect(page).toContain(`- \`${name}\`: refused. ${why}`);
  if (otherAttributes !== undefined) expect(page).toContain(`: ${otherAttributes}`);
});

/** What is told there is one's own, or stays as it was written. */
const own = new Set(['blob-archive', 'event-hubs', 'log', 'webhook']);

test.each(all)('$type says what its vendor’s documents say of the end of a membership', (definition) => {
  const { keeps, lasting } = definition.comparison ?? {};
  expect([keeps, lasting].filter((words) => words !== undefined)).toHaveLength(own.has(definition.type) ? 0 : 1);
  if (lasting !== undefined) expect(referencePage(definition)).toContain(`until the exit: ${lasting} (`);
});

const entries = all.flatMap(({ type, settings, options }) => [
  ...referenceEntries(settings).map((entry) => ({ what: `${type} settings.${entry.path}`, schema: settings, entry })),
  ...referenceEntries(options).map((entry) => ({ what: `${type} options.${entry.path}`, schema: options, entry })),
]);

test.each(entries)('$what has a meaning, and an example that its schema takes', ({ schema, entry }) => {
  expect(entry.meaning).toMatch(/^[A-Z].{8,}\.$/s);
  expect(entry.examples.length).toBeGreaterThan(0);
  if (entry.path.includes('.')) return;
  for (const example of entry.examples) {
    const issues = schema.safeParse({ [entry.path]: example }).error?.issues ?? [];
    expect(issues.filter(({ path }) => path[0] === entry.path)).toEqual([]);
  }
});

test('a page says of everything whether it is required, what it takes, its default and an example', () => {
  const nested = z.strictObject({ column: z.string().meta({ description: 'A column.', examples: ['name'] }) });
  const acme = defineDestination({
    type: 'acme',
    title: 'Acme',
    description: 'Tells Acme.',
    settings: z.strictObject({
      key: secret().meta({ description: 'The key.', examples: [{ secret: 'acme-key' }] }),
      size: z
        .int()
        .min(1)
        .max(9)
        .default(5)
        .meta({ description: 'Rows.', examples: [3] }),
      columns: z
        .record(z.string(), nested)
        .optional()
        .meta({ description: 'Columns.', examples: [{ a: { column: 'b' } }] }),
      mode: z.enum(['a', 'b']).meta({ description: 'The mode.', examples: ['a'] }),
    }),
    options: z.strictObject({}),
    limits: () => ({ batchCount: 1, batchBytes: 1, requestsPerSecond: 1, concurrency: 1 }),
    batchBy: 'route',
    takes: () => ({
      identities: { email: 'Is matched.' },
      attributes: { name: 'Is shown.' },
      refusedAttributes: { id: 'Acme gives it.' },
    }),
    versions: { setting: 'size', ends: { 1: '2027-01-01', 2: undefined }, source: 'acme.example' },
    connect: () => expect.unreachable(),
  });
  expect(referencePage(acme).split('\n\n').slice(3)).toEqual([
    '## Settings',
    'Once per destination, under `settings`.',
    '### `key`',
    'The key.',
    '- Required\n- Takes a secret, by its name\n- Example: `{ secret: acme-key }`',
    '### `size`',
    'Rows.',
    '- Optional, by default `5`\n- Takes a whole number from 1 to 9\n- Example: `3`',
    '### `columns`',
    'Columns.',
    '- Optional\n- Takes by name: an object\n- Example: `{ a: { column: b } }`',
    '### `columns.<name>.column`',
    'A column.',
    '- Required\n- Takes a text\n- Example: `name`',
    '### `mode`',
    'The mode.',
    '- Required\n- Takes one of `a`, `b`\n- Example: `a`',
    '## Options',
    'None.',
    '## Identities',
    'By their namespaces, with the settings of the example; check refuses any other.',
    '- `email`: Is matched.',
    '## Attributes',
    '- `name`: Is shown.\n- any other: None: check refuses any other name.\n- `id`: refused. Acme gives it.',
    '## Versions',
    'Of `size`, with the day on which each ends (acme.example).',
    '- `1`: 2027-01-01\n- `2`: no end is known\n',
  ]);
});

test('the page of a destination that declares nothing says that it takes everything', () => {
  const nothing = z.strictObject({});
  const open = defineDestination({
    type: 'open',
    title: 'Open',
    description: 'Tells all.',
    settings: nothing,
    options: nothing,
    limits: () => ({ batchCount: 1, batchBytes: 1, requestsPerSecond: 1, concurrency: 1 }),
    batchBy: 'route',
    connect: () => expect.unreachable(),
  });
  expect(referencePage(open)).toContain('## Identities\n\nOf any namespace, as it is.');
  expect(referencePage(open)).toContain('## Attributes\n\n- any: Of any name, as it is.\n');
});
