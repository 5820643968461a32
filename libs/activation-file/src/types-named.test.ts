import { expect, test } from 'vitest';
import { typesNamed } from './types-named.ts';

test('every type is named once, whatever else is wrong with the file', () => {
  const text = `version: 2
destinations:
  crm: { type: webhook, settings: 5 }
  own: { type: '@acme/pigeon' }
  other: { type: webhook }
  odd: { type: 7 }
  empty:
`;
  expect(typesNamed(text)).toEqual(['webhook', '@acme/pigeon']);
});

test.each(['', 'version: 1', 'destinations: []', '[1, 2', 'a: *b', 'destinations: none'])(
  'no type is named in %j',
  (text) => {
    expect(typesNamed(text)).toEqual([]);
  },
);
