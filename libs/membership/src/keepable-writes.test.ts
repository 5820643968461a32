import type { JsonValue } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { exampleKey, exampleRecord } from '../testing/index.ts';
import { areKeepable, refuseUnkeepableWrites } from './keepable-writes.ts';
import { attributesCharactersMax } from './ledger.ts';
import type { Attributes } from './state.ts';

/** An object in an object, each under an empty name. */
function nested(levels: number): Attributes {
  let value: Attributes = {};
  for (let level = 0; level < levels; level += 1) value = { '': value };
  return value;
}

/** A name of four characters, each of which takes six in JSON. */
const nameOf = (n: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((place) => 0x0e + (Math.floor(n / 18 ** place) % 18)));
const named = (count: number, value: JsonValue): Attributes =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [nameOf(n), value]));

test.each<[string, (count: number) => Attributes]>([
  ['one long text', (count) => ({ text: 'x'.repeat(count) })],
  ['a long text beside an attribute named length', (count) => ({ length: 1, text: 'x'.repeat(count) })],
  ['characters that are six in JSON', (count) => ({ text: '\u001f'.repeat(count) })],
  ['empty texts under names that are long in JSON', (count) => named(count, '')],
  ['numbers that are long in JSON', (count) => named(count, -0.0000012345678901234567)],
  ['words that are no text', (count) => ({ words: Array.from({ length: count }, (_, n) => n % 2 === 0) })],
  ['nothing', (count) => named(count, null)],
  ['objects in each other', (count) => ({ list: Array.from({ length: count }, () => nested(90)) })],
])('attributes are kept by the length of their JSON: %s', (_, of) => {
  const isKept = (count: number): boolean => JSON.stringify(of(count)).length <= attributesCharactersMax;
  let tooMany = 1;
  while (isKept(tooMany)) tooMany *= 2;
  let fits = tooMany / 2;
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (isKept(middle)) fits = middle;
    else tooMany = middle;
  }
  expect([areKeepable(of(fits)), areKeepable(of(tooMany))]).toEqual([true, false]);
});

test('what a destination took last is refused too when a row has no room for it', () => {
  const write = (length: number) => ({
    key: exampleKey(1),
    record: exampleRecord({ deliveredAttributes: { text: 'x'.repeat(length - '{"text":""}'.length) } }),
    expected: undefined,
  });
  expect(() => refuseUnkeepableWrites([write(attributesCharactersMax)])).not.toThrow();
  expect(() => refuseUnkeepableWrites([write(attributesCharactersMax + 1)])).toThrow(
    `the attributes of a row for crm take ${attributesCharactersMax + 1} characters of JSON, and a row holds ${attributesCharactersMax}.`,
  );
});
