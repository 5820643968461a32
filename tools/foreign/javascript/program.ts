/** Walks the list of features (../features.ts) with the JavaScript SDK and prints how each went. */
import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  type MessagingError,
  type ReceivedEventData,
} from '@azure/event-hubs';
import WebSocket from 'ws';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyKinds, propertyTypes } from './contents.ts';
import { connection, expectThat, feature, hub } from './harness.ts';
import { bufferedProducer, processor, processorsShare } from './processor.ts';
import { measureThroughput } from './throughput.ts';

const { env } = process;
const tlsConnection = env.EMULATOR_TLS_CONNECTION ?? '';
const tlsEndpoint = env.EMULATOR_TLS_ENDPOINT ?? '';
const authority = readFileSync(env.EMULATOR_CA_FILE ?? '');
const noRetries = { retryOptions: { maxRetries: 0 } };

async function using<T>(
  client: EventHubProducerClient,
  run: (client: EventHubProducerClient) => Promise<T>,
): Promise<T> {
  try {
    return await run(client);
  } finally {
    await client.close();
  }
}

interface Reading {
  readonly group?: string;
  readonly ownerLevel?: number;
  /** Called with what has come so far; the reading ends when it gives true. */
  readonly done: (events: readonly ReceivedEventData[]) => boolean;
}

/** Reads partition 0 from there on; rejects with the first error. */
async function read(startPosition: EventPosition, { group = '$Default', ownerLevel, done }: Reading) {
  const consumer = new EventHubConsumerClient(group, connection, hub);
  const events: ReceivedEventData[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      consumer.subscribe(
        '0',
        {
          processEvents: (received) => {
            events.push(...received);
            if (done(events)) resolve();
            return Promise.resolve();
          },
          processError: (error) => {
            reject(error);
            return Promise.resolve();
          },
        },
        {
          startPosition,
          maxBatchSize: 500,
          maxWaitTimeInSeconds: 0.05,
          ...(ownerLevel === undefined ? {} : { ownerLevel }),
        },
      );
    });
  } finally {
    await consumer.close();
  }
  return events;
}

const first = async (startPosition: EventPosition, count = 1, group?: string) =>
  read(startPosition, { ...(group === undefined ? {} : { group }), done: (events) => events.length >= count });

async function refused(promise: Promise<unknown>): Promise<MessagingError> {
  return promise.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: unknown) => error as MessagingError,
  );
}

if (process.argv[2] === 'throughput') {
  await measureThroughput(Number(env.EMULATOR_EVENTS));
  process.exit();
}

const client = new EventHubProducerClient(connection, hub);
const toFirst = { partitionId: '0' };

await feature('hub-properties', async () => {
  const { name, partitionIds } = await client.getEventHubProperties();
  expectThat(name === hub && partitionIds.join() === '0,1', { name, partitionIds });
});
await feature('send-to-partition', () =>
  client.sendBatch(
    [{ body: 'first', messageId: 'id-1', properties: { text: 'a', long: 2 ** 40, flag: true, double: 1.5 } }],
    toFirst,
  ),
);
await sleep(20);
const middle = new Date();
await sleep(20);
await feature('send-batch', async () => {
  const batch = await client.createBatch(toFirst);
  for (const body of ['second', 'third', 'fourth']) batch.tryAdd({ body });
  await client.sendBatch(batch);
});
await feature('partition-key', async () => {
  const counts = () =>
    Promise.all(['0', '1'].map(async (id) => (await client.getPartitionProperties(id)).lastEnqueuedSequenceNumber));
  const before = await counts();
  for (let sent = 0; sent < 4; sent += 1) await client.sendBatch([{ body: 'keyed' }], { partitionKey: 'key' });
  const more = (await counts()).map((count, index) => count - (before[index] ?? 0));
  expectThat(more.includes(0) && more.includes(4), more);
});
await feature('partition-properties', async () => {
  const properties = await client.getPartitionProperties('0');
  expectThat(properties.lastEnqueuedSequenceNumber >= 3 && !properties.isEmpty, properties);
});
await feature('receive', async () => {
  const events = await first({ offset: '-1' }, 4);
  const event = events[0];
  expectThat(
    event?.body === 'first' &&
      event.sequenceNumber === 0 &&
      event.messageId === 'id-1' &&
      event.properties?.long === 2 ** 40,
    event,
  );
  expectThat(events[3]?.body === 'fourth', events[3]);
});
await feature('start-at-sequence-number', async () => {
  const [event] = await first({ sequenceNumber: 1 });
  expectThat(event?.sequenceNumber === 2, event);
});
await feature('start-at-offset', async () => {
  const offset = (await first({ offset: '-1' }, 2))[1]?.offset ?? '';
  const [event] = await first({ offset, isInclusive: true });
  expectThat(event?.sequenceNumber === 1, event);
});
await feature('start-at-time', async () => {
  const [event] = await first({ enqueuedOn: middle });
  expectThat(event?.body === 'second', event);
});
await feature('consumer-group', async () => {
  const [event] = await first({ offset: '-1' }, 1, 'other');
  expectThat(event?.body === 'first', event);
});
await feature('owner-level', async () => {
  let started: () => void = () => undefined;
  const reading = new Promise<void>((resolve) => (started = resolve));
  const low = refused(read({ offset: '-1' }, { ownerLevel: 1, done: () => (started(), false) }));
  await reading;
  await read({ offset: '-1' }, { ownerLevel: 2, done: (events) => events.length > 0 });
  const error = await low;
  expectThat(error.code === 'ReceiverDisconnectedError', error.code);
});
await feature('many-events', async () => {
  for (let sent = 0; sent < 20; sent += 1) {
    await client.sendBatch(
      Array.from({ length: 100 }, () => ({ body: Buffer.alloc(1000, 'x') })),
      toFirst,
    );
  }
  await first({ offset: '-1' }, 2004);
});
await feature('too-large', async () => {
  const error = await refused(client.sendBatch([{ body: 'x'.repeat(2 * 1024 * 1024) }], toFirst));
  expectThat(/size|large|exceed/i.test(error.message), error.message);
});
await feature('throttled', async () => {
  await fetch(`http://${env.EMULATOR_CONTROL ?? ''}/throttle`);
  const patient = new EventHubProducerClient(connection, hub, { retryOptions: { retryDelayInMs: 1 } });
  await using(patient, (producer) => producer.sendBatch([{ body: 'throttled' }], toFirst));
});
await feature('wrong-key', async () => {
  const wrong = connection.replace(/SharedAccessKey=[^;]*/, 'SharedAccessKey=d3Jvbmc=');
  const stranger = new EventHubProducerClient(wrong, hub, noRetries);
  const error = await using(stranger, (producer) => refused(producer.sendBatch([{ body: 'x' }])));
  expectThat(error.message.includes('InvalidSignature'), error.message);
});
await feature('unknown-hub', async () => {
  const lost = new EventHubProducerClient(connection, 'nowhere', noRetries);
  const error = await using(lost, (producer) => refused(producer.sendBatch([{ body: 'x' }], toFirst)));
  expectThat(error.code === 'MessagingEntityNotFoundError', error.code);
});
await feature('tls', async () => {
  // The SDK trusts what Node trusts: the runner starts it with NODE_EXTRA_CA_CERTS.
  const secure = new EventHubProducerClient(tlsConnection, hub);
  await using(secure, (producer) => producer.sendBatch([{ body: 'secure' }], toFirst));
});
await feature('websocket', async () => {
  const options = {
    webSocketOptions: {
      webSocket: class extends WebSocket {
        // The SDK asks for the host of the namespace at the port of the service.
        constructor(_url: string, protocols: string[]) {
          super(`wss://${tlsEndpoint}/$servicebus/websocket`, protocols, { ca: authority });
        }
      } as unknown as typeof globalThis.WebSocket,
    },
  };
  const far = new EventHubProducerClient(tlsConnection, hub, options);
  await using(far, (producer) => producer.sendBatch([{ body: 'far' }], toFirst));
});
await feature('processor', processor);
await feature('processors-share', processorsShare);
await feature('buffered-producer', bufferedProducer);
await feature('body-kinds', bodyKinds);
await feature('property-types', propertyTypes);
await client.close();
