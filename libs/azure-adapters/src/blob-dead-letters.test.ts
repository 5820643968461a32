import { deadLetterName, type DeadLetter } from '@activation-hub/delivery';
import { randomUUID } from 'node:crypto';
import type { ContainerClient } from '@azure/storage-blob';
import { describeDeadLettersContract, exampleDeadLetter } from '@activation-hub/delivery/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy, type Treatment } from '../testing/storage-proxy.ts';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { BlobDeadLetters } from './blob-dead-letters.ts';
import { containerClient } from './storage-connections.ts';

const { signal } = new AbortController();
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function openWithContainer(): Promise<{ store: BlobDeadLetters; container: ContainerClient }> {
  const container = containerClient(azurite, `letters-${randomUUID()}`);
  const store = new BlobDeadLetters(container);
  await store.createContainer(signal);
  return { store, container };
}

async function open(): Promise<BlobDeadLetters> {
  return (await openWithContainer()).store;
}

async function collect(names: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = [];
  for await (const name of names) collected.push(name);
  return collected;
}

describeDeadLettersContract('blob dead letters', open);

test('a letter is a blob of JSON, named after the event', async () => {
  const { store, container } = await openWithContainer();
  await store.put([exampleDeadLetter()], signal);
  const blob = container.getBlobClient(`${deadLetterName(exampleDeadLetter())}.json`);
  expect((await blob.getProperties()).contentType).toBe('application/json');
  expect(JSON.parse((await blob.downloadToBuffer()).toString())).toEqual({
    version: 1,
    outcome: 'unreadable',
    class: 'not-utf8',
    failures: [{ path: '$', reason: 'Failed to read the event: its body is not valid UTF-8.' }],
    attempts: 0,
    givenUpAt: '2026-02-01T00:00:00.000Z',
    event: { partitionId: '3', sequenceNumber: 4711, enqueuedAt: '2026-01-31T23:59:59.999Z', bodyBase64: '/wB7' },
  });
});

test('the container can be made a second time', async () => {
  const { store } = await openWithContainer();
  await expect(store.createContainer(signal)).resolves.toBeUndefined();
});

test('names are those under a prefix, and of letters only', async () => {
  const { store, container } = await openWithContainer();
  await container.getBlockBlobClient('2026-01-31/crm/notes.txt').upload('', 0);
  const letters = ['crm', 'crm', 'ads'].map((destination, sequenceNumber) =>
    exampleDeadLetter({ destination, class: 'invalid', event: { ...exampleDeadLetter().event, sequenceNumber } }),
  );
  await store.put(letters, signal);
  expect(await collect(store.names('2026-01-31/crm/', signal))).toEqual(letters.slice(0, 2).map(deadLetterName));
  expect(await collect(store.names(`${letters.map(deadLetterName)[0] ?? ''}.j`, signal))).toEqual([]);
  expect(await collect(store.names('', signal))).toHaveLength(3);
});

test('a name without a letter reads as nothing, and a missing container is an error', async () => {
  const store = await open();
  expect(await store.read('2026-01-31/crm/invalid/0-1', signal)).toBeUndefined();
  const nowhere = new BlobDeadLetters(containerClient(azurite, 'never-made'));
  await expect(nowhere.read('2026-01-31/crm/invalid/0-1', signal)).rejects.toThrow('answered 404 ContainerNotFound');
  await expect(nowhere.remove('2026-01-31/crm/invalid/0-1', signal)).rejects.toThrow('answered 404 ContainerNotFound');
  await expect(nowhere.put([exampleDeadLetter()], signal)).rejects.toThrow(
    'Failed to keep a dead letter: the blob store at',
  );
});

test.each([
  ['{"version":1,"outcome":"unreadable"}', 'class, failures, attempts, givenUpAt, event'],
  ['{"version":2}', 'version'],
  ['{}', 'version'],
  ['Zoë', 'it is not JSON'],
  ['', 'it is not JSON'],
])('a blob that was changed into %j is refused without being quoted', async (content, reason) => {
  const { store, container } = await openWithContainer();
  await container.getBlockBlobClient('a.json').upload(content, Buffer.byteLength(content));
  await expect(store.read('a', signal)).rejects.toThrow(
    `Failed to read a dead letter: the blob a.json is not as it was written (${reason}).`,
  );
});

test('a letter that is written anew while it is removed is looked at again, and stays when it is to stay', async () => {
  const proxy = await startStorageProxy(azurite.blobPort);
  onTestFinished(() => proxy.stop());
  const connectionString = azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${proxy.port}/`);
  const name = `letters-${randomUUID()}`;
  const store = new BlobDeadLetters(containerClient({ connectionString }, name));
  const direct = new BlobDeadLetters(containerClient(azurite, name));
  await store.createContainer(signal);
  await store.put([exampleDeadLetter()], signal);
  proxy.treat = async ({ method }): Promise<Treatment> => {
    if (method === 'DELETE') await direct.put([exampleDeadLetter({ attempts: 7 })], signal);
    return 'pass';
  };
  const seen: number[] = [];
  const removeUntried = (letter: DeadLetter): DeadLetter | undefined => {
    seen.push(letter.attempts);
    return letter.attempts === 0 ? undefined : letter;
  };
  await store.edit(deadLetterName(exampleDeadLetter()), removeUntried, signal);
  expect(seen).toEqual([0, 7]);
  expect((await direct.read(deadLetterName(exampleDeadLetter()), signal))?.attempts).toBe(7);
});

test('a put that is aborted in the middle ends with the reason', async () => {
  const proxy = await startStorageProxy(azurite.blobPort);
  onTestFinished(() => proxy.stop());
  const connectionString = azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${proxy.port}/`);
  const store = new BlobDeadLetters(containerClient({ connectionString }, `letters-${randomUUID()}`), {
    concurrencyMax: 2,
  });
  await store.createContainer(signal);
  const controller = new AbortController();
  const { promise: started, resolve } = Promise.withResolvers<undefined>();
  proxy.treat = () => {
    resolve(undefined);
    return 'hang';
  };
  const ended = store
    .put(
      [1, 2, 3].map((attempts) => exampleDeadLetter({ attempts })),
      controller.signal,
    )
    .catch((error: unknown) => error);
  await started;
  controller.abort(new Error('deadline'));
  expect(await ended).toEqual(new Error('deadline'));
});

test('a letter under a lease, as a person takes one in the portal, is refused and not tried again without end', async () => {
  const { store, container } = await openWithContainer();
  const letter = exampleDeadLetter();
  await store.put([letter], signal);
  await container
    .getBlobClient(`${deadLetterName(letter)}.json`)
    .getBlobLeaseClient()
    .acquireLease(-1);
  for (const edited of [{ ...letter, attempts: 9 }, undefined])
    await expect(store.edit(deadLetterName(letter), () => edited, AbortSignal.timeout(5_000))).rejects.toThrow(
      'answered 412 LeaseIdMissing',
    );
});
