import { QueueServiceClient, type QueueClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { buildApp } from '../testing/built-app.ts';
import { eventually, runHost } from '../testing/running-host.ts';
import { parseHostJson } from './host-json.ts';
import { startQueueTrigger } from './queue-trigger.ts';
import type { InvocationInput, InvocationOutcome } from './rpc.ts';
import { Settings } from './settings.ts';
import type { RegisteredFunction } from './trigger.ts';

let azurite: Azurite;
let queues: QueueServiceClient;
let nextQueue = 0;

beforeAll(async () => {
  azurite = await startAzurite();
  queues = QueueServiceClient.fromConnectionString(azurite.connectionString);
});
afterAll(() => azurite.stop());

interface Received {
  readonly body: unknown;
  readonly triggerMetadata: Record<string, unknown>;
}

async function runQueueApp(queuesJson: Record<string, unknown> = {}) {
  const name = `queue-${++nextQueue}`;
  const hostJson = { extensions: { queues: { maxPollingInterval: '00:00:00.200', ...queuesJson } } };
  const running = await runHost({
    appFolder: await buildApp({ fixture: 'queue', hostJson }),
    settings: { QUEUE: name, QueueStorage: azurite.connectionString, AzureWebJobsStorage: azurite.connectionString },
  });
  return {
    ...running,
    queue: queues.getQueueClient(name),
    bytesQueue: queues.getQueueClient(`${name}-bytes`),
    poison: queues.getQueueClient(`${name}-poison`),
  };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Messages in the queue, invisible ones included; undefined while there are more or fewer. */
async function holds(queue: QueueClient, count: number): Promise<true | undefined> {
  const { approximateMessagesCount } = await queue.getProperties();
  return approximateMessagesCount === count ? true : undefined;
}

test('a message reaches the function with its metadata and is deleted after success', async () => {
  const { queue, reported } = await runQueueApp();
  await queue.create();
  const { messageId } = await queue.sendMessage(base64('{"n":12345678901234567890}'));
  const [received] = await reported<Received>('RECEIVED', 1);
  expect(received?.body).toEqual({ n: 12345678901234567000 });
  expect(received?.triggerMetadata).toMatchObject({
    dequeueCount: 1,
    id: messageId,
    insertionTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+\+00:00$/) as string,
    popReceipt: expect.any(String) as string,
    queueTrigger: { n: 12345678901234567000 },
  });
  expect(Object.keys(received?.triggerMetadata ?? {})).toEqual(
    expect.arrayContaining(['expirationTime', 'nextVisibleTime']),
  );
  await eventually(() => holds(queue, 0), 'the message is deleted');
});

test('a message that is not JSON comes as text, and as bytes when the trigger asks for them', async () => {
  const { queue, bytesQueue, reported } = await runQueueApp();
  await queue.create();
  await queue.sendMessage(base64('not json'));
  expect((await reported<Received>('RECEIVED', 1))[0]?.body).toBe('not json');
  await bytesQueue.create();
  await bytesQueue.sendMessage(Buffer.from([0, 255]).toString('base64'));
  expect((await reported<Received>('RECEIVED', 2))[1]?.body).toEqual({ buffer: '00ff' });
});

test('a message that keeps failing is tried maxDequeueCount times and moves to the poison queue', async () => {
  const { queue, poison, reported, finished } = await runQueueApp({ maxDequeueCount: 3 });
  await queue.create();
  await queue.sendMessage(base64('fail'));
  const attempts = await reported<Received>('RECEIVED', 3);
  expect(attempts.map(({ triggerMetadata }) => triggerMetadata.dequeueCount)).toEqual([1, 2, 3]);
  await eventually(() => holds(queue, 0), 'the message leaves the queue');
  const { receivedMessageItems } = await poison.receiveMessages();
  expect(receivedMessageItems.map(({ messageText }) => messageText)).toEqual([base64('fail')]);
  expect(finished.map(({ failed }) => failed)).toEqual([true, true, true]);
});

test('a message that is not base64 moves to the poison queue without being run', async () => {
  const { queue, poison, finished } = await runQueueApp();
  await queue.create();
  await queue.sendMessage('plain text!');
  await eventually(
    async () => ((await poison.exists()) ? holds(poison, 1) : undefined),
    'the message is in the poison queue',
  );
  expect(finished).toEqual([]);
});

test('messageEncoding none takes the text as it is', async () => {
  const { queue, reported } = await runQueueApp({ messageEncoding: 'none' });
  await queue.create();
  await queue.sendMessage('plain text!');
  expect((await reported<Received>('RECEIVED', 1))[0]?.body).toBe('plain text!');
});

test('many messages are all run', async () => {
  const { queue, until, finished } = await runQueueApp();
  await queue.create();
  await Promise.all(Array.from({ length: 60 }, (_, index) => queue.sendMessage(base64(`message ${index}`))));
  await until(() => finished.length === 60, '60 messages run');
  await eventually(() => holds(queue, 0), 'all messages are deleted');
});

test('stopping waits for a running message and deletes it', async () => {
  const { host, queue, reported, finished } = await runQueueApp();
  await queue.create();
  await queue.sendMessage(base64('slow'));
  await reported('RECEIVED', 1);
  await host.stop();
  expect(finished).toMatchObject([{ failed: false }]);
  expect(await holds(queue, 0)).toBe(true);
});

test('a message stays invisible for as long as its function runs', async () => {
  const name = `queue-${++nextQueue}`;
  const queue = queues.getQueueClient(name);
  await queue.create();
  await queue.sendMessage(base64('long'));
  const trigger = { type: 'queueTrigger', queueName: name, connection: 'QueueStorage' };
  const registered: RegisteredFunction = {
    name: 'long',
    triggerType: 'queueTrigger',
    trigger,
    bindings: { message: trigger },
  };
  const run = Promise.withResolvers<InvocationOutcome>();
  const inputs: InvocationInput[] = [];
  const listener = await startQueueTrigger(
    registered,
    {
      settings: new Settings({ QueueStorage: azurite.connectionString }),
      hostJson: parseHostJson('{}'),
      log: () => undefined,
      hostId: 'test',
      instanceName: 'test',
      invoke: (_, input) => {
        inputs.push(input);
        return run.promise;
      },
    },
    8_000,
  );
  await expect.poll(() => inputs.length).toBe(1);
  const seen: number[] = [];
  const end = performance.now() + 13_500;
  await eventually(async () => {
    seen.push((await queue.receiveMessages({ visibilityTimeout: 1 })).receivedMessageItems.length);
    return performance.now() > end ? true : undefined;
  }, 'the lock would have expired, and was renewed three times');
  expect(new Set(seen)).toEqual(new Set([0]));
  run.resolve({ failed: false });
  await listener.stop(AbortSignal.timeout(5_000));
  expect(inputs).toHaveLength(1);
  expect(await holds(queue, 0)).toBe(true);
});
