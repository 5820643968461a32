import { lease, type LedgerRecord } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';

const { signal } = new AbortController();

/** The row of a member, leased by a clock that is years ahead. */
function leasedAhead(nowMs: number): LedgerRecord {
  const state = {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: noonMs,
    enqueuedAtMs: noonMs,
    sequenceNumber: 0,
    content: '',
  } as const;
  return lease(undefined, { state, attributes: {} }, { holder: 'ahead', expiresAtMs: nowMs + 3e11 });
}

test('a lease of a clock that is years ahead is cut to the longest that a lease can be, and the change is told after it', async () => {
  const { activate, crm, clock, context, retryQueue, retryDue } = openActivation();
  const beganMs = clock.nowMs;
  await context.ledger.write([{ key: fansKey(), record: leasedAhead(beganMs), expected: undefined }], signal);
  await activate(eventOf(personExport({ at: 60 }), 1));
  expect(crm.told).toEqual([]);
  while (retryQueue.nextDueAtMs !== undefined) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
    await retryDue();
  }
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(clock.nowMs - beganMs).toBeLessThan(600_000);
});

test('a change that waits for such a lease is counted once, also when another process writes the row in between', async () => {
  const ledger = new DisturbedLedger();
  const { activate, clock, outcomes } = openActivation({ ledger });
  const ahead = leasedAhead(clock.nowMs);
  await ledger.overwrite(fansKey(), ahead);
  ledger.beforeWrite = (n) => (n === 1 ? ledger.overwrite(fansKey(), ahead) : undefined);
  await activate(eventOf(personExport({ at: 60 }), 1));
  expect(outcomes()).toEqual({ 'crm deferred': 1 });
});
