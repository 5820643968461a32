import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { exampleDestinations as destinations } from '../testing/example-destinations.ts';
import { activationFileSchema } from './activation-file-schema.ts';
import { parseActivationFile } from './parse-activation-file.ts';
import { referenceEntries } from './reference-entries.ts';
import { activationFilePage } from './reference-page.ts';

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
const examples = { minimal: fixture('minimal.yaml'), full: fixture('full.yaml') };
const published = fileURLToPath(new URL('../../../docs/reference/activation-file.md', import.meta.url));
const page = activationFilePage(examples);
const entries = referenceEntries(activationFileSchema);

test('the published page is the one that the schema makes', () => {
  expect(readFileSync(published, 'utf8'), 'Run npm run reference, and read what has changed.').toBe(page);
});

test('every file on the page is read', () => {
  const files = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
  const complete = files.filter((text) => text.includes('version: 1'));
  expect(complete).toHaveLength(2);
  for (const text of complete) parseActivationFile(text, { fileName: 'example.yaml', destinations });
});

test('the page has a heading for each key, and no other below the examples', () => {
  const headings = [...page.matchAll(/^### `(.+)`$/gm)].map(([, key = '']) => key);
  expect(headings).toHaveLength(entries.length);
  for (const { path } of entries) expect(headings.some((key) => path.endsWith(key))).toBe(true);
});

/**
 * The full file with another value at the path of an entry, under whatever name or item comes
 * first.
 */
function fullWith(path: string, value: unknown): unknown {
  const file: unknown = parse(examples.full);
  const steps = path.split('.').flatMap((step) => (step.endsWith('[]') ? [step.slice(0, -2), 0] : [step]));
  const last = steps.pop() ?? '';
  let place = file as Record<string | number, unknown>;
  for (const step of steps) {
    place = place[step === '<name>' ? (Object.keys(place)[0] ?? '') : step] as Record<string | number, unknown>;
  }
  place[last] = value;
  return file;
}

test.each(entries)('$path has a meaning, and examples that the schema takes', ({ path, meaning, examples: values }) => {
  expect(meaning).toMatch(/^[A-Za-z].{8,}\.$/s);
  expect(values.length).toBeGreaterThan(0);
  for (const value of values)
    expect(activationFileSchema.safeParse(fullWith(path, value)).error?.issues).toBeUndefined();
});

test('control: an example that the schema refuses is found', () => {
  for (const { path } of entries) {
    if (/options$|settings$/.test(path)) continue;
    expect(activationFileSchema.safeParse(fullWith(path, null)).success, path).toBe(false);
  }
});

test('the full file has every key', () => {
  const text = JSON.stringify(parse(examples.full));
  for (const { path } of entries) expect(text).toContain(`"${path.split('.').at(-1) ?? ''}":`);
});
