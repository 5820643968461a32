import { expect, test } from 'vitest';
import { consumerFor, emulatorForTest, producerFor, subscribe } from '../testing/official-client.ts';
import { startEventHubsEmulator } from './index.ts';

const eventHubs = [{ name: 'orders', partitionCount: 1 }];
const earliest = { offset: '-1' };

test('only so many events are kept, and sequence numbers keep growing', async () => {
  const emulator = await emulatorForTest({ eventHubs, retention: { eventsMax: 10 } });
  const producer = producerFor(emulator);
  for (let index = 0; index < 25; index += 1) await producer.sendBatch([{ body: index }]);

  expect(await producer.getPartitionProperties('0')).toMatchObject({
    beginningSequenceNumber: 15,
    lastEnqueuedSequenceNumber: 24,
    isEmpty: false,
  });
  const events = await subscribe(consumerFor(emulator), '0', earliest).count(10);
  expect(events.map(({ body, sequenceNumber }) => [body as unknown, sequenceNumber])).toEqual(
    Array.from({ length: 10 }, (_, index) => [15 + index, 15 + index]),
  );
});

test('only so many bytes are kept, but always the newest event', async () => {
  const emulator = await emulatorForTest({ eventHubs, retention: { bytesMax: 10_000 } });
  const producer = producerFor(emulator);
  for (let index = 0; index < 20; index += 1) await producer.sendBatch([{ body: Buffer.alloc(1_000) }]);
  const [partition] = emulator.partitions('orders');
  expect(partition?.bytes).toBeLessThanOrEqual(10_000);
  expect(partition?.bytes).toBeGreaterThan(8_000);
  expect(partition?.beginSequenceNumber).toBe(11);

  await producer.sendBatch([{ body: Buffer.alloc(50_000) }]);
  expect(emulator.partitions('orders')[0]).toMatchObject({ beginSequenceNumber: 20, lastSequenceNumber: 20 });
});

test('events are kept for so long', async () => {
  let nowMs = 1_700_000_000_000;
  const emulator = await emulatorForTest({ eventHubs, retention: { ageMaxMs: 60_000 }, now: () => nowMs });
  const producer = producerFor(emulator);
  await producer.sendBatch([{ body: 'old' }]);
  nowMs += 40_000;
  await producer.sendBatch([{ body: 'young' }]);
  nowMs += 30_000;
  const [event] = await subscribe(consumerFor(emulator), '0', earliest).count(1);
  expect(event?.body).toBe('young');

  nowMs += 60_000;
  expect(await producer.getPartitionProperties('0')).toMatchObject({
    beginningSequenceNumber: 2,
    lastEnqueuedSequenceNumber: 1,
    isEmpty: true,
  });
  await producer.sendBatch([{ body: 'next' }]);
  expect((await subscribe(consumerFor(emulator), '0', earliest).count(1))[0]?.sequenceNumber).toBe(2);
});

test('a position before the oldest event kept means the oldest event kept', async () => {
  const emulator = await emulatorForTest({ eventHubs, retention: { eventsMax: 5 } });
  const producer = producerFor(emulator);
  for (let index = 0; index < 10; index += 1) await producer.sendBatch([{ body: index }]);
  for (const position of [{ sequenceNumber: 0 }, { offset: '0' }, { enqueuedOn: 0 }]) {
    const events = await subscribe(consumerFor(emulator), '0', position).count(5);
    expect(events.map(({ body }): unknown => body)).toEqual([5, 6, 7, 8, 9]);
  }
});

test('a retention that would keep nothing is refused', async () => {
  const start = (retention: object) => startEventHubsEmulator({ eventHubs, retention });
  await expect(start({ eventsMax: 0 })).rejects.toThrow('retention.eventsMax is 0');
  await expect(start({ bytesMax: Number.NaN })).rejects.toThrow('retention.bytesMax is NaN');
});
