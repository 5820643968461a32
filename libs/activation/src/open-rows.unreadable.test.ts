import { isUnreadable, rowsOf, type Retry } from '@activation-hub/delivery';
import { exampleRetry } from '@activation-hub/delivery/testing';
import { DestinationError } from '@activation-hub/destination-kit';
import type { LedgerKey } from '@activation-hub/membership';
import { SpoilableLedger } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import {
  eventOf,
  fansId,
  fansKey,
  memberAt,
  noonMs,
  openActivation,
  personExport,
  putRow,
  rowOf,
} from '../testing/index.ts';
import type { ObservedChange } from './observed-change.ts';
import { takeOpenRows } from './open-rows.ts';
import { Tally } from './tally.ts';
import { retryWork } from './work.ts';

const { signal } = new AbortController();

/** A retry whose route is gone, and of whose two rows one cannot be read. */
async function open() {
  const fileOf = (activate: string) => `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: ${activate} }
`;
  const ledger = new SpoilableLedger();
  const before = openActivation({ ledger, file: fileOf('[{ destination: crm, identity: crmid }]') });
  before.crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  await before.activate(eventOf(personExport(), 1), eventOf(personExport({ person: 'p2' }), 2));
  await ledger.spoil(fansKey());
  const { retryQueue, crm, ads } = before;
  const later = openActivation({ ledger, file: fileOf('[]'), retryQueue, destinations: { crm, ads } });
  const retryAfter = async (ms: number): Promise<void> => {
    later.clock.nowMs = Math.max(later.clock.nowMs + ms, retryQueue.nextDueAtMs ?? 0);
    await later.retryDue();
  };
  const waiting = async () =>
    (await Array.fromAsync(retryQueue.waiting(signal))).flatMap((retry) =>
      isUnreadable(retry) ? [] : rowsOf(retry).map(({ row }) => `${row.identity.value} ${retry.class}`),
    );
  return { ...later, retryAfter, waiting };
}

test('a row that cannot be read keeps its retry, and the other rows of the retry go on', async () => {
  const { retryAfter, waiting, letters, outcomes } = await open();
  await retryAfter(2 * 3_600_000);
  expect(await waiting()).toEqual(['p1 row-unreadable']);
  expect(letters().map((letter) => letter.class)).toEqual(['route-gone']);
  expect(outcomes()).toEqual({ 'crm deferred': 1, 'crm given-up': 1 });
});

test('it is given up with a dead letter that names it', async () => {
  const { retryAfter, waiting, letters, outcomes } = await open();
  await retryAfter(25 * 3_600_000);
  expect(await waiting()).toEqual([]);
  const letter = letters().find((each) => each.class === 'row-unreadable');
  expect(letter).toMatchObject({ outcome: 'given-up', failures: [{ audience: 'sports-fans', rows: [fansKey()] }] });
  expect(outcomes()).toEqual({ 'crm given-up': 2 });
});

/** Takes a row that cannot be read, for which a retry is responsible. */
async function openOf(key: LedgerKey, over: Partial<Retry>) {
  const ledger = new SpoilableLedger();
  const { context } = openActivation({ ledger });
  await putRow(ledger, key, rowOf(memberAt()));
  const { unreadable } = await ledger.spoil(key);
  const seen: ObservedChange[] = [];
  const tally = new Tally({ ...context, observe: (change: ObservedChange) => void seen.push(change) });
  const retry = exampleRetry({ destination: 'crm', firstDeferredAtMs: noonMs, events: [], rows: [], ...over });
  const nothing = { newest: new Map(), rejectedKeys: new Set<string>() };
  const by = { holder: 'this', expiresAtMs: 0 };
  const { leased, deferred } = await takeOpenRows(retryWork(retry), nothing, by, context, tally, signal);
  expect(leased).toEqual([]);
  return { deferrals: deferred.map(({ deferral }) => deferral), seen, unreadable };
}

test('a row of no event waits as well, and is observed with its cause', async () => {
  const { deferrals, seen, unreadable } = await openOf(fansKey(), { rows: [fansKey()] });
  expect(deferrals).toMatchObject([{ key: fansKey(), audience: 'sports-fans' }]);
  expect(deferrals[0]).not.toHaveProperty('event');
  const { identity } = fansKey();
  expect(seen).toMatchObject([{ outcome: 'deferred', identity, audience: 'sports-fans', class: 'row-unreadable' }]);
  expect(seen[0]?.reason).toContain(unreadable);
});

test('a row that its retry knows by two audiences waits for both, and is counted once', async () => {
  const key = { ...fansKey(), audience: { namespace: 'ups', id: 'gone' } };
  const events = [{ event: eventOf(personExport(), 1), audiences: ['one', 'other'], rows: [key] }];
  const { deferrals, seen } = await openOf(key, { events });
  expect(deferrals.map(({ audience }) => audience)).toEqual(['one', 'other']);
  expect(seen).toHaveLength(1);
});
