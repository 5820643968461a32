import type { Retry } from '@activation-hub/delivery';
import { attributesCharactersMax, lease, type LedgerRecord } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';

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
  const { activate, crm, clock, context, passUntilDone } = openWaiting();
  const beganMs = clock.nowMs;
  await context.ledger.write([{ key: fansKey(), record: leasedAhead(beganMs), expected: undefined }], signal);
  await activate(eventOf(personExport({ at: 60 }), 1));
  expect(crm.told).toEqual([]);
  await passUntilDone();
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

test('what comes while a process tells the destination is told by that process, and an export that repeats the older state comes after it', async () => {
  const { activate, crm, context, passUntilDone, outcomes } = openWaiting();
  const stateAt = (n: number, status: 'realized' | 'exited') => eventOf(personExport({ at: 0, status }), n);
  crm.onRequest = async () => {
    if (crm.requests === 1) await activate(stateAt(2, 'exited'));
  };
  await activate(stateAt(1, 'realized'));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
  expect(outcomes()).toEqual({ 'crm deferred': 1, 'crm delivered': 1 });
  await activate(eventOf(personExport({ at: 60 }), 3));
  await passUntilDone();
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1', 'entered sports-fans p1']);
  const [row] = await readable(context.ledger).read([fansKey()], signal);
  expect(row?.record).toMatchObject({ known: { isMember: true }, rowState: { is: 'delivered' }, inDoubt: false });
});

test('consent that goes and comes back while its withdrawal waits for a lease ends as the newest export says', async () => {
  const { activate, crm, passUntilDone } = openWaiting(`
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate: [{ destination: crm, identity: crmid }]
`);
  const consented = (n: number, val: string) => eventOf(personExport({ at: 0, consent: val }), n);
  crm.onRequest = async () => {
    if (crm.requests === 1) await activate(consented(2, 'n'));
  };
  await activate(consented(1, 'y'));
  await activate(consented(3, 'y'));
  await passUntilDone();
  expect([...crm.members.keys()]).toEqual(['sports-fans p1']);
});

test('attributes that no row could keep are a dead letter at once, also while another process has the lease', async () => {
  const { activate, crm, letters, clock, context } = openWaiting();
  const state = { ...leasedAhead(0).known, qualifiedAtMs: noonMs - 1 };
  const record = lease(undefined, { state, attributes: {} }, { holder: 'other', expiresAtMs: clock.nowMs + 60_000 });
  await context.ledger.write([{ key: fansKey(), record, expected: undefined }], signal);
  await activate(eventOf(personExport({ at: 60, firstName: 'x'.repeat(attributesCharactersMax) }), 1));
  expect(crm.told).toEqual([]);
  expect(letters()).toMatchObject([{ outcome: 'rejected' }]);
});

test('a retry whose process ended while it told a newer state waits for that lease, and tells it then', async () => {
  const { crm, clock, context, passUntilDone } = openWaiting();
  const event = eventOf(personExport({ at: 0 }), 1);
  const state = { ...leasedAhead(0).known, status: 'exited', isMember: false, qualifiedAtMs: noonMs + 60_000 } as const;
  const record = lease(undefined, { state, attributes: {} }, { holder: 'gone', expiresAtMs: clock.nowMs + 60_000 });
  await context.ledger.write([{ key: fansKey(), record, expected: undefined }], signal);
  const retry: Retry = {
    id: 'r1',
    destination: 'crm',
    events: [{ event, audiences: ['sports-fans'], rows: [fansKey()] }],
    rows: [],
    attempts: 1,
    firstDeferredAtMs: clock.nowMs,
    class: 'transient',
    reason: 'Not reached.',
    isReplay: false,
  };
  await context.retryQueue.put(retry, clock.nowMs, signal);
  await passUntilDone();
  expect(crm.story).toEqual(['exited sports-fans p1']);
});

/** An activation whose time passes until nothing waits any more. */
function openWaiting(file?: string) {
  const opened = openActivation(file === undefined ? {} : { file });
  const { retryQueue, clock, retryDue } = opened;
  const passUntilDone = async (): Promise<void> => {
    while (retryQueue.nextDueAtMs !== undefined) {
      clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
      await retryDue();
    }
  };
  return { ...opened, passUntilDone };
}
