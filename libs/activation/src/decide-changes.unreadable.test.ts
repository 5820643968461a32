import { DestinationError } from '@activation-hub/destination-kit';
import { readable, SpoilableLedger } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, exitedAt, fansKey, openActivation, personExport, untoldRowOf } from '../testing/index.ts';
import { activate } from './activate.ts';
import type { ObservedChange } from './observed-change.ts';
import { unlinkPeople } from './unlink-people.ts';
import { Tally } from './tally.ts';

const { signal } = new AbortController();

/** A hub that has told of p1, whose row cannot be read any more. */
async function open(cache = {}) {
  const ledger = new SpoilableLedger();
  const opened = openActivation({ ledger, cache });
  await opened.activate(eventOf(personExport(), 1));
  // Another worker, which has no copy of the row.
  const { crm, ads, retryQueue, context } = opened;
  const worker = openActivation({ ledger, cache, retryQueue, destinations: { crm, ads } });
  const spoiled = await ledger.spoil(fansKey());
  const said = (name: string): unknown[] =>
    worker.lines.map((line) => JSON.parse(line) as { signal?: string }).filter(({ signal: of }) => of === name);
  const retryNext = async (): Promise<void> => {
    worker.clock.nowMs = Math.max(worker.clock.nowMs, retryQueue.nextDueAtMs ?? 0);
    await worker.retryDue();
  };
  return { ...worker, ledger, spoiled, said, retryNext, context: worker.context, first: context };
}

const update = (person: string, firstName = 'Grace', at = 60) => personExport({ person, firstName, at });

test('a row that cannot be read leaves its own change for later, and the others of the batch go on', async () => {
  const { activate, ledger, outcomes, crm, said, retryQueue, spoiled } = await open();
  const before = await readable(ledger.under).read([fansKey()], signal);
  await activate(eventOf(update('p1'), 2), eventOf(update('p2'), 3));
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p2']);
  expect(outcomes()).toEqual({ 'crm deferred': 1, 'crm delivered': 1 });
  expect(await readable(ledger.under).read([fansKey()], signal)).toEqual(before);
  const [retry] = await Array.fromAsync(retryQueue.waiting(signal));
  expect(retry).toMatchObject({
    class: 'row-unreadable',
    reason: expect.stringContaining(spoiled.unreadable) as string,
  });
  expect(said('rows-unreadable')).toMatchObject([{ rows: 1, row: spoiled.unreadable }]);
});

test('it is observed with its person and its cause', async () => {
  const { context, spoiled } = await open();
  const seen: ObservedChange[] = [];
  const observe = (change: ObservedChange) => void seen.push(change);
  await activate({ events: [eventOf(update('p1'), 2)] }, { ...context, observe });
  const { identity } = fansKey();
  expect(seen).toMatchObject([{ outcome: 'deferred', identity, class: 'row-unreadable' }]);
  expect(seen[0]?.reason).toContain(spoiled.unreadable);
});

test('the change is told when its row can be read again, and a line of the log says it once', async () => {
  const { activate, ledger, crm, retryNext, said } = await open();
  await activate(eventOf(update('p1'), 2));
  await retryNext();
  await retryNext();
  expect(said('rows-unreadable')).toHaveLength(1);
  ledger.mend();
  await retryNext();
  expect(crm.story).toEqual(['entered sports-fans p1', 'updated sports-fans p1']);
});

test('what waits for another reason at the same time does not name the row', async () => {
  const { activate, crm, retryQueue, retryNext, said } = await open();
  crm.onRequest = () => {
    throw new DestinationError('transient', 'It is down.');
  };
  for (const [n, person] of ['p2', 'p3', 'p4'].entries()) await activate(eventOf(update(person), 2 + n));
  await activate(eventOf(update('p1'), 6), eventOf(update('p5'), 7));
  const retries = await Array.fromAsync(retryQueue.waiting(signal));
  expect(retries.map((retry) => 'class' in retry && retry.class)).toEqual([
    'transient',
    'transient',
    'transient',
    'row-unreadable',
    'transient',
  ]);
  for (let n = 0; n < 8; n += 1) await retryNext();
  expect(said('rows-unreadable')).toHaveLength(1);
});

test('it is given up with a dead letter, which names the row, when it has waited for too long', async () => {
  const { activate, clock, retryNext, letters, outcomes, retryQueue, crm } = await open();
  await activate(eventOf(update('p1'), 2));
  clock.nowMs += 86_400_000;
  await retryNext();
  expect(letters()).toMatchObject([
    { outcome: 'given-up', class: 'row-unreadable', failures: [{ audience: 'sports-fans', rows: [fansKey()] }] },
  ]);
  expect(outcomes()).toEqual({ 'crm deferred': 1, 'crm given-up': 1 });
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toEqual([]);
  expect(crm.requests).toBe(1);
});

test('a person who is expected to have no row is not told when there is one that cannot be read', async () => {
  const { activate, crm, outcomes } = await open({ expectAfterKeys: 1 });
  await activate(eventOf(update('p3'), 2));
  crm.told.length = 0;
  await activate(eventOf(update('p1'), 3));
  expect(crm.told).toEqual([]);
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm deferred': 1 });
});

test('a former identity is no member again while a row that it remembers cannot be read', async () => {
  const { activate, ledger, outcomes, crm, retryNext } = await open();
  const formerOf = [{ ...fansKey().identity, linkDigest: 'both' }];
  const key = fansKey('p2');
  await ledger.write([{ key, record: untoldRowOf(exitedAt(10), { formerOf }), expected: undefined }], signal);
  await activate(eventOf(update('p2'), 2), eventOf(update('p3'), 3));
  expect(outcomes()).toEqual({ 'crm deferred': 1, 'crm delivered': 1 });
  expect((await readable(ledger).read([key], signal))[0]?.record).toMatchObject({
    known: { isMember: false },
    formerOf,
  });
  ledger.mend();
  await retryNext();
  expect(crm.story.slice(-1)).toEqual(['entered sports-fans p2']);
});

test('of two changes only the one that a row which cannot be read stops is stopped', async () => {
  const { ledger, context, spoiled } = await open();
  const [one, other] = ['p2', 'p3'].map((person) => fansKey(person));
  if (one === undefined || other === undefined) throw new Error('unreachable');
  const row = (...people: readonly string[]) => ({
    version: '',
    record: untoldRowOf(exitedAt(10), {
      formerOf: people.map((person) => ({ ...fansKey(person).identity, linkDigest: 'both' })),
    }),
  });
  const state = { ...exitedAt(60), isMember: true, status: 'realized' as const };
  const changes = [
    { key: one, row: row('p8', 'p1'), state },
    { key: other, row: row('p9'), state },
  ];
  const stopped = await unlinkPeople(changes, { context, tally: new Tally(context) }, signal);
  expect([...stopped]).toEqual([[changes[0], spoiled]]);
  expect((await readable(ledger).read([fansKey('p9')], signal))[0]?.record.rowState).toEqual({ is: 'noted' });
});
