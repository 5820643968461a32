import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, exitedAt, fansKey, openActivation, personExport, rowOf } from '../testing/index.ts';
import { activate, type ObservedChange } from './index.ts';

/** The journey with somebody who looks at every change. */
function openObserved(ledger = new DisturbedLedger()) {
  const parts = openActivation({ ledger });
  const seen: ObservedChange[] = [];
  const context = { ...parts.context, observe: (change: ObservedChange) => void seen.push(change) };
  return { ...parts, seen, take: (...events: ReturnType<typeof eventOf>[]) => activate({ events }, context) };
}

test('each change is observed where its outcome is counted, so that both say the same', async () => {
  const { take, seen, outcomes } = openObserved();
  const event = eventOf(personExport({ firstName: 'Ada' }), 1);
  await take(event, event);
  await take(eventOf(personExport({ firstName: 'Ada' }), 2));
  await take(eventOf(personExport({ firstName: 'Grace' }), 3));
  const counted = Object.entries(Object.groupBy(seen, ({ destination, outcome }) => `${destination} ${outcome}`));
  expect(Object.fromEntries(counted.map(([name, changes]) => [name, changes?.length]))).toEqual(outcomes());
});

test('a change that was told says who, what and from which event, without the body of the event', async () => {
  const { take, seen } = openObserved();
  await take(eventOf(personExport({ person: 'p1', firstName: 'Ada' }), 7));
  expect(seen).toEqual([
    {
      destination: 'crm',
      outcome: 'delivered',
      atMs: expect.any(Number) as number,
      audience: 'sports-fans',
      identity: { namespace: 'crmid', value: 'p1' },
      status: 'realized',
      kind: 'entered',
      changeId: expect.stringMatching(/^[\w-]{27}$/) as string,
      event: {
        partitionId: expect.any(String) as string,
        sequenceNumber: 7,
        enqueuedAtMs: expect.any(Number) as number,
      },
    },
  ]);
});

test('what the destination refuses is observed with its words', async () => {
  const { take, seen, crm } = openObserved();
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'the list is full' });
  await take(eventOf(personExport({ person: 'p1' }), 1));
  expect(seen).toMatchObject([{ outcome: 'rejected', reason: 'the list is full' }]);
});

test('what is deferred, and what was told under a lease that was lost, is observed with its subject', async () => {
  const ledger = new DisturbedLedger();
  const { take, seen, crm } = openObserved(ledger);
  crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'busy' });
  await take(eventOf(personExport({ person: 'p1' }), 1));
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  ledger.beforeWrite = (_, [write]) =>
    write?.record.rowState.is === 'delivered' && write.record.known.isMember
      ? ledger.overwrite(fansKey('p2'), rowOf(exitedAt(60)))
      : undefined;
  await take(eventOf(personExport({ person: 'p2' }), 2));
  expect(seen).toMatchObject([
    { outcome: 'deferred', identity: { value: 'p1' }, kind: 'entered', reason: 'busy' },
    { outcome: 'superseded', identity: { value: 'p2' }, kind: 'entered', event: { sequenceNumber: 2 } },
  ]);
});
