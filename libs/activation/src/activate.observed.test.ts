import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, exitedAt, fansKey, openActivation, personExport, rowOf } from '../testing/index.ts';
import { activate, type ObservedChange } from './index.ts';

/** The journey with an observer of every change. */
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

test('what is not sent is observed with its person and its cause: unchanged, too large, behind a lease or an open circuit', async () => {
  const ledger = new DisturbedLedger();
  const { take, seen, crm, clock } = openObserved(ledger);
  let sequenceNumber = 0;
  const observed = async (person: string, firstName: string): Promise<ObservedChange | undefined> => {
    sequenceNumber += 1;
    seen.length = 0;
    await take(eventOf(personExport({ person, firstName }), sequenceNumber));
    return seen.find(({ destination }) => destination === 'crm');
  };
  const of = (person: string) => ({ audience: 'sports-fans', identity: fansKey(person).identity, status: 'realized' });
  await observed('p1', 'Ada');
  expect(await observed('p1', 'Ada')).toMatchObject({ outcome: 'unchanged', ...of('p1') });
  expect(await observed('p2', 'x'.repeat(200_000))).toMatchObject({
    outcome: 'rejected',
    class: 'too-large',
    ...of('p2'),
  });
  const rowState = { is: 'leased', holder: 'other', expiresAtMs: clock.nowMs + 60_000 } as const;
  await ledger.overwrite(fansKey('p3'), rowOf(exitedAt(-60), { rowState }));
  const waits = await observed('p3', 'Ada');
  expect(waits).toMatchObject({ outcome: 'deferred', ...of('p3') });
  expect([typeof waits?.class, typeof waits?.reason]).toEqual(['string', 'string']);

  crm.onRequest = () => {
    throw new DestinationError('transient', 'It is down.');
  };
  for (const person of ['x', 'y', 'z']) await observed(person, 'Ada');
  const open = { outcome: 'deferred', class: 'transient', ...of('p4') };
  for (const firstName of ['Ada', 'Grace']) {
    const held = await observed('p4', firstName);
    expect(held).toMatchObject(open);
    expect(held?.reason).toContain('its circuit breaker is open');
  }
});
