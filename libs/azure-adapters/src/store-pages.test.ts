import type { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { containerClient } from './storage-connections.ts';
import { storePages } from './store-pages.ts';

const names = ['a', 'b', 'c', 'd', 'e'];
let azurite: Azurite;
let container: ContainerClient;

beforeAll(async () => {
  azurite = await startAzurite();
  container = containerClient(azurite, 'something');
  await container.create();
  for (const name of names) await container.getBlockBlobClient(name).upload('', 0);
});
afterAll(() => azurite.stop());

/** Pages of two, and how often one was asked for. */
function pagesOfTwo(signal: AbortSignal) {
  const asked = { pages: 0 };
  const store = { name: 'blob store', url: container.url, operationTimeoutMs: 15_000 };
  const pages = storePages(store, 'list something', signal, (abortSignal) => ({
    byPage: (from) => {
      asked.pages += 1;
      return container.listBlobsFlat({ abortSignal }).byPage({ ...from, maxPageSize: 2 });
    },
  }));
  return { asked, pages };
}

test('every page comes once, in order', async () => {
  const { asked, pages } = pagesOfTwo(new AbortController().signal);
  const found: string[][] = [];
  for await (const { segment } of pages) found.push(segment.blobItems.map(({ name }) => name));
  expect(found).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  expect(asked.pages).toBe(3);
});

test('a page is asked for when the one before is done with', async () => {
  const { asked, pages } = pagesOfTwo(new AbortController().signal);
  await pages.next();
  expect(asked.pages).toBe(1);
  await pages.return();
  expect((await pages.next()).done).toBe(true);
  expect(asked.pages).toBe(1);
});

test('a list that is aborted between two pages ends with the reason', async () => {
  const controller = new AbortController();
  const { asked, pages } = pagesOfTwo(controller.signal);
  await pages.next();
  controller.abort(new Error('deadline'));
  await expect(pages.next()).rejects.toThrow('deadline');
  expect(asked.pages).toBe(1);
});
