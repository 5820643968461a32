import type { Retry, WaitingRetry } from '@activation-hub/delivery';
import { exampleRetry } from '@activation-hub/delivery/testing';
import type { LedgerKey, LedgerRecord } from '@activation-hub/membership';
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
  riderAlongId,
  rowOf,
  untoldRowOf,
} from '../testing/index.ts';
import { dryResume, type DryResumed, type DryScope } from './dry-resume.ts';

const { signal } = new AbortController();
/** Each export of a person is of the fans and of the riders. */
const fileWith = (formerly: string): string => `
version: 1
destinations:
  crm: { type: recording${formerly} }
  ads: { type: recording }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid] }] }
  riders: { id: ${riderAlongId}, activate: [{ destination: crm, identity: [crmid] }] }
`;

type Waits = Retry | { readonly unreadable: string };
const waitsFor = (chainId: string): LedgerRecord => untoldRowOf(memberAt(), { rowState: { is: 'deferred', chainId } });

const ridersKey = (person: string): LedgerKey => ({
  ...fansKey(person),
  audience: { ...fansKey().audience, id: riderAlongId },
});

/** A retry with the export of each person, whose entry into these audiences waits. */
function retryOf(people: readonly string[], over: Partial<Retry> = {}, audiences = ['sports-fans']): Retry {
  const keysOf = (person: string): readonly LedgerKey[] =>
    audiences.map((audience) => (audience === 'riders' ? ridersKey(person) : fansKey(person)));
  return exampleRetry({
    id: `of-${people.join('-')}`,
    firstDeferredAtMs: noonMs,
    events: people.map((person) => ({
      event: eventOf(personExport({ person }), 1),
      audiences,
      rows: keysOf(person),
    })),
    ...over,
  });
}

/** Looks at what waits; the rows of which it tells wait for retries. */
async function open(waiting: readonly Waits[], formerly = '') {
  const opened = openActivation({ file: fileWith(formerly) });
  const { context, crm } = opened;
  for (const retry of waiting)
    if (!('unreadable' in retry))
      for (const key of [...retry.events.flatMap(({ rows }) => rows), ...retry.rows])
        await putRow(context.ledger, key, waitsFor(retry.id));
  const retryQueue = {
    async *waiting() {
      for (const each of waiting) yield await Promise.resolve(each as WaitingRetry);
    },
  };
  const look = (scope: DryScope, countMax?: number, until = signal): Promise<DryResumed> =>
    dryResume(scope, { ...context, retryQueue }, until, countMax);
  return { ...opened, look, crm };
}

async function seen(waiting: readonly Waits[], scope: DryScope = { destination: 'crm' }, countMax?: number) {
  const { look } = await open(waiting);
  const { changes, ...rest } = await look(scope, countMax);
  const words = changes.map(({ audience, identity, outcome }) => `${audience} ${identity?.value} ${outcome}`);
  return { changes: words, ...rest };
}

test('a retry that cannot be read is named, and the others are looked at', async () => {
  expect(await seen([{ unreadable: 'torn' }, retryOf(['p1'])])).toEqual({
    changes: ['sports-fans p1 delivered'],
    leftOut: 0,
    unreadable: ['torn'],
  });
});

test('what waits for another destination, or was accepted already, is left out', async () => {
  const accepted = retryOf(['p2'], { receipts: { change: 'receipt' } });
  const ofAds = retryOf(['p3'], { destination: 'ads' });
  const { changes } = await seen([accepted, ofAds, retryOf(['p1'])]);
  expect(changes).toEqual(['sports-fans p1 delivered']);
});

test('what waits under a former name of the destination is looked at, and so is a destination that the file names no more', async () => {
  const key = { ...fansKey('p1'), destination: 'old-crm' };
  const former = await open([retryOf([], { destination: 'old-crm', rows: [key] })], ', formerly: [old-crm]');
  expect((await former.look({ destination: 'crm' })).changes).toMatchObject([
    { destination: 'crm', outcome: 'delivered' },
  ]);
  const gone = retryOf(['p1'], { destination: 'gone', events: [], rows: [{ ...key, destination: 'gone' }] });
  const { look } = await open([gone]);
  expect((await look({ destination: 'gone' })).changes).toMatchObject([{ destination: 'gone', class: 'route-gone' }]);
  expect((await look({ destination: 'gone', audience: 'sports-fans' })).changes).toEqual([]);
});

test('of an event only the audience that is asked for is looked at', async () => {
  const both = retryOf(['p1'], {}, ['sports-fans', 'riders']);
  expect((await seen([both])).changes.toSorted()).toEqual(['riders p1 delivered', 'sports-fans p1 delivered']);
  expect((await seen([both], { destination: 'crm', audience: 'riders' })).changes).toEqual(['riders p1 delivered']);
  expect((await seen([both], { destination: 'crm', audience: 'others' })).changes).toEqual([]);
});

test('only the person who is asked for is looked at, by namespace and value', async () => {
  const waiting = [retryOf(['p1', 'p2'])];
  const of = (namespace: string, value: string): DryScope => ({ destination: 'crm', identity: { namespace, value } });
  expect((await seen(waiting, of('crmid', 'p1'))).changes).toEqual(['sports-fans p1 delivered']);
  expect((await seen(waiting, of('email', 'p1'))).changes).toEqual([]);
  expect((await seen(waiting, of('crmid', 'p3'))).changes).toEqual([]);
});

test('rows that wait without an event are looked at beside those with one', async () => {
  const { changes } = await seen([retryOf(['p1'], { rows: [fansKey('p2')] })]);
  expect(changes.toSorted()).toEqual(['sports-fans p1 delivered', 'sports-fans p2 delivered']);
  const another: DryScope = { destination: 'crm', identity: { namespace: 'crmid', value: 'p1' } };
  expect((await seen([retryOf([], { rows: [fansKey('p2')] })], another)).changes).toEqual([]);
});

test('retries are looked at whole, the newest first, until as many changes are as are asked for', async () => {
  const waiting = ['a', 'b', 'c', 'd'].map((name, index) =>
    retryOf([`${name}1`, `${name}2`], { firstDeferredAtMs: noonMs + index }),
  );
  const { changes, leftOut } = await seen(waiting, { destination: 'crm' }, 3);
  expect(changes).toEqual(['d1', 'd2', 'c1', 'c2'].map((person) => `sports-fans ${person} delivered`));
  expect(leftOut).toBe(4);
  expect((await seen(waiting, { destination: 'crm' }, 4)).leftOut).toBe(4);
  expect((await seen(waiting, { destination: 'crm' }, 5)).leftOut).toBe(2);
  expect((await seen(waiting, { destination: 'crm' }, 8)).leftOut).toBe(0);
});

test('of retries with more and with fewer changes those that are left out are counted change by change', async () => {
  const waitingOf = (...sizes: readonly number[]) =>
    sizes.map((size, age) =>
      retryOf(
        Array.from({ length: size }, (_, index) => `${age}-${index}`),
        { firstDeferredAtMs: noonMs - age },
      ),
    );
  const counts = async (sizes: readonly number[], countMax: number) => {
    const { changes, leftOut } = await seen(waitingOf(...sizes), { destination: 'crm' }, countMax);
    return [changes.length, leftOut];
  };
  expect(await counts([1, 3, 2], 4)).toEqual([4, 2]);
  expect(await counts([2, 1, 2, 2], 3)).toEqual([3, 4]);
});

test('what an export brings is seen where it is newer than the row', async () => {
  const event = eventOf(personExport({ person: 'p1', status: 'exited', at: 60 }), 1);
  const { context, look } = await open([
    retryOf([], { events: [{ event, audiences: ['sports-fans'], rows: [fansKey('p1')] }] }),
  ]);
  await putRow(context.ledger, fansKey('p1'), rowOf(memberAt()));
  expect((await look({ destination: 'crm' })).changes).toMatchObject([{ kind: 'exited', outcome: 'delivered' }]);
});

test('what the destination has by now is not shown, and neither is what something newer has superseded', async () => {
  const { context, look } = await open([retryOf(['p1', 'p2', 'p3'])]);
  await putRow(context.ledger, fansKey('p1'), rowOf(memberAt(60)));
  await putRow(context.ledger, fansKey('p2'), rowOf(memberAt()));
  expect((await look({ destination: 'crm' })).changes).toMatchObject([{ identity: { value: 'p3' } }]);
});

test('every change that the destination refuses is shown as such, however many there are', async () => {
  const people = Array.from({ length: 60 }, (_, index) => `p${index}`);
  const { crm, look } = await open([retryOf(people)]);
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'No such list.' });
  const { changes } = await look({ destination: 'crm' });
  expect([changes.length, new Set(changes.map(({ outcome }) => outcome))]).toEqual([60, new Set(['rejected'])]);
});

test('a look that is ended asks for nothing further', async () => {
  const { crm, look } = await open([retryOf(['p1'], { firstDeferredAtMs: noonMs + 1 }), retryOf(['p2'])]);
  const ended = new AbortController();
  crm.onRequest = () => {
    ended.abort();
  };
  await expect(look({ destination: 'crm' }, undefined, ended.signal)).rejects.toThrow('aborted');
  expect(crm.requests).toBe(1);
});
