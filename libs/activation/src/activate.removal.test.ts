import { InMemoryRetryQueue, readRetryMessage } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { eventOf, openActivation, personExport } from '../testing/index.ts';
import { activateRetry } from './activate-retry.ts';

const { signal } = new AbortController();

/**
 * A store that keeps what it is given and removes nothing, as when a role or a lock on the blobs
 * forbids it.
 */
class KeepingRetryQueue extends InMemoryRetryQueue {
  removals = 0;

  override remove(): Promise<void> {
    this.removals += 1;
    return Promise.reject(new Error('Failed to remove a retry: the blob store answered 403.'));
  }
}

test('a retry that cannot be removed leaves one retry for what is open, and not one with every redelivery', async () => {
  const retryQueue = new KeepingRetryQueue();
  const { activate, context, crm, clock, lines } = openActivation({ retryQueue });
  crm.answer = () => {
    throw new DestinationError('transient', 'It is down.');
  };
  await activate(eventOf(personExport()));
  clock.nowMs = retryQueue.nextDueAtMs ?? NaN;
  const [message = ''] = retryQueue.takeDue(clock.nowMs);
  // The host gives a message again whose function threw, five times before it is put aside.
  for (let redelivery = 0; redelivery < 5; redelivery += 1) {
    const ended = await activateRetry(message, context).then(
      () => true,
      () => false,
    );
    if (ended) break;
  }
  expect(retryQueue.removals).toBe(1);
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toHaveLength(2);
  const said = lines.filter((line) => line.includes('could not be removed'));
  expect(said.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { id: readRetryMessage(message).id, destination: 'crm' },
  ]);
});

test('what such a retry holds is told once, when the nightly sweep makes it due again', async () => {
  const retryQueue = new KeepingRetryQueue();
  const { activate, context, crm, clock, outcomes } = openActivation({ retryQueue });
  crm.answer = () => {
    throw new DestinationError('transient', 'It is down.');
  };
  await activate(eventOf(personExport()));
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  clock.nowMs = retryQueue.nextDueAtMs ?? NaN;
  const [message = ''] = retryQueue.takeDue(clock.nowMs);
  for (let night = 0; night < 3; night += 1) await activateRetry(message, context);
  expect(crm.told).toHaveLength(1);
  expect(outcomes()).toEqual({ 'crm deferred': 1, 'crm delivered': 1, 'crm unchanged': 2 });
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toHaveLength(1);
});
