import { expect, test } from 'vitest';
import { consumerFor, emulatorForTest, producerFor, subscribe, until } from '../testing/official-client.ts';
import { stallingProxy } from '../testing/stalling-proxy.ts';
import type { EventHubsEmulator } from './index.ts';

const earliest = { offset: '-1' };

async function send(emulator: EventHubsEmulator, count: number, body: (index: number) => unknown, partitionId = '0') {
  const producer = producerFor(emulator);
  let index = 0;
  while (index < count) {
    const batch = await producer.createBatch({ partitionId });
    while (index < count && batch.tryAdd({ body: body(index) })) index += 1;
    await producer.sendBatch(batch);
  }
}

test('many readers of one partition each see every event, in order', async () => {
  const emulator = await emulatorForTest({
    eventHubs: [{ name: 'orders', partitionCount: 1, consumerGroups: ['a', 'b', 'c'] }],
  });
  const groups = ['$Default', '$Default', '$Default', '$Default', '$Default', 'a', 'b', 'c'];
  const readers = groups.map((group) =>
    subscribe(consumerFor(emulator, 'orders', group), '0', earliest, { maxBatchSize: 100 }),
  );
  await send(emulator, 500, (index) => index);
  for (const reader of readers) {
    const events = await reader.count(500);
    expect(events.map(({ body }): unknown => body)).toEqual(Array.from({ length: 500 }, (_, index) => index));
  }
});

test('a sixth reader of the same partition and consumer group is refused', async () => {
  const emulator = await emulatorForTest();
  await send(emulator, 1, () => 'x');
  const five = Array.from({ length: 5 }, () => subscribe(consumerFor(emulator), '0', earliest));
  for (const reader of five) await reader.count(1);

  const sixth = subscribe(consumerFor(emulator), '0', earliest);
  expect(await sixth.error()).toMatchObject({ code: 'QuotaExceededError', retryable: false });
  await five[0]?.close();
  const seventh = subscribe(consumerFor(emulator), '0', earliest);
  await seventh.count(1);
});

test('one consumer reads all partitions of a hub', async () => {
  const emulator = await emulatorForTest({ eventHubs: [{ name: 'orders', partitionCount: 4 }] });
  const consumer = consumerFor(emulator);
  const seen = new Set<string>();
  const subscription = consumer.subscribe(
    {
      processEvents: (events, { partitionId }) => {
        for (const { body } of events) seen.add(`${partitionId}: ${String(body)}`);
        return Promise.resolve();
      },
      processError: (error) => Promise.reject(error),
    },
    { startPosition: earliest, maxWaitTimeInSeconds: 1 },
  );
  for (const partitionId of ['0', '1', '2', '3']) await send(emulator, 1, () => 'hello', partitionId);
  await until(() => seen.size === 4, 'an event from each partition');
  await subscription.close();
  expect([...seen].sort()).toEqual(['0: hello', '1: hello', '2: hello', '3: hello']);
});

test('a reader that is slow gets no more than its credit, and the others keep their pace', async () => {
  const emulator = await emulatorForTest();
  const eventBytes = 20_000;
  const count = 1_000;
  const { promise: blocked, resolve: release } = Promise.withResolvers<undefined>();
  const proxy = await stallingProxy(emulator);
  const slow = subscribe(consumerFor(emulator, 'orders', '$Default', proxy.connectionString), '0', earliest, {
    maxBatchSize: 10,
    prefetchCount: 20,
    onEvents: () => blocked,
  });
  await send(emulator, count, () => Buffer.alloc(eventBytes));

  const fast = subscribe(consumerFor(emulator), '0', earliest, { maxBatchSize: 100 });
  await fast.count(count);
  expect(slow.events).toHaveLength(0);
  expect(slow.errors).toEqual([]);
  expect(proxy.bytesToClients()).toBeLessThan(25 * eventBytes);
  release(undefined);
  await slow.count(count);
  expect(slow.events.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
    fast.events.map((event) => event.sequenceNumber),
  );
});

test('nothing is buffered for a client that does not take its bytes', async () => {
  const emulator = await emulatorForTest({ retention: { eventsMax: 3 } });
  const proxy = await stallingProxy(emulator);
  const consumer = consumerFor(emulator, 'orders', '$Default', proxy.connectionString);
  const reader = subscribe(consumer, '0', earliest, { maxBatchSize: 200 });
  await send(emulator, 1, () => 'first');
  await reader.count(1);

  // The reader has credit for hundreds of events. What is sent to it while it is stuck fills the
  // socket, some events deep; all else stays in the partition, where retention removes it.
  proxy.stall();
  await send(emulator, 80, () => Buffer.alloc(900_000));
  proxy.resume();
  await until(() => reader.events.at(-1)?.sequenceNumber === 80, 'the last event');
  expect(reader.events.length).toBeLessThan(40);
});

test('last enqueued event properties follow the partition, not the reader', async () => {
  let nowMs = 1_700_000_000_000;
  const emulator = await emulatorForTest({ now: () => nowMs });
  await send(emulator, 5, (index) => index);
  nowMs += 60_000;
  const reader = subscribe(consumerFor(emulator), '0', earliest, { trackLastEnqueuedEventProperties: true });
  await reader.count(5);
  expect(reader.context()?.lastEnqueuedEventProperties).toEqual({
    sequenceNumber: 4,
    enqueuedOn: new Date(nowMs - 60_000),
    offset: reader.events[4]?.offset,
    retrievedOn: new Date(nowMs),
  });
});
