import { createHmac } from 'node:crypto';
import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { expect, test } from 'vitest';
import {
  consumerFor,
  emulatorForTest,
  noRetries,
  producerFor,
  refusal,
  subscribe,
  until,
} from '../testing/official-client.ts';
import { ConnectionClaims, putToken } from './cbs.ts';
import type { EventHubsEmulator, SharedAccessKey } from './index.ts';
import { SharedAccessKeys } from './shared-access-signature.ts';

const keys: SharedAccessKey[] = [
  { name: 'root', rights: ['Manage'], primaryKey: 'root-1', secondaryKey: 'root-2' },
  { name: 'send', rights: ['Send'], primaryKey: 'send-1' },
  { name: 'listen', rights: ['Listen'], primaryKey: 'listen-1' },
  { name: 'orders-only', rights: ['Send', 'Listen'], eventHubName: 'orders', primaryKey: 'orders-1' },
];
const eventHubs = [
  { name: 'orders', partitionCount: 1 },
  { name: 'returns', partitionCount: 1 },
];
const unauthorized = { code: 'UnauthorizedError' };

function withKey(emulator: EventHubsEmulator, name: string, key: string): string {
  return `Endpoint=sb://127.0.0.1:${emulator.port}/;SharedAccessKeyName=${name};SharedAccessKey=${key};UseDevelopmentEmulator=true`;
}

function sasToken(resource: string, name: string, key: string, expiresAtSeconds: number): string {
  const sr = encodeURIComponent(resource);
  const signature = createHmac('sha256', key).update(`${sr}\n${expiresAtSeconds}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expiresAtSeconds}&skn=${name}`;
}

function producerWithToken(
  emulator: EventHubsEmulator,
  token: string,
  eventHubName = 'orders',
): EventHubProducerClient {
  const connectionString = `Endpoint=sb://127.0.0.1:${emulator.port}/;SharedAccessSignature=${token};UseDevelopmentEmulator=true`;
  return new EventHubProducerClient(connectionString, eventHubName, noRetries);
}

const anHourFromNow = () => Math.floor(Date.now() / 1000) + 3600;

test('both keys of a policy are accepted, any other is not', async () => {
  const emulator = await emulatorForTest({ eventHubs, keys });
  const send = (name: string, key: string) =>
    producerFor(emulator, 'orders', withKey(emulator, name, key)).sendBatch([{ body: 1 }]);
  await send('root', 'root-1');
  await send('root', 'root-2');
  expect(await refusal(send('root', 'root-3'))).toMatchObject(unauthorized);
  expect(await refusal(send('nobody', 'root-1'))).toMatchObject(unauthorized);
  expect(emulator.partitions('orders')[0]?.lastSequenceNumber).toBe(1);
});

test('rights are enforced', async () => {
  const emulator = await emulatorForTest({ eventHubs, keys });
  const connection = (keyName: string) => emulator.connectionString({ keyName });
  await producerFor(emulator, 'orders', connection('send')).sendBatch([{ body: 1 }]);
  expect(await producerFor(emulator, 'orders', connection('send')).getPartitionIds()).toEqual(['0']);

  const listener = consumerFor(emulator, 'orders', '$Default', connection('listen'));
  await subscribe(listener, '0', { offset: '-1' }).count(1);

  const sentWithListen = producerFor(emulator, 'orders', connection('listen')).sendBatch([{ body: 1 }]);
  expect(await refusal(sentWithListen)).toMatchObject({
    ...unauthorized,
    message: expect.stringContaining("'Send' claim(s) are required") as string,
  });
  const readWithSend = subscribe(consumerFor(emulator, 'orders', '$Default', connection('send')), '0', {
    offset: '-1',
  });
  expect(await readWithSend.error()).toMatchObject(unauthorized);
});

test('a key of one hub is of no use for another', async () => {
  const emulator = await emulatorForTest({ eventHubs, keys });
  const connectionString = emulator.connectionString({ keyName: 'orders-only', entityPath: 'orders' });
  await producerFor(emulator, 'orders', connectionString).sendBatch([{ body: 1 }]);
  const elsewhere = connectionString.replace('EntityPath=orders;', '');
  expect(await refusal(producerFor(emulator, 'returns', elsewhere).sendBatch([{ body: 1 }]))).toMatchObject(
    unauthorized,
  );
  expect(await refusal(producerFor(emulator, 'returns', elsewhere).getPartitionIds())).toMatchObject(unauthorized);
  expect(() => emulator.connectionString({ keyName: 'orders-only', entityPath: 'returns' })).toThrow('no such key');
});

test('a key can be rotated: the other one bridges the change', async () => {
  const emulator = await emulatorForTest({ eventHubs, keys });
  const send = (connectionString: string) => producerFor(emulator, 'orders', connectionString).sendBatch([{ body: 1 }]);
  const before = emulator.connectionString({ keyName: 'root' });
  const fresh = emulator.regenerateKey('root', 'primary');

  expect(await refusal(send(before))).toMatchObject(unauthorized);
  await send(withKey(emulator, 'root', 'root-2'));
  await send(withKey(emulator, 'root', fresh));
  expect(emulator.connectionString({ keyName: 'root' })).toContain(fresh);
  expect(() => emulator.regenerateKey('nobody', 'primary')).toThrow('no such key');
});

test('a token is good for its resource and what is below it, not for others', async () => {
  const emulator = await emulatorForTest({ eventHubs, keys });
  const send = async (resource: string, eventHubName = 'orders') => {
    const producer = producerWithToken(emulator, sasToken(resource, 'root', 'root-1', anHourFromNow()), eventHubName);
    try {
      await producer.sendBatch([{ body: 1 }]);
    } finally {
      await producer.close();
    }
  };
  const host = `sb://127.0.0.1:${emulator.port}`;
  await send(`${host}/orders`);
  await send(`${host}/`);
  await send(host, 'returns');
  // As the SDK of Go makes them, without a scheme.
  await send(`127.0.0.1:${emulator.port}`);
  expect(await refusal(send(`${host}/orders`, 'returns'))).toMatchObject(unauthorized);
  expect(await refusal(send('sb://other.servicebus.windows.net/orders'))).toMatchObject(unauthorized);
  expect(await refusal(send('nonsense'))).toMatchObject(unauthorized);
});

test('a token with a changed expiry, or garbage for one, is refused', async () => {
  const emulator = await emulatorForTest({ eventHubs, keys });
  const expiresAt = anHourFromNow();
  const token = sasToken(`sb://127.0.0.1:${emulator.port}/orders`, 'root', 'root-1', expiresAt);
  const wrong = [
    token.replace(`se=${expiresAt}`, `se=${expiresAt + 1}`),
    'SharedAccessSignature x',
    'SharedAccessSignature sr=%&sig=%&se=1&skn=%',
  ];
  for (const given of wrong) {
    const producer = producerWithToken(emulator, given);
    expect(await refusal(producer.sendBatch([{ body: 1 }]))).toMatchObject(unauthorized);
    await producer.close();
  }
});

test('an expired token is refused, and ends links that live on one', async () => {
  let nowMs = Date.now();
  const emulator = await emulatorForTest({ eventHubs, keys, now: () => nowMs });
  const resource = `sb://127.0.0.1:${emulator.port}/orders`;
  const producer = producerWithToken(emulator, sasToken(resource, 'root', 'root-1', Math.floor(nowMs / 1000) + 600));
  const consumer = new EventHubConsumerClient(
    '$Default',
    `Endpoint=sb://127.0.0.1:${emulator.port}/;SharedAccessSignature=${sasToken(resource, 'root', 'root-1', Math.floor(nowMs / 1000) + 600)};UseDevelopmentEmulator=true`,
    'orders',
    noRetries,
  );
  const reader = subscribe(consumer, '0', { offset: '-1' });
  await producer.sendBatch([{ body: 1 }]);
  await reader.count(1);

  nowMs += 601_000;
  expect(await refusal(producer.sendBatch([{ body: 2 }]))).toMatchObject(unauthorized);
  const late = producerWithToken(emulator, sasToken(resource, 'root', 'root-1', 1_700_000_000));
  await expect(late.sendBatch([{ body: 2 }])).rejects.toThrow(
    'ExpiredToken: The token is expired. Expiration time: 2023-11-14T22:13:20.000Z.',
  );
  await late.close();
  const root = producerFor(emulator, 'orders', emulator.connectionString({ keyName: 'root' }));
  await root.sendBatch([{ body: 3 }]);
  expect(await reader.error()).toMatchObject(unauthorized);
  expect(reader.events).toHaveLength(1);
  await Promise.all([producer.close(), consumer.close()]);
});

test('a token of Microsoft Entra ID is refused with a clear sentence', () => {
  // The SDK sends such tokens over TLS only, so this is asked of $cbs directly.
  const verifier = { keys: new SharedAccessKeys(keys), now: Date.now, isThisHost: () => true };
  const properties = { operation: 'put-token', type: 'jwt', name: 'sb://localhost/orders' };
  expect(putToken({ properties, body: 'e30.e30.' }, verifier, new ConnectionClaims(Date.now))).toEqual({
    status: 501,
    failure: {
      condition: 'amqp:not-implemented',
      description:
        "The emulator does not support tokens of type 'jwt' (Microsoft Entra ID included). " +
        'Use a connection string with a shared access key, or start it with entraRights.',
    },
  });
});

test('keys must be distinct and allow something', () => {
  const twice = [keys[1], keys[1]] as SharedAccessKey[];
  expect(() => new SharedAccessKeys(twice)).toThrow('given twice');
  expect(() => new SharedAccessKeys([{ name: 'nothing', rights: [] }])).toThrow('no rights');
});

test('without keys given, the root key is random', async () => {
  const [first, second] = [await emulatorForTest(), await emulatorForTest()];
  const keyOf = (emulator: EventHubsEmulator) => /SharedAccessKey=([^;]+)/.exec(emulator.connectionString())?.[1];
  expect(first.connectionString()).toContain('SharedAccessKeyName=RootManageSharedAccessKey;');
  expect(keyOf(first)).not.toBe(keyOf(second));
  await until(async () => (await producerFor(first).getPartitionIds()).length === 2, 'the root key to work');
});
