import { seededRandom } from '@activation-hub/audience-events/testing';
import { expect, test } from 'vitest';
import { jittered } from './delays.ts';
import { mean, percentiles } from './statistics.ts';

const drawn = (seed: number): readonly number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: 20_000 }, () => jittered(8, random));
};

test('delays have the mean that is asked for, and a tail', () => {
  const delays = drawn(1);
  expect(mean(delays)).toBeCloseTo(8, 0);
  expect(Math.min(...delays)).toBeGreaterThan(4);
  expect(Math.max(...delays)).toBe(32);
  expect(percentiles(delays).p95).toBeLessThan(11);
});

test('the same seed gives the same delays', () => {
  expect(drawn(2)).toEqual(drawn(2));
  expect(drawn(2)).not.toEqual(drawn(3));
});
