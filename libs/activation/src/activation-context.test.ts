import { leaseLeftMaxMs } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { defaultTiming, leaseSeconds, timingOf } from './index.ts';

test('each timer is shorter than the next, for every lease that can be configured', () => {
  for (let seconds: number = leaseSeconds.least; seconds <= leaseSeconds.most; seconds += 1) {
    const { waitMaxMs, deadlineMs, settleByMs, leaseMs } = timingOf(seconds * 1_000);
    const timers = [waitMaxMs, deadlineMs, settleByMs, leaseMs, leaseLeftMaxMs];
    expect(timers).toEqual([...new Set(timers)].toSorted((left, right) => left - right));
    expect(timers.every(Number.isInteger)).toBe(true);
  }
});

test('a lease lives three minutes by default, of which two are for destinations and half a minute for the stores', () => {
  expect(defaultTiming).toEqual({ waitMaxMs: 5_000, deadlineMs: 120_000, settleByMs: 150_000, leaseMs: 180_000 });
});
