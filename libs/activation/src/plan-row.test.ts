import { historyOf, leaseLeftMaxMs, type LedgerRecord, type LedgerRow } from '@activation-hub/membership';
import { exampleKey, exampleRecord, exampleState } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { planOpenRow, planRow, planTelling } from './plan-row.ts';

const key = exampleKey(1);
const nowMs = Date.UTC(2026, 5, 1);
const by = { holder: 'me', expiresAtMs: nowMs + 180_000 };
const noon = Date.UTC(2026, 0, 1, 12);
const known = exampleState({ content: 'a' });
const older = exampleState({ content: 'a', qualifiedAtMs: noon - 1 });
const newer = { state: exampleState({ content: 'b', qualifiedAtMs: noon + 1 }), attributes: { mail: 'b' } };
const itsRetry = { chainId: 'r1' };

function rowOf(over: Partial<LedgerRecord>): LedgerRow {
  return { record: exampleRecord({ known, attributes: { mail: 'a' }, ...over }), version: 'v1' };
}

/** A row that waits for a retry; the person was followed with the identities of this digest. */
const deferred = rowOf({ rowState: { is: 'deferred', chainId: 'r1' }, linkDigest: 'links' });
const leasedUntil = (expiresAtMs: number, over: Partial<LedgerRecord> = {}): LedgerRow =>
  rowOf({ rowState: { is: 'leased', holder: 'other', expiresAtMs }, ...over });

test.each(['live', 'retired'] as const)(
  'under a live lease of another process a %s row is to know what is newer, and the holder tells it',
  (mode) => {
    const row = leasedUntil(nowMs + 1);
    const plan = planRow(key, row, newer, { mode, by, nowMs, cause: 'export' });
    expect(plan).toMatchObject({
      is: 'wait',
      untilMs: nowMs + 1,
      write: { key, expected: 'v1', record: { known: newer.state, rowState: row.record.rowState } },
    });
  },
);

test.each(['paused', 'shadow'] as const)(
  'under a live lease of another process a %s route, which would not tell it, leaves what is newer for later',
  (mode) => {
    const plan = planRow(key, leasedUntil(nowMs + 1), newer, { mode, by, nowMs, cause: 'export' });
    expect(plan).toStrictEqual({ is: 'wait', untilMs: nowMs + 1 });
  },
);

test('a lease that is longer than any can be is cut, and one that is not stays as it is', () => {
  const options = { mode: 'live', by, nowMs, cause: itsRetry } as const;
  const untilMs = nowMs + leaseLeftMaxMs;
  expect(planOpenRow(key, leasedUntil(untilMs + 1), options)).toMatchObject({
    is: 'wait',
    untilMs,
    write: { expected: 'v1', record: { known, rowState: { is: 'leased', holder: 'other', expiresAtMs: untilMs } } },
  });
  expect(planOpenRow(key, leasedUntil(untilMs), options)).toStrictEqual({ is: 'wait', untilMs });
});

test.each(['live', 'retired'] as const)(
  'a retry that brings an older state sends the newest one of a %s row, as a change of its own, with its digest',
  (mode) => {
    const plan = planRow(key, deferred, { state: older, attributes: {} }, { mode, by, nowMs, cause: itsRetry });
    expect(plan).toMatchObject({
      is: 'lease',
      kind: 'entered',
      isRepair: true,
      state: { ...known, enqueuedAtMs: nowMs },
      write: {
        key,
        expected: 'v1',
        record: { known, attributes: { mail: 'a' }, rowState: { is: 'leased', ...by }, linkDigest: 'links' },
      },
    });
  },
);

test('a retry that brings an older state notes the newest one where the route is paused, and tells the destination nothing', () => {
  const plan = planRow(key, deferred, { state: older, attributes: {} }, { mode: 'paused', by, nowMs, cause: itsRetry });
  expect(plan).toMatchObject({
    is: 'note',
    outcome: 'paused',
    write: { key, expected: 'v1', record: { known, rowState: { is: 'paused' }, linkDigest: 'links' } },
  });
});

test('a retry that brings an older state has nothing to do with a row in shadow mode', () => {
  const plan = planRow(key, deferred, { state: older, attributes: {} }, { mode: 'shadow', by, nowMs, cause: itsRetry });
  expect(plan).toStrictEqual({ is: 'nothing', because: 'superseded' });
});

test('in shadow mode a row is written as if it had been told, and its history says so', () => {
  const plan = planRow(key, undefined, newer, { mode: 'shadow', by, nowMs, cause: 'export' });
  expect(plan).toMatchObject({
    is: 'note',
    outcome: 'shadowed',
    write: { key, record: { delivered: newer.state, rowState: { is: 'delivered' }, inDoubt: false } },
  });
  const { transitions } = historyOf('write' in plan ? plan.write.record : {});
  expect(transitions).toMatchObject([
    { did: 'entered', because: 'export', outcome: 'delivered', inDoubt: false, atMs: nowMs, lastAtMs: nowMs },
  ]);
});

test('a row is told again in doubt, unless another process has the lease', () => {
  const options = { mode: 'live', by, nowMs, because: 'repair' } as const;
  expect(planTelling(key, rowOf({ linkDigest: 'links' }), options)).toMatchObject({
    is: 'lease',
    kind: 'entered',
    isRepair: true,
    state: { ...known, enqueuedAtMs: nowMs },
    write: { expected: 'v1', record: { rowState: { is: 'leased', ...by }, inDoubt: true, linkDigest: 'links' } },
  });
  expect(planTelling(key, leasedUntil(nowMs), options).is).toBe('lease');
  expect(planTelling(key, leasedUntil(nowMs + 1), options)).toStrictEqual({ is: 'wait', untilMs: nowMs + 1 });
  expect(planTelling(key, leasedUntil(nowMs + 1), { ...options, own: new Set(['me']) }).is).toBe('wait');
  expect(planTelling(key, leasedUntil(nowMs + 1), { ...options, own: new Set(['other']) }).is).toBe('lease');
});
