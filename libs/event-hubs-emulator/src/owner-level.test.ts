import { expect, test } from 'vitest';
import { consumerFor, emulatorForTest, producerFor, subscribe, until } from '../testing/official-client.ts';
import type { EventHubsEmulator } from './index.ts';

const stolen = { code: 'ReceiverDisconnectedError', retryable: false };

async function withOneEvent(): Promise<EventHubsEmulator> {
  const emulator = await emulatorForTest({
    eventHubs: [{ name: 'orders', partitionCount: 2, consumerGroups: ['other'] }],
  });
  await producerFor(emulator).sendBatch([{ body: 'one' }], { partitionId: '0' });
  return emulator;
}

/** A reader that has its link: it has received the first event. */
async function openReader(emulator: EventHubsEmulator, ownerLevel?: number, consumerGroup = '$Default') {
  const options = ownerLevel === undefined ? {} : { ownerLevel };
  const consumer = consumerFor(emulator, 'orders', consumerGroup);
  const reader = subscribe(consumer, '0', { offset: '-1' }, options);
  await reader.count(1);
  return reader;
}

test('a reader with a higher owner level takes the partition', async () => {
  const emulator = await withOneEvent();
  const first = await openReader(emulator, 1);
  const second = await openReader(emulator, 2);
  expect(await first.error()).toMatchObject(stolen);

  await producerFor(emulator).sendBatch([{ body: 'two' }], { partitionId: '0' });
  await second.count(2);
  expect(first.events).toHaveLength(1);
});

test('a reader with the same owner level takes the partition', async () => {
  const emulator = await withOneEvent();
  const first = await openReader(emulator, 7);
  await openReader(emulator, 7);
  expect(await first.error()).toMatchObject(stolen);
});

test('a reader with a lower owner level is refused and the owner goes on', async () => {
  const emulator = await withOneEvent();
  const owner = await openReader(emulator, 5);
  const lower = subscribe(consumerFor(emulator), '0', { offset: '-1' }, { ownerLevel: 4 });
  expect(await lower.error()).toMatchObject(stolen);

  await producerFor(emulator).sendBatch([{ body: 'two' }], { partitionId: '0' });
  await owner.count(2);
  expect(lower.events).toEqual([]);
});

test('an owner disconnects all readers without an owner level', async () => {
  const emulator = await withOneEvent();
  const readers = [await openReader(emulator), await openReader(emulator)];
  await openReader(emulator, 1);
  for (const reader of readers) expect(await reader.error()).toMatchObject(stolen);
});

test('beside an owner, a reader without an owner level is refused', async () => {
  const emulator = await withOneEvent();
  await openReader(emulator, 1);
  const reader = subscribe(consumerFor(emulator), '0', { offset: '-1' });
  expect(await reader.error()).toMatchObject(stolen);
});

test('ownership is per consumer group and per partition, and ends with the owner', async () => {
  const emulator = await withOneEvent();
  const owner = await openReader(emulator, 9);
  const other = await openReader(emulator, undefined, 'other');
  const elsewhere = subscribe(consumerFor(emulator), '1', { offset: '-1' });
  await producerFor(emulator).sendBatch([{ body: 'two' }], { partitionId: '1' });
  await elsewhere.count(1);
  await owner.close();

  // The link may take a moment to be gone on the other side.
  let last = subscribe(consumerFor(emulator), '0', { offset: '-1' }, { ownerLevel: 1 });
  await until(async () => {
    await until(() => last.errors.length + last.events.length > 0, 'an answer');
    if (last.events.length > 0) return true;
    last = subscribe(consumerFor(emulator), '0', { offset: '-1' }, { ownerLevel: 1 });
    return false;
  }, 'the partition to be free');
  expect(other.errors).toEqual([]);
});

test('an owner whose connection breaks does not keep the partition', async () => {
  const emulator = await withOneEvent();
  const consumer = consumerFor(emulator);
  const owner = subscribe(consumer, '0', { offset: '-1' }, { ownerLevel: 9 });
  await owner.count(1);
  await Promise.all([owner.close(), consumer.close()]);
  emulator.faults.dropConnections();
  await openReader(emulator);
});
