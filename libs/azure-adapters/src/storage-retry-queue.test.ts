import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { isUnreadable, writeRetryMessage, type Retry } from '@activation-hub/delivery';
import { describeRetryQueueContract, exampleRetry } from '@activation-hub/delivery/testing';
import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy, type StorageProxy, type Treatment } from '../testing/storage-proxy.ts';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { containerClient, queueClient } from './storage-connections.ts';
import { StorageRetryQueue, type StorageRetryQueueOptions } from './storage-retry-queue.ts';
import { StoreFailure } from './store-call.ts';

const { signal } = new AbortController();
const dayMs = 86_400_000;
const message = writeRetryMessage(exampleRetry());
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

interface Opened {
  readonly retries: StorageRetryQueue;
  readonly container: ContainerClient;
  readonly queue: QueueClient;
}

const openedBy = new WeakMap<StorageRetryQueue, Opened>();

async function open(
  options: StorageRetryQueueOptions = {},
  ports: { readonly blob?: number; readonly queue?: number } = {},
): Promise<Opened> {
  const connection = {
    connectionString: azurite.connectionString
      .replace(`:${azurite.blobPort}/`, `:${ports.blob ?? azurite.blobPort}/`)
      .replace(`:${azurite.queuePort}/`, `:${ports.queue ?? azurite.queuePort}/`),
  };
  const name = `retries-${randomUUID()}`;
  const container = containerClient(connection, name);
  const queue = queueClient(connection, name);
  const retries = new StorageRetryQueue(container, queue, options);
  await retries.createStores(signal);
  const opened = { retries, container, queue };
  openedBy.set(retries, opened);
  return opened;
}

async function openProxy(service: 'blobPort' | 'queuePort'): Promise<StorageProxy> {
  const proxy = await startStorageProxy(azurite[service]);
  onTestFinished(() => proxy.stop());
  return proxy;
}

/** Takes what is visible, as the trigger does: the decoded texts, deleted from the queue. */
async function takeVisible(queue: QueueClient): Promise<string[]> {
  const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
  for (const { messageId, popReceipt } of receivedMessageItems) await queue.deleteMessage(messageId, popReceipt);
  return receivedMessageItems.map(({ messageText }) => Buffer.from(messageText, 'base64').toString());
}

async function takeDue(retries: StorageRetryQueue, expected: number): Promise<string[]> {
  const { queue } = openedBy.get(retries) ?? (await open());
  const taken = await takeVisible(queue);
  await expect.poll(async () => taken.push(...(await takeVisible(queue)))).toBeGreaterThanOrEqual(expected);
  return taken;
}

/** For how many seconds each message that was sent through the proxy is invisible. */
function invisibleSeconds(proxy: StorageProxy): number[] {
  return proxy.requests
    .filter((request) => request.startsWith('POST'))
    .map((request) =>
      Number(new URL(request.slice('POST '.length), 'http://proxy').searchParams.get('visibilitytimeout')),
    );
}

async function waitingIn(retries: StorageRetryQueue): Promise<Retry[]> {
  const found: Retry[] = [];
  for await (const retry of retries.waiting(signal)) {
    if (isUnreadable(retry)) throw new Error(`${retry.unreadable} cannot be read.`);
    const { dueAtMs, ...kept } = retry;
    expect(dueAtMs).toBeTypeOf('number');
    found.push(kept);
  }
  return found;
}

describeRetryQueueContract('the retry queue in storage', async () => (await open()).retries, takeDue);

test('a retry is a blob of lines, and its message a pointer in base64 that never expires', async () => {
  const { retries, container, queue } = await open();
  const dueAtMs = Date.now() - 1;
  await retries.put(exampleRetry(), dueAtMs, signal);
  const blob = container.getBlobClient(`${exampleRetry().id}.jsonl`);
  expect((await blob.getProperties()).contentType).toBe('application/x-ndjson');
  const lines = (await blob.downloadToBuffer()).toString().split('\n');
  expect(lines.map((line) => (line === '' ? '' : (JSON.parse(line) as unknown)))).toEqual([
    {
      version: 1,
      id: exampleRetry().id,
      destination: 'crm',
      rows: [],
      eventCount: 1,
      dueAt: new Date(dueAtMs).toISOString(),
      attempts: 3,
      firstDeferredAt: '2026-01-31T13:00:00.000Z',
      class: 'throttled',
      reason: 'Failed to deliver: the destination answered 429.',
      isReplay: false,
    },
    {
      version: 1,
      audiences: ['sports-fans', 'travellers'],
      rows: [],
      event: {
        partitionId: '2',
        sequenceNumber: 9_007_199_254_740_991,
        enqueuedAt: '2026-01-31T12:00:00.000Z',
        bodyBase64: 'e33/AA==',
      },
    },
    '',
  ]);
  const [peeked] = (await queue.receiveMessages()).receivedMessageItems;
  expect(peeked?.messageText).toBe(Buffer.from(message).toString('base64'));
  expect(peeked?.expiresOn.getUTCFullYear()).toBeGreaterThan(9_000);
});

test('the stores can be made a second time', async () => {
  const { retries } = await open();
  await expect(retries.createStores(signal)).resolves.toBeUndefined();
});

test.each([
  [-1, 0],
  [0, 0],
  [1, 1],
  [1_000, 1],
  [1_001, 2],
  [7 * dayMs, 604_800],
  [7 * dayMs + 1, 604_800],
  [400 * dayMs, 604_800],
])('a retry due in %i ms has a message that is invisible for %i s', async (inMs, seconds) => {
  const proxy = await openProxy('queuePort');
  const { retries } = await open({ now: () => 1_000_000 }, { queue: proxy.port });
  await retries.put(exampleRetry(), 1_000_000 + inMs, signal);
  expect(invisibleSeconds(proxy)).toEqual([seconds]);
});

test('a message that comes before the retry is due is sent again for the rest of the time', async () => {
  const proxy = await openProxy('queuePort');
  let nowMs = Date.now();
  const { retries } = await open({ now: () => nowMs }, { queue: proxy.port });
  await retries.put(exampleRetry(), nowMs + 16 * dayMs, signal);
  for (let week = 0; week < 2; week += 1) {
    nowMs += 7 * dayMs;
    expect(await retries.read(message, signal)).toBeUndefined();
  }
  nowMs += 2 * dayMs;
  expect(await retries.read(message, signal)).toEqual(exampleRetry());
  expect(invisibleSeconds(proxy)).toEqual([604_800, 604_800, 2 * 86_400]);
});

test('a retry of which the second message was never sent comes by its first', async () => {
  const proxy = await openProxy('queuePort');
  let nowMs = Date.now();
  const { retries, queue } = await open({ now: () => nowMs, operationTimeoutMs: 2_000 }, { queue: proxy.port });
  await retries.put(exampleRetry(), nowMs, signal);
  proxy.treat = () => 'hang';
  await expect(retries.put(exampleRetry({ attempts: 4 }), nowMs + 1_500, signal)).rejects.toThrow(
    `Failed to send the message of a retry: the queue store at 127.0.0.1:${proxy.port} did not answer within 2000 ms.`,
  );
  proxy.treat = () => 'pass';
  const [first] = await takeVisible(queue);
  expect(await retries.read(first ?? '', signal)).toBeUndefined();
  nowMs += 1_500;
  const [second] = await takeDue(retries, 1);
  expect((await retries.read(second ?? '', signal))?.attempts).toBe(4);
});

test('a retry that is due within a millisecond is not given before it', async () => {
  let nowMs = Date.now();
  const { retries } = await open({ now: () => nowMs });
  await retries.put(exampleRetry({ notBeforeMs: nowMs + 0.5 }), nowMs + 0.5, signal);
  expect(await retries.wake('crm', { nowMs, everyMs: 0, signal })).toBe(0);
  expect(await retries.read(message, signal)).toBeUndefined();
  nowMs += 1;
  expect(await retries.read(message, signal)).toMatchObject({ notBeforeMs: nowMs });
  expect(await retries.wake('crm', { nowMs, everyMs: 0, signal })).toBe(1);
});

test('a rewritten retry is due when it was due before', async () => {
  let nowMs = Date.now();
  const { retries } = await open({ now: () => nowMs });
  await retries.put(exampleRetry(), nowMs + dayMs, signal);
  await retries.edit(exampleRetry().id, (retry) => ({ ...retry, events: [] }), signal);
  expect(await retries.read(message, signal)).toBeUndefined();
  nowMs += dayMs;
  expect(await retries.read(message, signal)).toEqual(exampleRetry({ events: [] }));
});

test('a retry that is removed while it is rewritten stays removed', async () => {
  const proxy = await openProxy('blobPort');
  const { retries, container } = await open({}, { blob: proxy.port });
  await retries.put(exampleRetry(), Date.now(), signal);
  const direct = containerClient(azurite, container.containerName);
  proxy.treat = async ({ method }): Promise<Treatment> => {
    if (method === 'PUT') await direct.deleteBlob(`${exampleRetry().id}.jsonl`);
    return 'pass';
  };
  await retries.edit(exampleRetry().id, (retry) => ({ ...retry, events: [] }), signal);
  expect(await waitingIn(retries)).toEqual([]);
});

test('a blob is there before its message is sent, and no message is sent without it', async () => {
  const blobs = await openProxy('blobPort');
  const messages = await openProxy('queuePort');
  const { retries } = await open({ operationTimeoutMs: 2_000 }, { blob: blobs.port, queue: messages.port });
  blobs.treat = () => 'hang';
  await expect(retries.put(exampleRetry(), 0, signal)).rejects.toThrow(StoreFailure);
  expect(invisibleSeconds(messages)).toEqual([]);
  blobs.treat = () => 'pass';
  let waitingWhenSent: Retry[] = [];
  messages.treat = async (): Promise<Treatment> => {
    waitingWhenSent = await waitingIn(retries);
    return 'pass';
  };
  await retries.put(exampleRetry(), 0, signal);
  expect(waitingWhenSent).toEqual([exampleRetry()]);
});

test('a retry whose removal failed is not given again, and is removed with the next one', async () => {
  const proxy = await openProxy('blobPort');
  const { retries, container, queue } = await open({ operationTimeoutMs: 1_000 }, { blob: proxy.port });
  const [kept, other] = [exampleRetry(), exampleRetry({ id: 'other' })];
  await retries.put(kept, 0, signal);
  await retries.put(other, 0, signal);
  proxy.treat = ({ method }) => (method === 'DELETE' ? 'hang' : 'pass');
  await expect(retries.remove(kept.id, signal)).rejects.toThrow('Failed to remove a retry');
  expect(await retries.wake('crm', { nowMs: Date.now(), everyMs: 0, signal })).toBe(1);
  await expect(retries.read(message, signal)).rejects.toThrow('Failed to remove a retry');
  proxy.treat = () => 'pass';
  await retries.remove(other.id, signal);
  expect(await waitingIn(retries)).toEqual([]);
  expect(await waitingIn(new StorageRetryQueue(container, queue))).toEqual([]);
  await retries.put(kept, 0, signal);
  expect(await retries.read(message, signal)).toEqual(kept);
});

test('a message of a retry whose removal failed removes it', async () => {
  const proxy = await openProxy('blobPort');
  const { retries } = await open({ operationTimeoutMs: 1_000 }, { blob: proxy.port });
  await retries.put(exampleRetry(), 0, signal);
  proxy.treat = ({ method }) => (method === 'DELETE' ? 'hang' : 'pass');
  await expect(retries.remove(exampleRetry().id, signal)).rejects.toThrow('Failed to remove a retry');
  proxy.treat = () => 'pass';
  expect(await retries.read(message, signal)).toBeUndefined();
  expect(await waitingIn(retries)).toEqual([]);
});

test('an upload whose reply was lost is repeated whole', async () => {
  const proxy = await openProxy('blobPort');
  const { retries } = await open({}, { blob: proxy.port });
  let uploads = 0;
  proxy.treat = ({ method }) => {
    if (method !== 'PUT') return 'pass';
    uploads += 1;
    return uploads === 1 ? 'lose-reply' : 'pass';
  };
  await retries.put(exampleRetry(), 0, signal);
  expect(uploads).toBe(2);
  expect(await retries.read(message, signal)).toEqual(exampleRetry());
});

test('a hundred events of a mebibyte each are one retry', async () => {
  const { retries } = await open();
  const body = new Uint8Array(1_048_576).map((_, place) => place % 251);
  const events = Array.from({ length: 100 }, (_, sequenceNumber) => ({
    event: { body, partitionId: '0', sequenceNumber, enqueuedAtMs: 1 },
    audiences: ['a'],
    rows: [],
  }));
  await retries.put(exampleRetry({ events }), 0, signal);
  const retry = await retries.read(message, signal);
  expect(retry?.events.map(({ event }) => event.sequenceNumber)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  expect(retry?.events.every(({ event }) => Buffer.compare(event.body, body) === 0)).toBe(true);
});

test('every retry that waits is listed, and nothing else', async () => {
  const { retries, container } = await open({ concurrencyMax: 3 });
  const ids = Array.from({ length: 11 }, (_, n) => `retry-${n}`);
  for (const id of ids) await retries.put(exampleRetry({ id }), Date.now() + dayMs, signal);
  await container.getBlockBlobClient('notes.txt').upload('', 0);
  expect((await waitingIn(retries)).map(({ id }) => id).sort()).toEqual([...ids].sort());
});

test('stores that were never made are errors, not an empty queue', async () => {
  const retries = new StorageRetryQueue(containerClient(azurite, 'never-made'), queueClient(azurite, 'never-made'));
  await expect(retries.read(message, signal)).rejects.toThrow('answered 404 ContainerNotFound');
  await expect(retries.remove(exampleRetry().id, signal)).rejects.toThrow('answered 404 ContainerNotFound');
  await expect(retries.edit(exampleRetry().id, () => undefined, signal)).rejects.toThrow(
    'answered 404 ContainerNotFound',
  );
  await expect(waitingIn(retries)).rejects.toThrow('answered 404 ContainerNotFound');
  const body = new TextEncoder().encode('{"person":"somebody@example.com"}');
  const [deferred] = exampleRetry().events;
  if (deferred === undefined) throw new Error('unreachable');
  const retry = exampleRetry({ events: [{ ...deferred, event: { ...deferred.event, body } }] });
  const failed = await retries.put(retry, 0, signal).catch((error: unknown) => error);
  expect((failed as StoreFailure).message).toMatch(/^Failed to keep a retry: the blob store at .* answered 404/);
  expect(inspect(failed, { depth: 20 })).not.toMatch(/somebody|c29tZWJvZHk|eyJwZXJzb24/);
});

test('a put that is aborted in the middle ends with the reason', async () => {
  const proxy = await openProxy('queuePort');
  const { retries } = await open({}, { queue: proxy.port });
  const controller = new AbortController();
  proxy.treat = () => {
    controller.abort(new Error('deadline'));
    return 'hang';
  };
  await expect(retries.put(exampleRetry(), 0, controller.signal)).rejects.toThrow('deadline');
});
