import { rowsOf } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, fansId, fansKey, openActivation, personExport } from '../testing/index.ts';

const { signal } = new AbortController();
const file = `
version: 1
destinations: { crm: { type: recording, giveUpAfter: 1h } }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: crmid, attributes: { firstname: person.name.firstName } }
`;

test('a last attempt without an answer is given up when its lease has expired, and an exit comes only after that', async () => {
  const { activate, crm, clock, retryQueue, retryDue, letters, context, outcomes } = openActivation({ file });
  const rowState = async () => (await readable(context.ledger).read([fansKey()], signal))[0]?.record.rowState.is;
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  await activate(eventOf(personExport(), 1));
  clock.nowMs += 3_600_000;
  crm.onRequest = () => {
    throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
  };
  await retryDue();
  expect(await rowState()).toBe('leased');
  expect(letters()).toEqual([]);

  // The exit comes while the entry may still be under way: it waits, and so does the giving up.
  crm.onRequest = () => undefined;
  await activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  expect(crm.told).toEqual([]);
  while (retryQueue.nextDueAtMs !== undefined) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
    await retryDue();
  }
  expect(crm.story).toEqual(['exited sports-fans p1']);
  expect(await rowState()).toBe('delivered');
  expect(outcomes()).toMatchObject({ 'crm delivered': 1 });
});

test('300 updates of one person in an outage keep one retry, and the newest is told', async () => {
  const { activate, crm, clock, retryQueue, retryDue } = openActivation({ file });
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  // Three failures in a row open the circuit.
  for (const [n, person] of ['a', 'b', 'c'].entries()) await activate(eventOf(personExport({ person }), n));
  for (let n = 0; n < 300; n += 1) await activate(eventOf(personExport({ firstName: `Name ${n}` }), 10 + n));
  let waiting = 0;
  for await (const retry of retryQueue.waiting(signal))
    waiting += rowsOf(retry).filter(({ row }) => row.identity.value === 'p1').length;
  expect(waiting).toBe(1);
  crm.onRequest = () => undefined;
  while (retryQueue.nextDueAtMs !== undefined) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
    await retryDue();
  }
  expect(crm.members.get('sports-fans p1')).toEqual({ attributes: { firstname: 'Name 299' } });
});
