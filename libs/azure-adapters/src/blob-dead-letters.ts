import type { ContainerClient } from '@azure/storage-blob';
import { deadLetterName, refuseUnkeepableLetter, type DeadLetter, type DeadLetters } from '@activation-hub/delivery';
import { downloadDocument, editDocument, type DocumentPlace } from './blob-documents.ts';
import { readDeadLetter, writeDeadLetter } from './dead-letter-document.ts';
import { inParallel } from './in-parallel.ts';
import { callStore, type Store } from './store-call.ts';
import { storePages } from './store-pages.ts';

export interface BlobDeadLettersOptions {
  /** How many uploads one call keeps under way; 8 by default. */
  readonly concurrencyMax?: number;
  /** How long one operation may take, its retries included, in milliseconds; 15,000 by default. */
  readonly operationTimeoutMs?: number;
}

const extension = '.json';

/**
 * Dead letters as blobs, one per letter: `2026-01-31/crm/invalid/0-4711-5f1c0a9e2b7d4c13.json`,
 * JSON with the event's own bytes in base64. A repeated letter overwrites its blob. Failures of the
 * store are thrown as `StoreFailure`.
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

  /**
   * Makes the container when it is missing. The app calls it once at its start; no other method
   * makes it.
   */
  async createContainer(signal: AbortSignal): Promise<void> {
    await callStore(this.#store, 'create the dead-letter container', signal, (abortSignal) =>
      this.#container.createIfNotExists({ abortSignal }),
    );
  }

  async put(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void> {
    for (const letter of letters) refuseUnkeepableLetter(letter);
    await inParallel(letters, this.#concurrencyMax, signal, (letter, uploadSignal) =>
      this.#upload(deadLetterName(letter), letter, {}, uploadSignal),
    );
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

  async read(name: string, signal: AbortSignal): Promise<DeadLetter | undefined> {
    const place = this.#placeOf(name);
    const stored = await downloadDocument(place, signal);
    return stored && readDeadLetter(stored.bytes, place.blob.name);
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const blob = this.#container.getBlobClient(name + extension);
    await callStore(this.#store, 'remove a dead letter', signal, (abortSignal) => blob.deleteIfExists({ abortSignal }));
  }

  async edit(name: string, edited: (letter: DeadLetter) => DeadLetter | undefined, signal: AbortSignal): Promise<void> {
    const place = this.#placeOf(name);
    const edit: Parameters<typeof editDocument>[1] = (bytes) => {
      const letter = readDeadLetter(bytes, place.blob.name);
      const next = edited(letter);
      if (next === undefined) return 'remove';
      if (next === letter) return undefined;
      refuseUnkeepableLetter(next);
      return (conditions) => this.#upload(name, next, conditions, signal);
    };
    await editDocument(place, edit, signal);
  }

  #placeOf(name: string): DocumentPlace {
    return {
      kind: 'dead letter',
      blob: this.#container.getBlockBlobClient(name + extension),
      store: this.#store,
    };
  }

  async #upload(
    name: string,
    letter: DeadLetter,
    conditions: { readonly ifMatch?: string },
    signal: AbortSignal,
  ): Promise<void> {
    const document = writeDeadLetter(letter);
    const { blob } = this.#placeOf(name);
    await callStore(this.#store, 'keep a dead letter', signal, (abortSignal) =>
      blob.upload(document, document.byteLength, {
        abortSignal,
        conditions,
        blobHTTPHeaders: { blobContentType: 'application/json' },
      }),
    );
  }
}
