import { afterAll, expect, test } from 'vitest';
import { dateTimeOf, dayOf } from '../src/words.ts';

const before = process.env.TZ;
process.env.TZ = 'Pacific/Auckland';
afterAll(() => {
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

test('a day of a filter is that of the times beside it, wherever the person is', () => {
  const { fromMs = 0, toMs = 0 } = dayOf('2026-02-01') ?? {};
  expect([dateTimeOf(fromMs), dateTimeOf(toMs)]).toEqual(['2026-02-01 00:00:00', '2026-02-01 23:59:59']);
  expect(new Date(fromMs).toISOString()).toBe('2026-01-31T11:00:00.000Z');
});

test('of a day on which the clock is changed every hour is meant', () => {
  const { fromMs = 0, toMs = 0 } = dayOf('2026-04-05') ?? {};
  expect(toMs + 1 - fromMs).toBe(25 * 3_600_000);
});

test('what is no day filters nothing', () => {
  expect([dayOf(''), dayOf('soon'), dayOf('2026-13-01')]).toEqual([undefined, undefined, undefined]);
});
