import { canary } from '@activation-hub/activation-file';
import { exampleRetry } from '@activation-hub/delivery/testing';
import { expect, test } from 'vitest';
import { eventOf, noonMs, openActivation, personExport } from '../testing/index.ts';
import { defaultTiming, timingOf } from './activation-context.ts';
import { paceMaxMs } from './patience.ts';

/** Events that came so many seconds ago, the oldest first. */
function open(...ages: readonly number[]) {
  const { context } = openActivation({ timing: defaultTiming });
  const clock = { ...context.clock, now: () => noonMs + 1_000_000 };
  const events = ages.map((age, n) => eventOf(personExport(), n, { enqueuedAtMs: clock.now() - age * 1_000 }));
  return { context: { ...context, clock }, work: { events } };
}

test.each([
  ['all of a minute when it has just come', [0], 60_000],
  ['what its oldest event leaves of a minute', [45, 2], 15_000],
  ['no time when it is older', [61, 3], 0],
  ['no longer than a minute when the clock of the hub is ahead', [-30], 60_000],
])('a batch waits for the pace of a destination %s', (_what, ages, paceMs) => {
  const { context, work } = open(...ages);
  expect(paceMaxMs(work, context)).toBe(paceMs);
});

test('where no other destination is, a batch waits whatever its age: the canary is none', () => {
  const { context, work } = open(3_600);
  const [crm] = context.targets.values();
  if (crm === undefined) throw new Error('There is a destination.');
  const targets = new Map([
    ['crm', crm],
    [canary.key, crm],
  ]);
  expect(paceMaxMs(work, { ...context, targets })).toBe(60_000);
});

test('a retry, and what is told from the ledger, waits no longer for its place than for anything else', () => {
  const { context, work } = open(0);
  const retry = exampleRetry();
  expect(paceMaxMs({ ...work, retry }, context)).toBe(defaultTiming.waitMaxMs);
  expect(paceMaxMs(undefined, context)).toBe(defaultTiming.waitMaxMs);
});

test('where leases are short, a batch waits for half of what a call has', () => {
  const { context, work } = open(0);
  expect(paceMaxMs(work, { ...context, timing: timingOf(15_000) })).toBe(5_000);
});

test('a call without events holds back nothing, and waits no longer than for anything else', () => {
  const { context, work } = open();
  expect(paceMaxMs(work, context)).toBe(defaultTiming.waitMaxMs);
});
