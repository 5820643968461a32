import { expect, test } from 'vitest';
import { isSearchable, PersonText } from './text-of-person.ts';

const ada = new PersonText(['ada@example.com', 'bob@example.com']);
const zoe = new PersonText(['zoë@example.com']);
const anna = new PersonText(['анна@example.com']);

test('a text that ends within a value holds it, wherever its last string begins', () => {
  for (const text of [
    '{"id":"ada@exa',
    '{"a\\"b":"ada@exa',
    '{\\"id":"ada@exa',
    '{"id":"ada@exa\\',
    '{"id":"\\u0061da@exa\\u00',
  ])
    expect(ada.isInBytes(Buffer.from(text))).toBe(true);
  for (const text of ['ada@exa', '{"id":"x"ada@exa', '{"id":"']) expect(ada.isInBytes(Buffer.from(text))).toBe(false);
});

test('a value with letters of its own is found in every encoding', () => {
  expect(zoe.isInBytes(Buffer.from('{"id":"zoë@example.com"', 'latin1'))).toBe(true);
  const cyrillic = Buffer.from('{"id":"анна@example.com"', 'utf16le');
  expect(anna.isInBytes(cyrillic)).toBe(true);
  expect(anna.isInBytes(Buffer.concat([cyrillic, Buffer.of(0)]))).toBe(true);
  expect(anna.isInBytes(Buffer.from(cyrillic).swap16())).toBe(true);
  expect(isSearchable(Buffer.from('ā'))).toBe(true);
});

test('an escape is a character: a line feed ends a word, and several bytes are one letter', () => {
  expect(ada.isIn('x\\nada@example.com')).toBe(true);
  expect(ada.isIn('x\\"ada@example.com')).toBe(true);
  expect(zoe.isIn('zo%C3%AB%40example.com')).toBe(true);
});

test('UTF-16 that lost a byte within a value holds it all the same', () => {
  const whole = Buffer.from('{"id":"ada@example.com"', 'utf16le');
  const lost = whole.indexOf('@') + 1;
  expect(ada.isInBytes(Buffer.concat([whole.subarray(0, lost), whole.subarray(lost + 1)]))).toBe(true);
});

test('eight levels of escapes are undone, and what has more is taken for the person', () => {
  expect(ada.isIn(`${'\\'.repeat(64)}z`)).toBe(false);
  expect(ada.isIn(`${'\\'.repeat(128)}z`)).toBe(true);
});
