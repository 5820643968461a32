import { randomBytes } from 'node:crypto';
import { EventHubBufferedProducerClient, type EventData } from '@azure/event-hubs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { consumerFor, emulatorForTest, producerFor, refusal, subscribe } from '../testing/official-client.ts';

const earliest = { offset: '-1' };

test('an event comes out as it went in', async () => {
  const nowMs = 1_700_000_000_123;
  const emulator = await emulatorForTest({ now: () => nowMs });
  const event: EventData = {
    body: { name: 'Zoë', list: [1, null, true] },
    properties: { text: 'ä', number: 1.5, big: 2 ** 40, flag: true },
    contentType: 'application/json',
    correlationId: 'c-1',
    messageId: 'm-1',
  };
  await producerFor(emulator).sendBatch([event], { partitionId: '1' });

  const [received] = await subscribe(consumerFor(emulator), '1', earliest).count(1);
  expect(received).toMatchObject({ ...event, sequenceNumber: 0, enqueuedTimeUtc: new Date(nowMs) });
  expect(received?.offset).toBe('0');
  expect(received?.partitionKey).toBeUndefined();
});

test('bodies of every kind pass through', async () => {
  const emulator = await emulatorForTest();
  const bodies = ['text', '', 42, null, [1, 2], { a: { b: 'c' } }, Buffer.from([0, 255, 1]), Buffer.alloc(0)];
  await producerFor(emulator).sendBatch(
    bodies.map((body) => ({ body })),
    { partitionId: '0' },
  );
  const received = await subscribe(consumerFor(emulator), '0', earliest).count(bodies.length);
  expect(received.map(({ body }): unknown => body)).toEqual(bodies);
});

test('AMQP messages with value and sequence bodies, headers and annotations pass through', async () => {
  const emulator = await emulatorForTest();
  await producerFor(emulator).sendBatch(
    [
      {
        bodyType: 'value',
        body: { n: 1 },
        header: { durable: true, timeToLive: 5 },
        messageAnnotations: { mine: 'kept' },
      },
      { bodyType: 'sequence', body: [[1, 2], ['x']], footer: { f: 1 } },
    ],
    { partitionId: '0' },
  );
  const received = await subscribe(consumerFor(emulator), '0', earliest).count(2);
  expect(received[0]?.getRawAmqpMessage()).toMatchObject({
    bodyType: 'value',
    body: { n: 1 },
    header: { durable: true },
  });
  expect(received[0]?.systemProperties).toMatchObject({ mine: 'kept' });
  expect(received[1]?.getRawAmqpMessage()).toMatchObject({ bodyType: 'sequence', footer: { f: 1 } });
});

test('any binary body and any properties survive the journey', async () => {
  const emulator = await emulatorForTest({ eventHubs: [{ name: 'orders', partitionCount: 1 }] });
  const producer = producerFor(emulator);
  const reader = subscribe(consumerFor(emulator), '0', earliest, { skipParsingBodyAsJson: true });
  let sent = 0;
  const properties = fc.dictionary(
    fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), properties, async (bytes, given) => {
      await producer.sendBatch([{ body: Buffer.from(bytes), properties: given }]);
      sent += 1;
      const last = (await reader.count(sent)).at(-1);
      expect(Buffer.compare(last?.body as Buffer, Buffer.from(bytes))).toBe(0);
      expect(last?.properties ?? {}).toEqual({ ...given });
    }),
    { numRuns: 25 },
  );
});

test('a batch made by createBatch arrives whole and in order', async () => {
  const emulator = await emulatorForTest();
  const producer = producerFor(emulator);
  const batch = await producer.createBatch({ partitionId: '0' });
  expect(batch.maxSizeInBytes).toBe(1024 * 1024);
  for (let index = 0; index < 1000; index += 1) expect(batch.tryAdd({ body: index })).toBe(true);
  await producer.sendBatch(batch);

  const received = await subscribe(consumerFor(emulator), '0', earliest, { maxBatchSize: 300 }).count(1000);
  expect(received.map(({ body, sequenceNumber }) => [body as unknown, sequenceNumber])).toEqual(
    Array.from({ length: 1000 }, (_, index) => [index, index]),
  );
});

test('without a key, batches go to one partition after the other', async () => {
  const emulator = await emulatorForTest({ eventHubs: [{ name: 'orders', partitionCount: 3 }] });
  const producer = producerFor(emulator);
  for (let index = 0; index < 9; index += 1) await producer.sendBatch([{ body: 1 }, { body: 2 }]);
  expect(emulator.partitions('orders').map(({ lastSequenceNumber }) => lastSequenceNumber)).toEqual([5, 5, 5]);
});

test('a partition key always means the same partition, and stays on the event', async () => {
  const emulator = await emulatorForTest({ eventHubs: [{ name: 'orders', partitionCount: 8 }] });
  const placeOf = async (partitionKey: string) => {
    const before = emulator.partitions('orders');
    await producerFor(emulator).sendBatch([{ body: partitionKey }], { partitionKey });
    const after = emulator.partitions('orders');
    return after.findIndex(({ lastSequenceNumber }, index) => lastSequenceNumber !== before[index]?.lastSequenceNumber);
  };
  const keys = Array.from({ length: 20 }, (_, index) => `customer-${index}`);
  const places: number[] = [];
  for (const key of keys) places.push(await placeOf(key));
  for (const [index, key] of keys.entries()) expect(await placeOf(key)).toBe(places[index]);
  expect(new Set(places).size).toBeGreaterThan(3);

  const [first] = await subscribe(consumerFor(emulator), String(places[0]), earliest).count(1);
  expect(first?.partitionKey).toBe(first?.body);
});

test('the buffered producer of the SDK works', async () => {
  const emulator = await emulatorForTest();
  const failures: unknown[] = [];
  const producer = new EventHubBufferedProducerClient(emulator.connectionString(), 'orders', {
    maxWaitTimeInMs: 50,
    onSendEventsErrorHandler: (context) => {
      failures.push(context);
    },
  });
  for (let index = 0; index < 100; index += 1) await producer.enqueueEvent({ body: index });
  await producer.close({ flush: true });
  expect(failures).toEqual([]);
  const stored = emulator.partitions('orders').reduce((sum, { lastSequenceNumber }) => sum + lastSequenceNumber + 1, 0);
  expect(stored).toBe(100);
});

test('a message of almost one mebibyte passes, a larger one is refused and its link goes on', async () => {
  const emulator = await emulatorForTest();
  const producer = producerFor(emulator);
  const bytes = randomBytes(1024 * 1024 - 200);
  await producer.sendBatch([{ body: bytes }], { partitionId: '0' });

  const tooLarge = await refusal(producer.sendBatch([{ body: Buffer.alloc(1024 * 1024) }], { partitionId: '0' }));
  expect(tooLarge).toMatchObject({ code: 'MessageTooLargeError', retryable: false });
  const huge = await refusal(producer.sendBatch([{ body: Buffer.alloc(5 * 1024 * 1024) }], { partitionId: '0' }));
  expect(huge).toMatchObject({ code: 'MessageTooLargeError', retryable: false });

  await producer.sendBatch([{ body: 'after' }], { partitionId: '0' });
  const received = await subscribe(consumerFor(emulator), '0', earliest).count(2);
  expect(Buffer.compare(received[0]?.body as Buffer, bytes)).toBe(0);
  expect(received[1]?.body).toBe('after');
});
