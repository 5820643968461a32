import { expect, test } from 'vitest';
import { nearestWord } from './nearest-word.ts';

const known = ['destination', 'identity', 'identities', 'mode', 'options'];

test.each([
  ['destinaton', 'destination'],
  ['Destination', 'destination'],
  ['desitnation', 'destination'],
  ['identitys', 'identity'],
  ['identites', 'identities'],
  ['moed', 'mode'],
  ['option', 'options'],
])('%s is taken for %s', (written, meant) => {
  expect(nearestWord(written, known)).toBe(meant);
});

test.each(['', 'x', 'frequency', 'mood swings', '__proto__'])('%s is taken for nothing known', (written) => {
  expect(nearestWord(written, known)).toBeUndefined();
});
