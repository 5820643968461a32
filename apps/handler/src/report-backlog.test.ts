import { BlobDeadLetters, containerClient, queueClient, StorageRetryQueue } from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import { exampleDeadLetter, exampleRetry } from '@activation-hub/delivery/testing';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { reportBacklog } from './report-backlog.ts';

const { signal } = new AbortController();

async function openStores() {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const deadLetters = new BlobDeadLetters(containerClient(azurite, 'dead-letters'));
  const retryQueue = new StorageRetryQueue(containerClient(azurite, 'retries'), queueClient(azurite, 'retries'));
  await deadLetters.createContainer(signal);
  await retryQueue.createStores(signal);
  const report = async (countedMax?: number): Promise<unknown> => {
    const lines: string[] = [];
    const write = (_: unknown, line: string): void => void lines.push(line);
    const telemetry = createTelemetry({ level: 'debug', counters: new Counters(), write });
    await reportBacklog({ retryQueue, deadLetters }, telemetry, countedMax);
    return lines.map((line) => JSON.parse(line) as unknown);
  };
  return { deadLetters, retryQueue, report };
}

test('retries that are not due are counted as messages, and dead letters one by one', async () => {
  const { deadLetters, retryQueue, report } = await openStores();
  expect(await report()).toMatchObject([{ retryMessages: 0, deadLetters: 0, isWhole: true }]);
  const tomorrowMs = Date.now() + 86_400_000;
  for (const id of ['b3a3f2b0-0000-4000-8000-000000000001', 'b3a3f2b0-0000-4000-8000-000000000002'])
    await retryQueue.put(exampleRetry({ id }), tomorrowMs, signal);
  await deadLetters.put(
    ['one', 'two', 'three'].map((word) => exampleDeadLetter({ class: word })),
    signal,
  );
  expect(await report()).toMatchObject([
    { signal: 'backlog-measured', retryMessages: 2, deadLetters: 3, isWhole: true },
  ]);
  await retryQueue.remove('b3a3f2b0-0000-4000-8000-000000000001', signal);
  // A message points to a retry until it is due, also to one that is removed.
  expect(await report()).toMatchObject([{ retryMessages: 2 }]);
});

test('as many dead letters as are counted are all, and one more is said to be more', async () => {
  const { deadLetters, report } = await openStores();
  await deadLetters.put([exampleDeadLetter({ class: 'one' }), exampleDeadLetter({ class: 'two' })], signal);
  expect(await report(2)).toMatchObject([{ deadLetters: 2, isWhole: true }]);
  expect(await report(1)).toMatchObject([{ deadLetters: 1, isWhole: false }]);
});

test('stores that were never made fail the report', async () => {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const deadLetters = new BlobDeadLetters(containerClient(azurite, 'dead-letters'));
  const retryQueue = new StorageRetryQueue(containerClient(azurite, 'retries'), queueClient(azurite, 'retries'));
  const telemetry = createTelemetry({ level: 'debug', counters: new Counters(), write: () => undefined });
  await expect(reportBacklog({ retryQueue, deadLetters }, telemetry)).rejects.toThrow('count the retry messages');
});
