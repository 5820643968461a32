import { InMemoryLedger, isUnreadableRow, ledgerKeyText, type Ledger } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { fansKey, memberAt, noonMs, putRow, rowOf } from '../testing/index.ts';
import { LedgerCache } from './ledger-cache.ts';
import { readFirst, readRows } from './read-rows.ts';
import type { DesiredMembership } from './resolve-memberships.ts';

/** What a process knows that looks for two keys of a destination before it expects anything. */
function open() {
  const store = new InMemoryLedger();
  const reads: (readonly string[])[] = [];
  const ledger = {
    read: (keys, signal) => {
      reads.push(keys.map(({ identity }) => identity.value));
      return store.read(keys, signal);
    },
  } as Pick<Ledger, 'read'> as Ledger;
  const ledgerCache = new LedgerCache({ bytesMax: 100_000, ageMaxMs: 1_000, expectAfterKeys: 2 });
  const tally = { ledgerReads: 0 };
  const { signal } = new AbortController();
  const context = { ledger, ledgerCache, clock: { now: () => noonMs } };
  return { store, reads, ledgerCache, tally, reading: { context, tally, signal } as Parameters<typeof readRows>[1] };
}

/** The membership of a person among the fans. */
function membershipOf(person: string, destination = 'crm'): DesiredMembership {
  const key = { ...fansKey(person), destination };
  return { key, keyText: ledgerKeyText(key) } as DesiredMembership;
}

const row = { version: '1', record: rowOf(memberAt()) };
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((person) => membershipOf(person));
if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('There are four.');

test('of a batch to a destination that is new to the process, a few rows are read before the others', async () => {
  const { reads, reading, tally } = open();
  expect([...(await readFirst([a, b, c], reading)).keys()]).toEqual([a, b]);
  expect(reads).toEqual([['a', 'b']]);
  expect(tally.ledgerReads).toBe(2);
});

test('a row that the cache knows is not read, and takes the place of none that is', async () => {
  const { reads, ledgerCache, reading } = open();
  ledgerCache.set(a.keyText, row, noonMs);
  expect([...(await readFirst([a, b, c, d], reading)).keys()]).toEqual([b, c]);
  expect(reads).toEqual([['b', 'c']]);
});

test('when no row is left for later, none is read before the others', async () => {
  const { reads, ledgerCache, reading } = open();
  ledgerCache.set(a.keyText, row, noonMs);
  expect((await readFirst([a, b, c], reading)).size).toBe(0);
  expect(reads).toEqual([]);
});

test('a destination of which the process knows enough does not keep the rows of a new one from being read first', async () => {
  const { reads, ledgerCache, reading } = open();
  for (let n = 0; n < 2; n += 1) ledgerCache.countLookedFor('crm', false);
  const ofAds = ['x', 'y', 'z'].map((person) => membershipOf(person, 'ads'));
  expect([...(await readFirst([a, b, c, ...ofAds], reading)).keys()]).toEqual(ofAds.slice(0, 2));
  expect(reads).toEqual([['x', 'y']]);
});

test('where the process knows enough of every destination, no row is read first', async () => {
  const { reads, ledgerCache, reading } = open();
  for (let n = 0; n < 3; n += 1) ledgerCache.countLookedFor('crm', false);
  expect((await readFirst([a, b, c], reading)).size).toBe(0);
  expect(reads).toEqual([]);
});

test('the first round reads what was not read first, and learns from the rows that the cache did not know', async () => {
  const { store, reads, ledgerCache, reading, tally } = open();
  await putRow(store, b.key, rowOf(memberAt()));
  ledgerCache.set(c.keyText, row, noonMs);
  const read = await readRows([a, b, c], reading, new Map([[a, undefined]]));
  expect(
    [...read].map(([each, found]) => [
      each.key.identity.value,
      isUnreadableRow(found) ? found : found?.record.known.isMember,
    ]),
  ).toEqual([
    ['a', undefined],
    ['b', true],
    ['c', undefined],
  ]);
  expect(reads).toEqual([['b', 'c']]);
  expect(tally.ledgerReads).toBe(2);
  expect(ledgerCache.keysToLookFor('crm')).toBe(1);
});

test('a destination of which rows are there is not expected to have none', async () => {
  const { store, ledgerCache, reading } = open();
  for (const { key } of [a, b]) await putRow(store, key, rowOf(memberAt()));
  await readRows([a, b], reading, new Map());
  expect(ledgerCache.keysToLookFor('crm')).toBe(0);
  expect(ledgerCache.expectsNoRow('crm')).toBe(false);
  const empty = open();
  await readRows([a, b], empty.reading, new Map());
  expect(empty.ledgerCache.expectsNoRow('crm')).toBe(true);
});

test('a further round reads every row again, and learns nothing from that', async () => {
  const { reads, ledgerCache, reading } = open();
  expect([...(await readRows([a, b], reading)).keys()]).toEqual([a, b]);
  expect(reads).toEqual([['a', 'b']]);
  expect(ledgerCache.keysToLookFor('crm')).toBe(2);
});

test('when every row was read first, the first round asks the ledger for nothing', async () => {
  const { reads, reading } = open();
  expect([...(await readRows([a], reading, new Map([[a, row]])))]).toEqual([[a, row]]);
  expect(reads).toEqual([]);
});
