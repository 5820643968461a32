import { EventHubProducerClient } from '@azure/event-hubs';
import { expect, test } from 'vitest';
import { consumerFor, emulatorForTest, producerFor, refusal, subscribe, until } from '../testing/official-client.ts';

const serverBusy = { code: 'ServerBusyError', retryable: true };

test('the next sends are throttled, then all is well', async () => {
  const emulator = await emulatorForTest();
  const producer = producerFor(emulator);
  emulator.faults.throttle({ sends: 2 });
  expect(await refusal(producer.sendBatch([{ body: 1 }]))).toMatchObject(serverBusy);
  expect(await refusal(producer.sendBatch([{ body: 1 }]))).toMatchObject(serverBusy);
  await producer.sendBatch([{ body: 1 }], { partitionId: '0' });
  expect(emulator.partitions('orders')[0]?.lastSequenceNumber).toBe(0);
});

test('throttling for a time ends by the clock, or by clear', async () => {
  let nowMs = 1_700_000_000_000;
  const emulator = await emulatorForTest({ now: () => nowMs });
  const producer = producerFor(emulator);
  emulator.faults.throttle({ durationMs: 5_000 });
  nowMs += 4_999;
  expect(await refusal(producer.sendBatch([{ body: 1 }]))).toMatchObject(serverBusy);
  nowMs += 1;
  await producer.sendBatch([{ body: 1 }]);

  emulator.faults.throttle({ durationMs: 5_000 });
  emulator.faults.clear();
  await producer.sendBatch([{ body: 1 }]);
});

test('of sends that come together only those that are throttled are refused', async () => {
  const emulator = await emulatorForTest();
  const producer = producerFor(emulator);
  // Not every time do they come in one read of the socket.
  for (let round = 1; round <= 20; round += 1) {
    const batches = await Promise.all([1, 2, 3, 4].map(() => producer.createBatch()));
    for (const batch of batches) batch.tryAdd({ body: round });
    emulator.faults.throttle({ sends: 1 });
    const results = await Promise.allSettled(batches.map((batch) => producer.sendBatch(batch)));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  }
});

test('the SDK retries a throttled send by itself', async () => {
  const emulator = await emulatorForTest();
  const producer = new EventHubProducerClient(emulator.connectionString(), 'orders', {
    retryOptions: { maxRetries: 3, retryDelayInMs: 10 },
  });
  emulator.faults.throttle({ sends: 2 });
  await producer.sendBatch([{ body: 1 }], { partitionId: '0' });
  await producer.close();
  expect(emulator.partitions('orders')[0]?.lastSequenceNumber).toBe(0);
});

test('after dropped connections, sender and reader go on without loss or repetition', async () => {
  const emulator = await emulatorForTest();
  // A send that was on its way when the connection broke ends for the SDK with its timeout only.
  // One that is answered later than that is sent once more.
  const producer = new EventHubProducerClient(emulator.connectionString(), 'orders', {
    retryOptions: { maxRetries: 10, retryDelayInMs: 10, timeoutInMs: 5_000 },
  });
  const reader = subscribe(consumerFor(emulator), '0', { offset: '-1' });
  await producer.sendBatch([{ body: 0 }], { partitionId: '0' });
  await reader.count(1);

  for (let round = 1; round <= 3; round += 1) {
    expect(emulator.faults.dropConnections()).toBe(2);
    await producer.sendBatch([{ body: round }], { partitionId: '0' });
    await until(() => reader.events.length === round + 1, `event ${round}`);
  }
  expect(reader.events.map(({ body }): unknown => body)).toEqual([0, 1, 2, 3]);
  await producer.close();
});

test('sends are delayed in order', async () => {
  const emulator = await emulatorForTest();
  const producer = producerFor(emulator);
  await producer.getPartitionIds();
  await producer.sendBatch([{ body: 'warm' }], { partitionId: '0' });
  emulator.faults.delay({ sendMs: 150 });
  const startedMs = performance.now();
  await Promise.all(['a', 'b', 'c'].map((body) => producer.sendBatch([{ body }], { partitionId: '0' })));
  expect(performance.now() - startedMs).toBeGreaterThan(300);
  emulator.faults.clear();
  const events = await subscribe(consumerFor(emulator), '0', { offset: '-1' }).count(4);
  expect(events.map(({ body }): unknown => body)).toEqual(['warm', 'a', 'b', 'c']);
});

test('deliveries are delayed', async () => {
  const emulator = await emulatorForTest();
  const reader = subscribe(consumerFor(emulator), '0', { offset: '-1' });
  await producerFor(emulator).sendBatch([{ body: 'warm' }], { partitionId: '0' });
  await reader.count(1);
  emulator.faults.delay({ deliveryMs: 300 });
  const startedMs = performance.now();
  await producerFor(emulator).sendBatch([{ body: 'late' }], { partitionId: '0' });
  await reader.count(2);
  expect(performance.now() - startedMs).toBeGreaterThan(290);
});
