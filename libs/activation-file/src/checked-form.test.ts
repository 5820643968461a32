import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { exampleDestinations as destinations } from '../testing/example-destinations.ts';
import { readChecked, writeChecked } from './checked-form.ts';
import { parseActivationFile } from './parse-activation-file.ts';

const textOf = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

test.each(['minimal.yaml', 'full.yaml', 'doubtful/id-is-a-name.yaml'])(
  '%s is read again as it was, and frozen',
  (name) => {
    const file = parseActivationFile(textOf(name), { fileName: 'x.yaml', destinations });
    const again = readChecked(writeChecked(file) ?? '', 'x.yaml');
    expect(again).toEqual(file);
    expect(again.routes).toEqual([...again.audiences.values()].flatMap(({ routes }) => routes));
    expect(Object.isFrozen(again.routes[0]?.attributes)).toBe(true);
    expect(() => (again.audiences as Map<string, unknown>).clear()).toThrow(/read-only/);
  },
);

test('warnings name the file from which it is read', () => {
  const file = parseActivationFile(textOf('doubtful/id-is-a-name.yaml'), { fileName: 'built.yaml', destinations });
  const { warnings } = readChecked(writeChecked(file) ?? '', '/app/deployed.yaml');
  expect(warnings.map(({ fileName }) => fileName)).toEqual(['/app/deployed.yaml']);
  expect(warnings[0]).toMatchObject({ line: file.warnings[0]?.line, message: file.warnings[0]?.message });
});

test('a file with an option that is no plain data cannot be written', () => {
  const dated = { settings: z.strictObject({}), options: z.strictObject({ from: z.coerce.date() }) };
  const text = textOf('minimal.yaml').replace(
    'destination: trial',
    `destination: trial\n        options: { from: '2026-01-01' }`,
  );
  const file = parseActivationFile(text, { fileName: 'x.yaml', destinations: new Map([['log', dated]]) });
  expect(file.routes[0]?.options).toEqual({ from: new Date('2026-01-01') });
  expect(writeChecked(file)).toBeUndefined();
});
