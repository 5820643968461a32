import { createTarget, InMemoryRetryQueue, type Clock, type WakeOptions } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { defaultFile, openActivation, RecordingDestination } from '../testing/index.ts';
import { wakeRetries } from './wake-retries.ts';

const { signal } = new AbortController();

/** A retry queue that remembers what it was asked to wake. */
class ObservedRetryQueue extends InMemoryRetryQueue {
  readonly woken: (readonly [destination: string, everyMs: number])[] = [];

  isDown = false;

  override async wake(destination: string, options: WakeOptions): Promise<number> {
    this.woken.push([destination, options.everyMs]);
    if (this.isDown) throw new Error('The queue is down.');
    return await super.wake(destination, options);
  }
}

/** What is woken when a destination of these limits has just taken a request. */
async function wokenAt(key: string, requestsPerSecond: number, file = defaultFile) {
  const retryQueue = new ObservedRetryQueue();
  const { context } = openActivation({ retryQueue, file });
  const clock: Clock = context.clock;
  const connector = new RecordingDestination();
  const limits = { batchCount: 5, batchBytes: 100_000, requestsPerSecond, concurrency: 1 };
  const target = createTarget({ key, connector, limits, batchBy: 'destination', giveUpAfterMs: 0 }, clock);
  const recovered = { ...context, targets: new Map([[key, target]]) };
  await wakeRetries(recovered, signal);
  expect(retryQueue.woken).toEqual([]);
  target.breaker.succeed();
  await wakeRetries(recovered, signal);
  await wakeRetries(recovered, signal);
  return retryQueue.woken;
}

test('what waits is woken once, as fast as the destination takes it, and no faster than the listing of the queue allows', async () => {
  expect(await wokenAt('crm', 4)).toEqual([['crm', 250]]);
  expect(await wokenAt('crm', 1_000)).toEqual([['crm', 20]]);
});

test('what waits is woken under every name that the destination had', async () => {
  const file = defaultFile.replace('crm: { type', 'crm: { formerly: [customers, pilot], type');
  expect(await wokenAt('crm', 4, file)).toEqual([
    ['crm', 250],
    ['customers', 250],
    ['pilot', 250],
  ]);
});

test('what waits for a destination that the file does not have any more is woken under its name', async () => {
  expect(await wokenAt('gone', 4)).toEqual([['gone', 250]]);
});

test('what could not be woken is woken by the next work', async () => {
  const retryQueue = new ObservedRetryQueue();
  const { context } = openActivation({ retryQueue });
  const { breaker } = context.targets.get('crm') ?? expect.unreachable();
  breaker.succeed();
  retryQueue.isDown = true;
  await expect(wakeRetries(context, signal)).rejects.toThrow('The queue is down.');
  retryQueue.isDown = false;
  await wakeRetries(context, signal);
  await wakeRetries(context, signal);
  expect(retryQueue.woken.map(([destination]) => destination)).toEqual(['crm', 'crm']);
});
