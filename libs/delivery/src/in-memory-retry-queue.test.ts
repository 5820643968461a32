import { expect, test } from 'vitest';
import { describeRetryQueueContract, exampleRetry } from '../testing/index.ts';
import { InMemoryRetryQueue } from './in-memory-retry-queue.ts';

describeRetryQueueContract(
  'the in-memory retry queue',
  () => Promise.resolve(new InMemoryRetryQueue()),
  (queue) => Promise.resolve(queue.takeDue(Date.now())),
);

test('a message that comes before its retry is due comes again at that time', async () => {
  const { signal } = new AbortController();
  const queue = new InMemoryRetryQueue();
  await queue.put(exampleRetry(), 1_000, signal);
  await queue.put(exampleRetry({ attempts: 4 }), 2_000, signal);
  for (const message of queue.takeDue(1_999)) expect(await queue.read(message, signal)).toBeUndefined();
  const messages = queue.takeDue(2_000);
  expect(messages).toHaveLength(2);
  for (const message of messages) expect((await queue.read(message, signal))?.attempts).toBe(4);
});

test('it says when the next message is due', async () => {
  const { signal } = new AbortController();
  const queue = new InMemoryRetryQueue();
  expect(queue.nextDueAtMs).toBeUndefined();
  await queue.put(exampleRetry({ id: 'late' }), 2_000, signal);
  await queue.put(exampleRetry({ id: 'early' }), 1_000, signal);
  expect(queue.nextDueAtMs).toBe(1_000);
  expect(queue.takeDue(2_000)).toHaveLength(2);
  expect(queue.nextDueAtMs).toBeUndefined();
});
