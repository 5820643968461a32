import { expect, test } from 'vitest';
import { personExport } from '../testing/index.ts';
import { isSearchable, withoutPerson } from './without-person.ts';

const ada = { namespace: 'email', value: 'ada@example.com' };
const number = { namespace: 'loyalty', value: '12345678901234567891' };
const other = JSON.stringify(personExport({ person: 'p2' }));
const adas = JSON.stringify(personExport({ identities: { email: ['ada@example.com'] } }));

const without = (body: string | Uint8Array, identity = ada): string | undefined => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const left = withoutPerson(bytes, [identity]);
  return left === undefined ? undefined : left === bytes ? 'as it is' : Buffer.from(left).toString();
};

test('what a second key of the same name hides goes, and what a reader sees stays', () => {
  const hidden = `{"identityMap":{"email":[{"id":"ada@example.com"}]},${other.slice(1)}`;
  const seen = JSON.stringify(JSON.parse(hidden));
  expect(seen).not.toContain('ada');
  expect(JSON.parse(seen)).toEqual(JSON.parse(other));
  expect(without(hidden)).toBe(seen);
  expect(without(`[${other},${hidden}]`)).toBe(`[${other},${seen}]`);
  expect(without(hidden.replace('ada', '\\u0061da'))).toBe(seen);
  const twice = `{"note":1,"note":2,${other.slice(1)}`;
  expect(without(twice)).toBe('as it is');
});

test.each([
  ['as a string', JSON.stringify(adas)],
  ['in a field', JSON.stringify({ Body: adas })],
  ['in a field of a string of a string', JSON.stringify({ Records: [{ Body: JSON.stringify({ inner: adas }) }] })],
  ['in a list', JSON.stringify([JSON.stringify(adas)])],
  ['of which the end is cut off', JSON.stringify({ Body: adas.slice(0, adas.indexOf('com"') + 3) })],
])('an export in a JSON string is found: %s', (_, body) => {
  expect(without(body)).toBeUndefined();
});

test('a number of more digits than a double has is found, and no other one', () => {
  const withId = (id: string): string => other.replace('"identityMap":{', `"identityMap":{"loyalty":[{"id":${id}}],`);
  expect(without(withId(number.value), number)).toBeUndefined();
  expect(without(withId('12345678901234567890'), number)).toBe('as it is');
  expect(without(`{"loyalty":${number.value}}`, number)).toBeUndefined();
});

test.each([
  ['UTF-16, little end first', Buffer.from(`\uFEFF${adas}`, 'utf16le')],
  ['UTF-16, big end first', Buffer.from(adas, 'utf16le').swap16()],
  ['UTF-16 of which the first byte is gone', Buffer.from(adas, 'utf16le').subarray(1)],
  ['Latin-1', Buffer.from(adas.replace('Ada', 'Zoë'), 'latin1')],
])('an export in another encoding is found: %s', (_, body) => {
  expect(without(body)).toBeUndefined();
  expect(without(body, { namespace: 'email', value: 'grace@example.com' })).toBe('as it is');
});

test.each([
  ['letters by their numbers', '{"id":"\\u0061\\u0064\\u0061@example.com"'],
  ['escaped twice', String.raw`{"id":"\\u0061da@example.com"`],
  ['a solidus', String.raw`{"id":"mailto:\/\/ada@example.com"`],
  ['behind an escaped line feed', String.raw`{"id":"\nada@example.com"`],
  ['percent signs', '{"link":"https://example.com/?who=ada%40example.com&x=%zz"'],
  ['decomposed characters', '{"id":"zoe\u0308@example.com"'],
])('an odd spelling of an identity is found in what cannot be read: %s', (spelling, body) => {
  const of = spelling === 'decomposed characters' ? { ...ada, value: 'zo\u00eb@example.com' } : ada;
  expect(without(body, of)).toBeUndefined();
});

test.each([
  ['after the value', '{"identityMap":{"email":[{"id":"ada@example.com'],
  ['within the value', '{"identityMap":{"email":[{"id":"ada@exa'],
  ['within an escape', '{"identityMap":{"email":[{"id":"ada@exa\\u00'],
])('a body that ends in a string which may be the identity goes: cut %s', (_, body) => {
  expect(without(body)).toBeUndefined();
});

test('a part of another identity is not the person', () => {
  for (const body of ['{"id":"xada@example.com"', '{"id":"ada@example.community"', '{"id":"bob@exa', '{"id":"'])
    expect(without(body)).toBe('as it is');
});

test('text that is escaped more often than anybody escapes is taken for the person', () => {
  let text = adas;
  for (let level = 0; level < 12; level += 1) text = JSON.stringify({ text });
  expect(without(`${text} broken`)).toBeUndefined();
  // And takes no time worth mentioning.
  expect(without(`{"a":"${'\\u005cu005c'.repeat(20_000)}" broken`)).toBeUndefined();
});

test('bytes that are no text cannot be searched', () => {
  expect(isSearchable(Buffer.from(adas))).toBe(true);
  expect(isSearchable(Buffer.from(`\uFEFF${adas}`, 'utf16le'))).toBe(true);
  expect(isSearchable(Buffer.from(adas, 'utf16le').swap16())).toBe(true);
  expect(isSearchable(Uint8Array.of(0x1f, 0x8b, 8, 0, 0xff, 0xd8, 0xc3, 0x28, 1, 2, 0x80))).toBe(false);
});
