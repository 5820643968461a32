import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

const nowMs = Date.UTC(2026, 10, 22, 12, 0, 0);

test.each([
  ['0', nowMs],
  ['120', nowMs + 120_000],
  [' 7 ', nowMs + 7_000],
  ['0.25', nowMs + 250],
  ['86400', nowMs + 86_400_000],
  ['Sun, 22 Nov 2026 12:30:00 GMT', Date.UTC(2026, 10, 22, 12, 30, 0)],
  ['Sunday, 22-Nov-26 12:30:00 GMT', Date.UTC(2026, 10, 22, 12, 30, 0)],
  ['Sun Nov 22 12:30:00 2026', Date.UTC(2026, 10, 22, 12, 30, 0)],
  ['Tue Dec  1 00:00:00 2026', Date.UTC(2026, 11, 1)],
  ['Sun, 06 Nov 1994 08:49:37 GMT', nowMs],
  ['Sunday, 06-Nov-94 08:49:37 GMT', nowMs],
  ['Fri, 31 Dec 9999 23:59:59 GMT', Date.UTC(9999, 11, 31, 23, 59, 59)],
  // Times since 1970, in seconds and in milliseconds, which some vendors send.
  [String((nowMs + 90_000) / 1_000), nowMs + 90_000],
  [`${(nowMs + 90_000) / 1_000}.5`, nowMs + 90_500],
  [String(nowMs + 90_000), nowMs + 90_000],
  [String(nowMs - 90_000), nowMs],
  [String((nowMs - 90_000) / 1_000), nowMs],
  ['99999999999', 99_999_999_999_000],
  // The longest wait that is taken for one: thirty years.
  ['946080000', nowMs + 946_080_000_000],
])('%j means %d', (header, expected) => {
  expect(parseRetryAfter(header, nowMs)).toBe(expected);
});

test.each([
  undefined,
  '',
  'soon',
  '-5',
  '1e3',
  '5s',
  '2026-11-22T12:30:00Z',
  '9'.repeat(30),
  '9'.repeat(400),
  '5, 5',
  'NaN',
  'Infinity',
])('%j says nothing', (header) => {
  expect(parseRetryAfter(header, nowMs)).toBeUndefined();
});

test('any date that JavaScript writes is read to the second and never lies in the past', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      const wholeMs = Math.floor(date.getTime() / 1000) * 1000;
      return parseRetryAfter(date.toUTCString(), nowMs) === Math.max(wholeMs, nowMs);
    }),
  );
});

test('whatever the header says, its time can be written', () => {
  const header = fc.oneof(fc.string(), fc.nat().map(String), fc.bigInt().map(String), fc.double().map(String));
  fc.assert(
    fc.property(header, (text) => {
      const atMs = parseRetryAfter(text, nowMs);
      return atMs === undefined || (atMs >= nowMs && new Date(atMs).toISOString() !== '');
    }),
  );
});
