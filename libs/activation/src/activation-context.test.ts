import { leaseLeftMaxMs } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { leaseSeconds, timingOf } from './index.ts';

test('each timer is shorter than the next, for every lease that can be configured', () => {
  for (let seconds: number = leaseSeconds.least; seconds <= leaseSeconds.most; seconds += 1) {
    const { waitMaxMs, deadlineMs, settleByMs, leaseMs } = timingOf(seconds * 1_000);
    const timers = [waitMaxMs, deadlineMs, settleByMs, leaseMs, leaseLeftMaxMs];
    expect(timers).toEqual([...new Set(timers)].toSorted((left, right) => left - right));
    expect(timers.every(Number.isInteger)).toBe(true);
  }
});
