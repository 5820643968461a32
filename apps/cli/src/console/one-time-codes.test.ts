import { expect, test } from 'vitest';
import { OneTimeCodes } from './one-time-codes.ts';

test('a code opens once, for a minute', () => {
  let nowMs = 1_000;
  const codes = new OneTimeCodes(() => nowMs);
  const [first, second] = [codes.make(), codes.make()];
  expect(first).toMatch(/^[\w-]{32}$/);
  expect(first).not.toBe(second);
  nowMs += 59_999;
  expect([codes.use(first), codes.use(first)]).toEqual([true, false]);
  nowMs += 1;
  expect([codes.use(second), codes.use('guessed')]).toEqual([false, false]);
});
