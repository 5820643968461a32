import { EventHubProducerClient } from '@azure/event-hubs';
import { expect, test } from 'vitest';
import {
  consumerFor,
  emulatorForTest,
  noRetries,
  producerFor,
  refusal,
  subscribe,
} from '../testing/official-client.ts';
import { startEventHubsEmulator } from './index.ts';

const hubs = [
  { name: 'orders', partitionCount: 4, consumerGroups: ['billing'] },
  { name: 'returns', partitionCount: 1 },
];

test('a namespace holds several hubs, each with its partitions', async () => {
  const emulator = await emulatorForTest({ eventHubs: hubs, now: () => 1_700_000_000_000 });

  const orders = await producerFor(emulator, 'orders').getEventHubProperties();
  expect(orders).toEqual({
    name: 'orders',
    createdOn: new Date(1_700_000_000_000),
    partitionIds: ['0', '1', '2', '3'],
    isGeoDrEnabled: false,
  });
  expect(await producerFor(emulator, 'returns').getPartitionIds()).toEqual(['0']);
});

test('thirty-two partitions are served, and an impossible hub is refused at the start', async () => {
  const emulator = await emulatorForTest({ eventHubs: [{ name: 'wide', partitionCount: 32 }] });
  expect(await producerFor(emulator, 'wide').getPartitionIds()).toHaveLength(32);

  const start = (name: string, partitionCount: number) =>
    startEventHubsEmulator({ eventHubs: [{ name, partitionCount }] });
  await expect(start('wide', 33)).rejects.toThrow('Choose 1 to 32');
  await expect(start('wide', 0)).rejects.toThrow('Choose 1 to 32');
  await expect(start('../wide', 1)).rejects.toThrow('is not a name');
});

test('partition properties tell an empty partition from one with events', async () => {
  let nowMs = 1_700_000_000_000;
  const emulator = await emulatorForTest({ now: () => nowMs });
  const producer = producerFor(emulator);

  expect(await producer.getPartitionProperties('0')).toEqual({
    beginningSequenceNumber: 0,
    eventHubName: 'orders',
    lastEnqueuedOffset: '-1',
    lastEnqueuedOnUtc: new Date('0001-01-01T00:00:00Z'),
    lastEnqueuedSequenceNumber: -1,
    partitionId: '0',
    isEmpty: true,
  });

  nowMs += 5_000;
  await producer.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: '0' });
  const properties = await producer.getPartitionProperties('0');
  expect(properties).toMatchObject({
    beginningSequenceNumber: 0,
    lastEnqueuedSequenceNumber: 1,
    lastEnqueuedOnUtc: new Date(nowMs),
    isEmpty: false,
  });
  expect(Number(properties.lastEnqueuedOffset)).toBeGreaterThan(0);
  expect(emulator.partitions('orders')).toEqual([
    { partitionId: '0', beginSequenceNumber: 0, lastSequenceNumber: 1, bytes: expect.any(Number) as number },
    { partitionId: '1', beginSequenceNumber: 0, lastSequenceNumber: -1, bytes: 0 },
  ]);
});

test('what does not exist is not found, for properties, senders and readers', async () => {
  const emulator = await emulatorForTest({ eventHubs: hubs });
  const notFound = { code: 'MessagingEntityNotFoundError', retryable: false };

  expect(await refusal(producerFor(emulator, 'nowhere').getEventHubProperties())).toMatchObject(notFound);
  expect(await refusal(producerFor(emulator).getPartitionProperties('4'))).toMatchObject(notFound);
  expect(await refusal(producerFor(emulator, 'nowhere').sendBatch([{ body: 1 }]))).toMatchObject(notFound);
  expect(await refusal(producerFor(emulator).sendBatch([{ body: 1 }], { partitionId: '4' }))).toMatchObject(notFound);

  const readers = [
    subscribe(consumerFor(emulator, 'nowhere'), '0', { offset: '-1' }),
    subscribe(consumerFor(emulator, 'orders', 'nobody'), '0', { offset: '-1' }),
    subscribe(consumerFor(emulator), '4', { offset: '-1' }),
  ];
  for (const reader of readers) expect(await reader.error()).toMatchObject(notFound);
});

test('hubs and consumer groups can be added while it runs', async () => {
  const emulator = await emulatorForTest();
  emulator.createEventHub({ name: 'late', partitionCount: 1 });
  emulator.addConsumerGroup('late', 'readers');
  await producerFor(emulator, 'late').sendBatch([{ body: 'here' }]);

  const reader = subscribe(consumerFor(emulator, 'late', 'readers'), '0', { offset: '-1' });
  expect((await reader.count(1))[0]?.body).toBe('here');
  expect(() => emulator.createEventHub({ name: 'LATE', partitionCount: 1 })).toThrow('it exists');
  expect(() => emulator.addConsumerGroup('nowhere', 'readers')).toThrow('there is none');
});

test('names are compared without regard to case', async () => {
  const emulator = await emulatorForTest({ eventHubs: hubs });
  await producerFor(emulator, 'RETURNS').sendBatch([{ body: 1 }]);
  const reader = subscribe(consumerFor(emulator, 'Returns', '$default'), '0', { offset: '-1' });
  expect(await reader.count(1)).toHaveLength(1);
});

test('a connection string names the hub when asked, and ends with the emulator mark', async () => {
  const emulator = await emulatorForTest();
  const connectionString = emulator.connectionString({ entityPath: 'orders' });
  expect(connectionString).toMatch(/;EntityPath=orders;UseDevelopmentEmulator=true$/);
  const producer = new EventHubProducerClient(connectionString, noRetries);
  expect(await producer.getPartitionIds()).toEqual(['0', '1']);
  await producer.close();
});

test('a taken port is an error, and stop can be called twice', async () => {
  const emulator = await emulatorForTest();
  await expect(startEventHubsEmulator({ port: emulator.port, eventHubs: [] })).rejects.toThrow('EADDRINUSE');
  await producerFor(emulator).getPartitionIds();
  await Promise.all([emulator.stop(), emulator.stop()]);
  const again = await startEventHubsEmulator({ port: emulator.port, eventHubs: [] });
  await again.stop();
});
