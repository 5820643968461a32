import { InMemoryRetryQueue, routeHeldReason } from '@activation-hub/delivery';
import { InMemoryLedger } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { eventOf, openActivation, personExport, RecordingDestination } from '../testing/index.ts';

/**
 * Two workers of one app, the second of which takes an event while the first tells the destination.
 */
async function tellWhile(first: ReturnType<typeof eventOf>, second: ReturnType<typeof eventOf>) {
  const shared = {
    ledger: new InMemoryLedger(),
    retryQueue: new InMemoryRetryQueue(),
    destinations: { crm: new RecordingDestination(), ads: new RecordingDestination() },
  };
  const one = openActivation(shared);
  const other = openActivation(shared);
  const { crm } = shared.destinations;
  crm.onRequest = async () => {
    if (crm.requests === 1) await other.activate(second);
  };
  await one.activate(first);
  while (shared.retryQueue.nextDueAtMs !== undefined) {
    other.clock.nowMs = Math.max(other.clock.nowMs, shared.retryQueue.nextDueAtMs);
    await other.retryDue();
  }
  return { told: crm.story, one: one.outcomes(), other: other.outcomes() };
}

test('the same event, given to another worker as well, is told and counted as delivered once', async () => {
  const event = eventOf(personExport({ at: 0 }), 1);
  expect(await tellWhile(event, event)).toEqual({
    told: ['entered sports-fans p1'],
    one: { 'crm delivered': 1 },
    other: { 'crm deferred': 1, 'crm unchanged': 1 },
  });
});

test('a newer state that comes while its row is told is told by the worker that has the lease, and counted where it came', async () => {
  const later = eventOf(personExport({ at: 60, status: 'exited' }), 2);
  expect(await tellWhile(eventOf(personExport({ at: 0 }), 1), later)).toEqual({
    told: ['entered sports-fans p1', 'exited sports-fans p1'],
    // The retry of the other finds the destination told: of the exit there is one outcome, though
    // not the word for who told it.
    one: { 'crm delivered': 1 },
    other: { 'crm deferred': 1, 'crm unchanged': 1 },
  });
});

test('what a destination rejects is not counted as in shadow, whatever it says', async () => {
  const { activate, crm, counter, outcomes } = openActivation();
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: routeHeldReason({ isShadow: true }) });
  await activate(eventOf(personExport(), 1));
  expect(outcomes()).toEqual({ 'crm rejected': 1 });
  expect(counter('changes-shadowed')).toBe(0);
});
