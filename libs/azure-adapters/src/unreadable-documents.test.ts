import { randomUUID } from 'node:crypto';
import {
  candidateNames,
  deadLetterName,
  isUnreadable,
  readSelected,
  replayDeadLetters,
  sweepRetries,
  UnreadableDocumentError,
  writeRetryMessage,
} from '@activation-hub/delivery';
import { exampleDeadLetter, exampleRetry } from '@activation-hub/delivery/testing';
import type { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { BlobDeadLetters } from './blob-dead-letters.ts';
import { containerClient, queueClient } from './storage-connections.ts';
import { StorageRetryQueue } from './storage-retry-queue.ts';

const { signal } = new AbortController();
const secret = 'somebody@example.com';
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function open() {
  const name = `stores-${randomUUID()}`;
  const letters = containerClient(azurite, name);
  const blobs = containerClient(azurite, `${name}-r`);
  const queue = queueClient(azurite, name);
  const retries = new StorageRetryQueue(blobs, queue);
  const deadLetters = new BlobDeadLetters(letters);
  await retries.createStores(signal);
  await deadLetters.createContainer(signal);
  return { retries, deadLetters, letters, blobs, queue };
}

async function upload(container: ContainerClient, name: string, content: string | Buffer): Promise<void> {
  await container.getBlockBlobClient(name).upload(content, Buffer.byteLength(content));
}

/** What a sound retry with one event is, with a part of it changed. */
async function changedRetry(change: (head: Record<string, unknown>, event: Record<string, unknown>) => void) {
  const { retries, blobs } = await open();
  await retries.put(exampleRetry({ id: 'sound' }), 0, signal);
  const text = (await blobs.getBlobClient('sound.jsonl').downloadToBuffer()).toString();
  const [head = {}, event = {}] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  head.id = 'a';
  change(head, event);
  return [head, event].map((line) => `${JSON.stringify(line)}\n`);
}

const spoiled: readonly [what: string, content: () => Promise<string | Buffer>, reason: string][] = [
  ['no bytes', () => Promise.resolve(''), 'it is not JSON'],
  ['a text', () => Promise.resolve(secret), 'it is not JSON'],
  [
    'bytes that are not UTF-8',
    async () => {
      const bytes = Buffer.from((await changedRetry((head) => (head.reason = '~'))).join(''));
      return bytes.fill(0xff, bytes.indexOf('~'), bytes.indexOf('~') + 1);
    },
    'it is not JSON',
  ],
  ['another document', () => Promise.resolve('[]\n'), 'version'],
  [
    'a document of other fields',
    () => Promise.resolve('{"version":1,"id":"a"}\n'),
    'destination, dueAt, rows, eventCount, attempts, firstDeferredAt, class, reason, isReplay',
  ],
  ['a version of tomorrow', async () => (await changedRetry((head) => (head.version = 2))).join(''), 'version'],
  [
    'a time out of range',
    async () => (await changedRetry((head) => (head.dueAt = '+057670-02-03T00:00:00.000Z'))).join(''),
    'dueAt',
  ],
  [
    'a day that no month has',
    async () => (await changedRetry((head) => (head.firstDeferredAt = '2026-02-30T00:00:00.000Z'))).join(''),
    'firstDeferredAt',
  ],
  ['its events cut off', async () => (await changedRetry(() => undefined))[0] ?? '', 'it has 0 events, and says 1'],
  [
    'an event without a body',
    async () => (await changedRetry((_, { event }) => delete (event as { bodyBase64?: string }).bodyBase64)).join(''),
    'event.bodyBase64',
  ],
  ['a retry of another name', async () => (await changedRetry((head) => (head.id = 'b'))).join(''), 'id'],
];

test.each(spoiled)(
  'a retry that has become %s is refused by name, and quotes nothing',
  async (_what, content, reason) => {
    const { retries, blobs } = await open();
    await upload(blobs, 'a.jsonl', await content());
    const refused: unknown = await retries
      .read(writeRetryMessage(exampleRetry({ id: 'a' })), signal)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UnreadableDocumentError);
    expect(refused).toMatchObject({
      documentName: 'a.jsonl',
      message: `Failed to read a retry: the blob a.jsonl is not as it was written (${reason}). Restore the blob from its earlier version, or delete it.`,
    });
  },
);

test('a walk over the retries passes over what cannot be read, and tells its name', async () => {
  const { retries, blobs } = await open();
  for (const id of ['b', 'm', 'y']) await retries.put(exampleRetry({ id }), 0, signal);
  for (const name of ['a.jsonl', 'n.jsonl', 'z.jsonl']) await upload(blobs, name, secret);
  const found = await Array.fromAsync(retries.waiting(signal));
  expect(found.map((retry) => (isUnreadable(retry) ? retry : retry.id))).toEqual([
    { unreadable: 'a.jsonl' },
    'b',
    'm',
    { unreadable: 'n.jsonl' },
    'y',
    { unreadable: 'z.jsonl' },
  ]);
});

test('a blob that is larger than any that is written is not read', async () => {
  const { retries, blobs } = await open();
  const blob = blobs.getBlockBlobClient('huge.jsonl');
  const block = Buffer.alloc(8 * 1024 * 1024, ' ');
  const id = Buffer.from('block').toString('base64');
  await blob.stageBlock(id, block, block.byteLength);
  await blob.commitBlockList(Array.from({ length: 33 }, () => id));
  await retries.put(exampleRetry({ id: 'other' }), 0, signal);
  const found = await Array.fromAsync(retries.waiting(signal));
  expect(found).toEqual([{ unreadable: 'huge.jsonl' }, { ...exampleRetry({ id: 'other' }), dueAtMs: 0 }]);
  await expect(retries.read(writeRetryMessage(exampleRetry({ id: 'huge' })), signal)).rejects.toThrow(
    'it has 276824064 bytes, and at most 268435456 are written',
  );
});

test('a nightly sweep makes due what it can read, counts the rest, and leaves it for a person', async () => {
  const { retries, blobs, queue } = await open();
  await retries.put(exampleRetry({ id: 'old' }), 0, signal);
  await queue.clearMessages();
  await upload(blobs, 'a.jsonl', secret);
  const swept = await sweepRetries(retries, { nowMs: Date.now(), ageMaxMs: () => 0, signal });
  expect(swept).toEqual({ seen: 2, madeDue: 1, unreadable: ['a.jsonl'] });
  expect((await queue.receiveMessages({ numberOfMessages: 32 })).receivedMessageItems).toHaveLength(1);
  expect(await blobs.getBlobClient('a.jsonl').exists()).toBe(true);
});

test('waking reads no blob, so that one which cannot be read does not stop it', async () => {
  const { retries, blobs } = await open();
  await upload(blobs, 'a.jsonl', secret);
  await blobs
    .getBlockBlobClient('b.jsonl')
    .upload('', 0, { metadata: { id: 'b', destination: '%E0%A4%A', attempts: 'x' } });
  await retries.put(exampleRetry({ id: 'sound' }), Date.now() + 3_600_000, signal);
  expect(await retries.wake('crm', { nowMs: Date.now(), everyMs: 0, signal })).toBe(1);
});

test('letters that cannot be read are listed by name, and stay when the others are replayed', async () => {
  const { retries, deadLetters, letters } = await open();
  const nowMs = Date.UTC(2026, 1, 1);
  const sound = exampleDeadLetter({
    outcome: 'rejected',
    destination: 'crm',
    class: 'invalid',
    failures: [{ audience: 'fans', reason: 'No.' }],
  });
  await deadLetters.put([sound], signal);
  const bad = '2026-01-31/crm/invalid/0-1-0000000000000000';
  await upload(letters, `${bad}.json`, secret);
  const names = await candidateNames(deadLetters, {}, signal);
  const selected = await Array.fromAsync(readSelected(deadLetters, names, { reason: 'No' }, signal));
  expect(selected.map((found) => (isUnreadable(found) ? found : found.name))).toEqual([
    { unreadable: bad },
    deadLetterName(sound),
  ]);
  const options = { clock: { now: () => nowMs }, signal };
  const replayed = await replayDeadLetters(names, {}, { deadLetters, retryQueue: retries }, options);
  expect(replayed).toMatchObject({ retries: 1, left: 0, unreadable: [bad] });
  expect(await Array.fromAsync(deadLetters.names('', signal))).toEqual([bad]);
});

test('an edit of what cannot be read is refused, and changes nothing', async () => {
  const { retries, deadLetters, letters, blobs } = await open();
  await upload(blobs, 'a.jsonl', secret);
  await upload(letters, 'a.json', secret);
  await expect(retries.edit('a', () => undefined, signal)).rejects.toThrow(UnreadableDocumentError);
  await expect(deadLetters.edit('a', () => undefined, signal)).rejects.toThrow(UnreadableDocumentError);
  expect((await blobs.getBlobClient('a.jsonl').downloadToBuffer()).toString()).toBe(secret);
  expect((await letters.getBlobClient('a.json').downloadToBuffer()).toString()).toBe(secret);
});
