import { expect, test } from 'vitest';
import { exampleKey, exampleRecord, exampleState } from '../testing/index.ts';
import { leaseLeftMaxMs } from './decide.ts';
import { isToBeRenewed, lapseOf } from './lapse.ts';
import { lease, note, settle } from './lease.ts';
import type { LedgerRecord, RowState } from './ledger.ts';

const dayMs = 86_400_000;
const toldMs = Date.UTC(2026, 0, 2);
const member = exampleState();
const left = exampleState({ status: 'exited', qualifiedAtMs: member.qualifiedAtMs + dayMs });
const by = { holder: 'me', expiresAtMs: toldMs };
const toldMember = settle(lease(undefined, { state: member, attributes: {} }, by), 'delivered', false, {
  atMs: toldMs,
  deliveredAtMs: toldMs,
});

test('a row says when its destination was told of a member, until it is told of something else', () => {
  expect(toldMember.deliveredAtMs).toBe(toldMs);
  const leased = lease(toldMember, { state: left, attributes: {} }, by);
  expect(leased.deliveredAtMs).toBe(toldMs);
  expect(settle(leased, 'rejected').deliveredAtMs).toBe(toldMs);
  expect(settle(leased, { is: 'deferred', chainId: 'c' }).deliveredAtMs).toBe(toldMs);
  expect(settle(leased, 'delivered')).not.toHaveProperty('deliveredAtMs');
  // A new qualification with the same content is noted: the destination hears nothing of it.
  const later = { ...member, qualifiedAtMs: member.qualifiedAtMs + 1 };
  expect(note(toldMember, { state: later, attributes: {} }, 'delivered').deliveredAtMs).toBe(toldMs);
});

test('a row of a destination that does not forget has nothing more than before', () => {
  const settled = settle(lease(undefined, { state: member, attributes: {} }, by), 'delivered');
  expect(Object.keys(settled)).toEqual(['known', 'rowState', 'attributes', 'delivered', 'inDoubt']);
});

test('members of one day are told again between three and four tenths of their life, evenly', () => {
  const shares = Array.from({ length: 1_000 }, (_, number) => {
    const lapse = lapseOf(exampleKey(number), toldMember, 100, toldMs);
    expect(lapse).toMatchObject({ atMs: toldMs + 100 * dayMs, lateFromMs: toldMs + 50 * dayMs });
    return ((lapse?.renewFromMs ?? NaN) - toldMs) / dayMs;
  });
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(30);
  expect(Math.max(...shares)).toBeLessThan(40);
  const byDay = Map.groupBy(shares, Math.floor);
  expect(byDay.size).toBe(10);
  // 100 are expected on a day, with a standard deviation of 9.5.
  for (const ofDay of byDay.values()) expect(Math.abs(ofDay.length - 100)).toBeLessThan(48);
  expect(lapseOf(exampleKey(1), toldMember, 100, toldMs)).toEqual(lapseOf(exampleKey(1), toldMember, 100, toldMs));
});

test.each([1, 2, 3, 7, 30, 90, 540])('in a life of %i days two nights are left, or every night tells again', (days) => {
  for (let number = 0; number < 50; number += 1) {
    const lapse = lapseOf(exampleKey(number), toldMember, days, toldMs);
    expect(lapse?.renewFromMs).toBeLessThanOrEqual((lapse?.atMs ?? 0) - 2 * dayMs);
  }
});

test('a row that was told before memberships lapsed there counts from the event that it was told of', () => {
  const before = settle(lease(undefined, { state: member, attributes: {} }, by), 'delivered');
  expect(lapseOf(exampleKey(1), before, 10, toldMs)?.atMs).toBe(member.enqueuedAtMs + 10 * dayMs);
});

test('a row that a wrong clock says was told in the future counts from its event, as if it did not say when', () => {
  const now = { ...toldMember, deliveredAtMs: toldMs };
  expect(lapseOf(exampleKey(1), now, 10, toldMs)?.atMs).toBe(toldMs + 10 * dayMs);
  expect(lapseOf(exampleKey(1), now, 10, toldMs - 1)?.atMs).toBe(member.enqueuedAtMs + 10 * dayMs);
});

test('a person whom the destination does not have has no membership that lapses', () => {
  const exited = settle(lease(toldMember, { state: left, attributes: {} }, by), 'delivered');
  const noted: LedgerRecord = { known: member, rowState: { is: 'noted' }, attributes: {}, inDoubt: false };
  expect(lapseOf(exampleKey(1), exited, 10, toldMs)).toBeUndefined();
  expect(lapseOf(exampleKey(1), noted, 10, toldMs)).toBeUndefined();
});

test.each<[RowState, boolean]>([
  [{ is: 'delivered' }, true],
  [{ is: 'given-up' }, true],
  [{ is: 'paused' }, true],
  [{ is: 'leased', holder: 'a', expiresAtMs: toldMs }, true],
  [{ is: 'leased', holder: 'a', expiresAtMs: toldMs + 1 }, false],
  [{ is: 'leased', holder: 'a', expiresAtMs: toldMs + leaseLeftMaxMs }, false],
  // No clock that is right gives such a lease, and the night cuts it.
  [{ is: 'leased', holder: 'a', expiresAtMs: toldMs + leaseLeftMaxMs + 1 }, true],
  [{ is: 'deferred', chainId: 'c' }, false],
  [{ is: 'rejected' }, false],
  [{ is: 'not-found' }, false],
  [{ is: 'noted' }, false],
])('of a member, %j is told again by the night: %s; of who has left, nothing is', (rowState, isTold) => {
  expect(isToBeRenewed(exampleRecord({ rowState }), toldMs)).toBe(isTold);
  expect(isToBeRenewed(exampleRecord({ rowState, known: left, delivered: member }), toldMs)).toBe(false);
});
