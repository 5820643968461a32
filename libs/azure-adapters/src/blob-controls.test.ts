import { randomUUID } from 'node:crypto';
import { UnreadableDocumentError, type Control, type ControlStore } from '@activation-hub/delivery';
import { describeControlsContract } from '@activation-hub/delivery/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { BlobControls } from './blob-controls.ts';
import { containerClient } from './storage-connections.ts';
import { StoreFailure } from './store-call.ts';

const { signal } = new AbortController();
let azurite: Azurite;
const containers = new Map<ControlStore, ReturnType<typeof containerClient>>();

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function open(same?: ControlStore): Promise<BlobControls> {
  const known = same === undefined ? undefined : containers.get(same);
  const container = known ?? containerClient(azurite, `controls-${randomUUID()}`);
  const store = new BlobControls(container);
  await store.createContainer(signal);
  containers.set(store, container);
  return store;
}

describeControlsContract('controls in a blob', open);

const pause: Control = {
  action: 'pause',
  destination: 'crm',
  atMs: 0,
  untilMs: 60_000,
  by: 'ada',
  reason: 'migration',
};

test('controls are one blob that a person can read', async () => {
  const store = await open();
  await store.edit(() => [pause], signal);
  const blob = containers.get(store)?.getBlobClient('controls.json');
  expect(JSON.parse((await blob?.downloadToBuffer())?.toString() ?? '')).toEqual({
    version: 1,
    controls: [
      {
        action: 'pause',
        destination: 'crm',
        at: '1970-01-01T00:00:00.000Z',
        until: '1970-01-01T00:01:00.000Z',
        by: 'ada',
        reason: 'migration',
      },
    ],
  });
});

test('a blob under a lease, as a person takes one in the portal, is refused and not tried again without end', async () => {
  const store = await open();
  await store.edit(() => [pause], signal);
  await containers.get(store)?.getBlobClient('controls.json').getBlobLeaseClient().acquireLease(-1);
  await expect(store.edit(() => [], AbortSignal.timeout(5_000))).rejects.toThrow(
    /^Failed to write the controls: the blob store at .* answered 412 LeaseIdMissing\. .* lease/,
  );
});

test('a shadow is a pause to a worker that does not know it, with a mark besides', async () => {
  const store = await open();
  await store.edit(() => [{ ...pause, isShadow: true }], signal);
  const blob = containers.get(store)?.getBlobClient('controls.json');
  expect(JSON.parse((await blob?.downloadToBuffer())?.toString() ?? '')).toMatchObject({
    controls: [{ action: 'pause', shadow: true }],
  });
});

test.each([
  ['what is no JSON', 'hush'],
  ['an action that this version does not know', '{"version":1,"controls":[{"action":"hush"}]}'],
  ['a later version', '{"version":2,"controls":[]}'],
])('%s is neither taken for no controls nor written over, and nothing of it is quoted', async (_what, content) => {
  const store = await open();
  const blob = containers.get(store)?.getBlockBlobClient('controls.json');
  await blob?.upload(content, content.length);
  for (const failed of [store.read(signal), store.edit(() => [pause], signal)]) {
    const error: unknown = await failed.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreadableDocumentError);
    expect((error as Error).message).toMatch(
      /^Failed to read a list of controls: the blob controls\.json is not as it was/,
    );
    expect((error as Error).message).not.toContain('hush');
  }
  expect((await blob?.downloadToBuffer())?.toString()).toBe(content);
});

test.each([
  ['a time beyond the year 9999', { untilMs: Date.UTC(10_000, 0) }, 'controls.1.until'],
  ['a time that is none', { untilMs: NaN }, 'controls.1.until'],
  ['a name that is too long', { by: 'a'.repeat(201) }, 'controls.1.by'],
])('%s is not written, for no worker could read the controls any more', async (_what, wrong, field) => {
  const store = await open();
  await store.edit(() => [pause], signal);
  const written = store.edit((controls) => [...controls, { ...pause, destination: 'ads', ...wrong }], signal);
  await expect(written).rejects.toThrow(`Failed to write the controls: ${field} is not as they are kept.`);
  expect(await store.read(signal)).toEqual([pause]);
});

test('a container that is not there is a failure, and not a list without controls, until an operator writes', async () => {
  const store = new BlobControls(containerClient(azurite, `controls-${randomUUID()}`));
  await expect(store.read(signal)).rejects.toThrow(StoreFailure);
  await store.edit(() => [pause], signal);
  expect(await store.read(signal)).toEqual([pause]);
});
