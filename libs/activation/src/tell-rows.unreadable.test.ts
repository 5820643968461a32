import { isUnreadable } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { SpoilableLedger } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, fansKey, openActivation, personExport } from '../testing/index.ts';
import { resync } from './tell-ledger.ts';

const { signal } = new AbortController();

test('a settling that is lost to a row which cannot be read is left to a retry, and so is no other', async () => {
  const ledger = new SpoilableLedger();
  const { activate, crm, outcomes, retryQueue, lines } = openActivation({ ledger });
  crm.onRequest = async () => {
    await ledger.spoil(fansKey());
    crm.onRequest = () => undefined;
  };
  await activate(eventOf(personExport(), 1), eventOf(personExport({ person: 'p2' }), 2));
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p2']);
  expect(outcomes()).toEqual({ 'crm superseded': 1, 'crm delivered': 1 });
  const waiting = await Array.fromAsync(retryQueue.waiting(signal));
  // The export waits besides, so that its person is followed.
  const causes = waiting.map((retry) => (isUnreadable(retry) ? '' : retry.class));
  expect(causes.toSorted()).toEqual(['row-unreadable', 'transient']);
  expect(lines.filter((line) => line.includes('rows-unreadable'))).toHaveLength(1);
});

test('of rows that are told from the ledger it is left as well', async () => {
  const ledger = new SpoilableLedger();
  const { activate, crm, context, retryQueue } = openActivation({ ledger });
  await activate(eventOf(personExport(), 1));
  crm.onRequest = async () => {
    await ledger.spoil(fansKey());
  };
  expect(await resync({ context, destination: 'crm' }, { signal })).toMatchObject({ delivered: 1 });
  const retries = await Array.fromAsync(retryQueue.waiting(signal));
  expect(retries).toMatchObject([{ class: 'row-unreadable', events: [], rows: [fansKey()] }]);
});

test('it is given up with a dead letter when the retry that told it is too old', async () => {
  const ledger = new SpoilableLedger();
  const { activate, crm, clock, letters, retryQueue, retryDue } = openActivation({ ledger });
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  await activate(eventOf(personExport(), 1));
  crm.onRequest = async () => {
    await ledger.spoil(fansKey());
  };
  clock.nowMs = Math.max(clock.nowMs + 86_400_000, retryQueue.nextDueAtMs ?? 0);
  await retryDue();
  expect(letters()).toMatchObject([
    { outcome: 'given-up', class: 'row-unreadable', attempts: 1, failures: [{ rows: [fansKey()] }] },
  ]);
});
