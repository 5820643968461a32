import { expect, test } from 'vitest';
import { exampleRetry } from '../testing/index.ts';
import { InMemoryRetryQueue } from './in-memory-retry-queue.ts';
import { readRetryMessage } from './retry-message.ts';
import type { RetryQueue } from './retry-queue.ts';
import { sweepRetries } from './sweep-retries.ts';

const { signal } = new AbortController();
const hourMs = 3_600_000;
const nowMs = Date.UTC(2026, 5, 1);

test('a retry that is older than it can be is made due, and the others stay as they are', async () => {
  const queue = new InMemoryRetryQueue();
  const left = exampleRetry({ id: 'left', firstDeferredAtMs: nowMs - 30 * hourMs });
  const young = exampleRetry({ id: 'young', firstDeferredAtMs: nowMs - 2 * hourMs });
  const patient = exampleRetry({ id: 'patient', destination: 'ads', firstDeferredAtMs: nowMs - 30 * hourMs });
  for (const retry of [left, young, patient]) await queue.put(retry, nowMs - hourMs, signal);
  // Their messages are lost, as when a process ends before it sends one.
  queue.takeDue(nowMs - hourMs);
  const ageMaxMs = (destination: string): number => (destination === 'ads' ? 72 : 26) * hourMs;

  expect(await sweepRetries(queue, { nowMs, ageMaxMs, signal })).toEqual({ seen: 3, madeDue: 1, unreadable: [] });
  const due = await Promise.all(queue.takeDue(nowMs).map((message) => queue.read(message, signal)));
  expect(due).toEqual([left]);
});

test('a retry that was deferred in the future by a wrong clock is made due', async () => {
  const queue = new InMemoryRetryQueue();
  const future = exampleRetry({ id: 'future', firstDeferredAtMs: nowMs + 1 });
  const now = exampleRetry({ id: 'now', firstDeferredAtMs: nowMs });
  for (const retry of [future, now]) await queue.put(retry, nowMs + hourMs, signal);
  expect(await sweepRetries(queue, { nowMs, ageMaxMs: () => hourMs, signal })).toMatchObject({ madeDue: 1 });
  expect(queue.takeDue(nowMs).map((message) => readRetryMessage(message).id)).toEqual(['future']);
});

test('a retry that is put back in each night has no more messages for that', async () => {
  const queue = new InMemoryRetryQueue();
  await queue.put(exampleRetry({ firstDeferredAtMs: nowMs - 30 * hourMs }), nowMs, signal);
  for (let night = 0; night < 3; night += 1) {
    await sweepRetries(queue, { nowMs, ageMaxMs: () => 26 * hourMs, signal });
    const messages = queue.takeDue(nowMs);
    expect(messages).toHaveLength(2);
    for (const message of messages) await queue.postpone(readRetryMessage(message), nowMs, signal);
  }
});

test('what is erased while a sweep looks at it stays erased', async () => {
  const queue = new InMemoryRetryQueue();
  const gone = exampleRetry({ id: 'gone', firstDeferredAtMs: 0 });
  const emptied = exampleRetry({ id: 'emptied', firstDeferredAtMs: 0 });
  for (const retry of [gone, emptied]) await queue.put(retry, 0, signal);
  // Every retry is looked at once it is erased: the sweep has it in hand as it was.
  const found = await Array.fromAsync(queue.waiting(signal));
  queue.waiting = async function* () {
    await queue.remove('gone', signal);
    await queue.edit('emptied', (retry) => ({ ...retry, events: [] }), signal);
    yield* found;
  };
  expect(await sweepRetries(queue, { nowMs, ageMaxMs: () => 0, signal })).toMatchObject({ madeDue: 2 });
  const due = await Promise.all(queue.takeDue(nowMs).map((message) => queue.read(message, signal)));
  expect(due.filter((retry) => retry !== undefined)).toEqual([
    { ...emptied, events: [] },
    { ...emptied, events: [] },
  ]);
});

test('an empty queue is no work', async () => {
  const options = { nowMs, ageMaxMs: () => 0, signal };
  expect(await sweepRetries(new InMemoryRetryQueue(), options)).toEqual({ seen: 0, madeDue: 0, unreadable: [] });
});

test('a retry that is just as old as it can be waits, and one that cannot be read is named', async () => {
  const queue = new InMemoryRetryQueue();
  await queue.put(exampleRetry({ firstDeferredAtMs: nowMs - hourMs }), nowMs, signal);
  const [readable] = await Array.fromAsync(queue.waiting(signal));
  if (readable === undefined) throw new Error('unreachable');
  const waiting = async function* () {
    yield await Promise.resolve({ unreadable: 'retries/1' });
    yield readable;
  };
  const broken = { waiting, giveBack: queue.giveBack.bind(queue) } as unknown as RetryQueue;
  expect(await sweepRetries(broken, { nowMs, ageMaxMs: () => hourMs, signal })).toEqual({
    seen: 2,
    madeDue: 0,
    unreadable: ['retries/1'],
  });
});
