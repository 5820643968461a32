import { buffer } from 'node:stream/consumers';
import type { ContainerClient } from '@azure/storage-blob';
import { deadLetterName, type DeadLetter, type DeadLetters } from '@activation-hub/delivery';
import { readDeadLetter, writeDeadLetter } from './dead-letter-document.ts';
import { inParallel } from './in-parallel.ts';
import { callStore, StoreFailure, type Store } from './store-call.ts';
import { storePages } from './store-pages.ts';

export interface BlobDeadLettersOptions {
  /** How many uploads one call keeps under way; 8 by default. */
  readonly concurrencyMax?: number;
  /** How long one operation may take, its retries included, in milliseconds; 15,000 by default. */
  readonly operationTimeoutMs?: number;
}

const extension = '.json';

/**
 * Dead letters as blobs, one per letter: `2026-01-31/crm/invalid/0-4711-5f1c0a9e.json`, JSON with the event's own bytes in base64.
 * A repeated letter overwrites its blob. Failures of the store are thrown as `StoreFailure`.
 */
export class BlobDeadLetters implements DeadLetters {
  readonly #container: ContainerClient;
  readonly #store: Store;
  readonly #concurrencyMax: number;

  constructor(container: ContainerClient, options: BlobDeadLettersOptions = {}) {
    this.#container = container;
    this.#store = { name: 'blob store', url: container.url, operationTimeoutMs: options.operationTimeoutMs ?? 15_000 };
    this.#concurrencyMax = options.concurrencyMax ?? 8;
  }

  /** Makes the container when it is missing. The app calls it once at its start; no other method makes it. */
  async createContainer(signal: AbortSignal): Promise<void> {
    await callStore(this.#store, 'create the dead-letter container', signal, (abortSignal) =>
      this.#container.createIfNotExists({ abortSignal }),
    );
  }

  async put(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void> {
    await inParallel(letters, this.#concurrencyMax, signal, async (letter, uploadSignal) => {
      const blob = this.#container.getBlockBlobClient(deadLetterName(letter) + extension);
      const document = writeDeadLetter(letter);
      await callStore(this.#store, 'keep a dead letter', uploadSignal, (abortSignal) =>
        blob.upload(document, document.byteLength, {
          abortSignal,
          blobHTTPHeaders: { blobContentType: 'application/json' },
        }),
      );
    });
  }

  async *names(prefix: string, signal: AbortSignal): AsyncGenerator<string, void> {
    const pages = storePages(this.#store, 'list the dead letters', signal, (abortSignal) =>
      this.#container.listBlobsFlat({ prefix, abortSignal }),
    );
    for await (const { segment } of pages) {
      for (const { name: blobName } of segment.blobItems) {
        signal.throwIfAborted();
        const name = blobName.slice(0, -extension.length);
        if (blobName.endsWith(extension) && name.startsWith(prefix)) yield name;
      }
    }
  }

  /** The letter of that name; `undefined` when there is none. Throws too when the blob was changed into something else. */
  async read(name: string, signal: AbortSignal): Promise<DeadLetter | undefined> {
    const blob = this.#container.getBlockBlobClient(name + extension);
    try {
      const bytes = await callStore(this.#store, 'read a dead letter', signal, async (abortSignal) => {
        const { readableStreamBody } = await blob.download(0, undefined, { abortSignal });
        return readableStreamBody === undefined ? Buffer.alloc(0) : buffer(readableStreamBody);
      });
      return readDeadLetter(bytes, blob.name);
    } catch (error) {
      if (error instanceof StoreFailure && error.statusCode === 404 && error.code !== 'ContainerNotFound')
        return undefined;
      throw error;
    }
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const blob = this.#container.getBlobClient(name + extension);
    await callStore(this.#store, 'remove a dead letter', signal, (abortSignal) => blob.deleteIfExists({ abortSignal }));
  }
}
