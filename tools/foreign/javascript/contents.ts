import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventDataBatch,
  type ReceivedEventData,
} from '@azure/event-hubs';
import rhea from 'rhea';
import { connection, emptyHub, expectThat } from './harness.ts';

/** Sends the events to partition 1, one by one, and reads them from there. */
async function roundTrip(events: readonly Parameters<EventDataBatch['tryAdd']>[0][]): Promise<ReceivedEventData[]> {
  const producer = new EventHubProducerClient(connection, emptyHub);
  const consumer = new EventHubConsumerClient('$Default', connection, emptyHub);
  const { lastEnqueuedSequenceNumber: sequenceNumber, isEmpty } = await producer.getPartitionProperties('1');
  for (const event of events) await producer.sendBatch([event], { partitionId: '1' });
  const received: ReceivedEventData[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      consumer.subscribe(
        '1',
        {
          processEvents: (batch) => {
            received.push(...batch);
            if (received.length >= events.length) resolve();
            return Promise.resolve();
          },
          processError: (error) => {
            reject(error);
            return Promise.resolve();
          },
        },
        { startPosition: isEmpty ? { offset: '-1' } : { sequenceNumber }, maxWaitTimeInSeconds: 0.05 },
      );
    });
  } finally {
    await consumer.close();
    await producer.close();
  }
  return received;
}

export async function bodyKinds(): Promise<void> {
  // The SDK sends no more than one data section.
  const received = await roundTrip([
    { bodyType: 'value', body: { map: 1, list: ['a', 2] } },
    { bodyType: 'value', body: 'text' },
    { bodyType: 'sequence', body: [['a', 2, true]] },
    { bodyType: 'data', body: Buffer.from([0, 255]) },
  ]);
  const got = received.map((event) => [event.getRawAmqpMessage().bodyType, event.body as unknown]);
  const wanted = [
    ['value', { map: 1, list: ['a', 2] }],
    ['value', 'text'],
    ['sequence', [['a', 2, true]]],
    ['data', Buffer.from([0, 255])],
  ];
  expectThat(JSON.stringify(got) === JSON.stringify(wanted), got);
}

export async function propertyTypes(): Promise<void> {
  const { types } = rhea;
  const uuid = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  const typed = {
    boolean: [true, true],
    ubyte: [types.wrap_ubyte(255), 255],
    ushort: [types.wrap_ushort(65_535), 65_535],
    uint: [types.wrap_uint(4_294_967_295), 4_294_967_295],
    ulong: [types.wrap_ulong(2 ** 40), 2 ** 40],
    byte: [types.wrap_byte(-128), -128],
    short: [types.wrap_short(-32_768), -32_768],
    int: [types.wrap_int(-2_147_483_648), -2_147_483_648],
    long: [types.wrap_long(-(2 ** 40)), -(2 ** 40)],
    float: [types.wrap_float(0.5), 0.5],
    double: [types.wrap_double(0.1), 0.1],
    timestamp: [types.wrap_timestamp(1_700_000_000_123), 1_700_000_000_123],
    uuid: [types.wrap_uuid(uuid), new Uint8Array(uuid)],
    binary: [types.wrap_binary(Buffer.from([0, 255])), new Uint8Array([0, 255])],
    string: ['ä', 'ä'],
    symbol: [types.wrap_symbol('s'), 's'],
  } as const;
  const [sent, wanted] = [0, 1].map((index) =>
    Object.fromEntries(Object.entries(typed).map(([name, pair]) => [name, pair[index]])),
  );
  const [received] = await roundTrip([{ body: 'typed', properties: sent ?? {} }]);
  expectThat(JSON.stringify(received?.properties) === JSON.stringify(wanted), received?.properties);
}
