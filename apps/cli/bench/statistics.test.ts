import { expect, test } from 'vitest';
import { mean, percentile, percentiles, rounded } from './statistics.ts';

test('a percentile is one of the values, which that share is not above', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentiles(hundred)).toEqual({ p50: 50, p95: 95, p99: 99 });
  expect(percentile([7], 0.01)).toBe(7);
  expect(percentile([3, 1, 2], 1)).toBe(3);
  expect(percentile([10, 9, 100], 0.5)).toBe(10);
});

test('one that never came is the slowest of all', () => {
  expect(percentiles([1, Infinity, 2, 3])).toEqual({ p50: 2, p95: Infinity, p99: Infinity });
});

test('no values have no percentile and no mean', () => {
  expect(percentile([], 0.5)).toBeNaN();
  expect(mean([])).toBeNaN();
});

test('a mean and its rounding', () => {
  expect(rounded(mean([1, 2, 2]), 2)).toBe(1.67);
  expect(rounded(1234.5)).toBe(1235);
});
