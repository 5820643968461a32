import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  mayBeWoken,
  readRetryMessage,
  retryIdPattern,
  writeRetryMessage,
  type Retry,
  type RetryPointer,
  type RetryQueue,
  type WakeOptions,
} from '@activation-hub/delivery';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import { inParallel } from './in-parallel.ts';
import { readRetry, wakeable, writeRetry, writeRetryMetadata, type ScheduledRetry } from './retry-document.ts';
import { callStore, StoreFailure, type Store } from './store-call.ts';
import { storePages } from './store-pages.ts';

export interface StorageRetryQueueOptions {
  /** How many waiting retries are read at a time, in parallel; 4 by default, for one may have 100 MiB. */
  readonly concurrencyMax?: number;
  /** How many messages are sent at a time by one call, in parallel; 16 by default. */
  readonly messagesMax?: number;
  /** How long one operation may take, its retries included, in milliseconds; 15,000 by default. */
  readonly operationTimeoutMs?: number;
  /** The clock by which a retry is due, in epoch milliseconds; `Date.now` by default. */
  readonly now?: () => number;
}

const extension = '.jsonl';
/** "Put Message" of the Queue service: a message can be invisible for at most seven days. */
const invisibleSecondsMax = 7 * 86_400;

/**
 * The retry queue in Azure Storage. A retry is a blob, `<id>.jsonl` (`retry-document.ts`); its message in the queue only
 * points to it, so that a retry may be large, and may be erased while it waits. The message is base64, as the trigger of
 * the Functions host expects by default, never expires, and is invisible until the retry is due.
 *
 * The blob says when it is due, and `read` goes by that. A message that comes earlier is sent again for the time that
 * remains, and gives nothing. It may come earlier because it can be invisible for a week only, and because it is the
 * message of an earlier `put` of the same retry, which need not have been followed by a message of its own.
 *
 * The blob's metadata say whose retry it is and from when it may be woken, so that `wake` lists blobs and reads none. Its messages
 * say that they are woken; for those `read` goes by `notBeforeMs`.
 *
 * The blob is written before the message, so that a message never points to a retry that is yet to come. When `put`
 * rejects in between, the retry waits and nothing makes it due: put it again. `postpone` sends a message only. Lost replies and crashes can leave two
 * messages for one retry, never none; whoever handles one must be prepared for the other. Failures of the store are
 * thrown as `StoreFailure`.
 */
export class StorageRetryQueue implements RetryQueue {
  readonly #container: ContainerClient;
  readonly #queue: QueueClient;
  readonly #blobStore: Store;
  readonly #queueStore: Store;
  readonly #concurrencyMax: number;
  readonly #messagesMax: number;
  readonly #now: () => number;

  constructor(container: ContainerClient, queue: QueueClient, options: StorageRetryQueueOptions = {}) {
    const { operationTimeoutMs = 15_000 } = options;
    this.#container = container;
    this.#queue = queue;
    this.#blobStore = { name: 'blob store', url: container.url, operationTimeoutMs };
    this.#queueStore = { name: 'queue store', url: queue.url, operationTimeoutMs };
    this.#concurrencyMax = options.concurrencyMax ?? 4;
    this.#messagesMax = options.messagesMax ?? 16;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Makes the container and the queue where they are missing; the host makes the queue of poisonous messages. The app calls
   * it once at its start; no other method makes them.
   */
  async createStores(signal: AbortSignal): Promise<void> {
    await callStore(this.#blobStore, 'create the container of the retries', signal, (abortSignal) =>
      this.#container.createIfNotExists({ abortSignal }),
    );
    await callStore(this.#queueStore, 'create the retry queue', signal, (abortSignal) =>
      this.#queue.createIfNotExists({ abortSignal }),
    );
  }

  async put(retry: Retry, dueAtMs: number, signal: AbortSignal): Promise<void> {
    await this.#upload({ retry, dueAtMs }, {}, signal);
    await this.postpone(retry, dueAtMs, signal);
  }

  async read(message: string, signal: AbortSignal): Promise<Retry | undefined> {
    const pointer = readRetryMessage(message);
    const scheduled = await this.#download(this.#blobOf(pointer.id), signal);
    if (scheduled === undefined) return undefined;
    const { retry, dueAtMs } = scheduled;
    const nowMs = this.#now();
    if (dueAtMs <= nowMs || (pointer.isWoken === true && mayBeWoken(retry, nowMs))) return retry;
    await this.postpone(pointer, dueAtMs, signal);
    return undefined;
  }

  async postpone(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void> {
    if (pointer.isWoken !== true) await this.#send(pointer, dueAtMs, signal);
  }

  async wake(destination: string, { nowMs, everyMs, signal }: WakeOptions): Promise<number> {
    const woken: RetryPointer[] = [];
    const pages = storePages(this.#blobStore, 'list the retries', signal, (abortSignal) =>
      this.#container.listBlobsFlat({ includeMetadata: true, abortSignal }),
    );
    for await (const { segment } of pages) {
      for (const { metadata } of segment.blobItems) {
        const pointer = wakeable(metadata, destination, nowMs);
        if (pointer !== undefined) woken.push(pointer);
      }
    }
    woken.sort((left, right) => right.firstDeferredAtMs - left.firstDeferredAtMs);
    await inParallel([...woken.entries()], this.#messagesMax, signal, ([index, pointer], sendSignal) =>
      this.#send({ ...pointer, isWoken: true }, nowMs + index * everyMs, sendSignal),
    );
    return woken.length;
  }

  async #send(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void> {
    const text = Buffer.from(writeRetryMessage(pointer)).toString('base64');
    const remainingSeconds = Math.ceil((dueAtMs - this.#now()) / 1_000);
    await callStore(this.#queueStore, 'send the message of a retry', signal, (abortSignal) =>
      this.#queue.sendMessage(text, {
        abortSignal,
        messageTimeToLive: -1,
        visibilityTimeout: Math.min(Math.max(remainingSeconds, 0), invisibleSecondsMax),
      }),
    );
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await callStore(this.#blobStore, 'remove a retry', signal, (abortSignal) =>
      this.#blobOf(id).deleteIfExists({ abortSignal }),
    );
  }

  async *waiting(signal: AbortSignal): AsyncGenerator<Retry, void> {
    const pages = storePages(this.#blobStore, 'list the retries', signal, (abortSignal) =>
      this.#container.listBlobsFlat({ abortSignal }),
    );
    for await (const { segment } of pages) {
      const names = segment.blobItems.map(({ name }) => name).filter((name) => name.endsWith(extension));
      for (let start = 0; start < names.length; start += this.#concurrencyMax) {
        const group = names.slice(start, start + this.#concurrencyMax);
        const found = await inParallel(group, group.length, signal, (name, readSignal) =>
          this.#download(this.#container.getBlockBlobClient(name), readSignal),
        );
        for (const scheduled of found) {
          signal.throwIfAborted();
          // It was removed since it was listed.
          if (scheduled !== undefined) yield scheduled.retry;
        }
      }
    }
  }

  async replace(retry: Retry, signal: AbortSignal): Promise<void> {
    const waiting = await this.#download(this.#blobOf(retry.id), signal);
    if (waiting === undefined) return;
    try {
      await this.#upload({ retry, dueAtMs: waiting.dueAtMs }, { ifMatch: '*' }, signal);
    } catch (error) {
      // Removed since it was read: it stays removed.
      if (!(error instanceof StoreFailure && error.statusCode === 412)) throw error;
    }
  }

  #blobOf(id: string): BlockBlobClient {
    // Another could not be read from its message, and would wait without end.
    if (!retryIdPattern.test(id))
      throw new Error('Failed to find the blob of a retry: its id is not of 1 to 64 letters, digits and hyphens.');
    return this.#container.getBlockBlobClient(id + extension);
  }

  async #upload(
    scheduled: ScheduledRetry,
    conditions: { readonly ifMatch?: string },
    signal: AbortSignal,
  ): Promise<void> {
    const blob = this.#blobOf(scheduled.retry.id);
    let bytes = 0;
    for (const line of writeRetry(scheduled)) bytes += line.byteLength;
    await callStore(this.#blobStore, 'keep a retry', signal, (abortSignal) =>
      blob.upload(() => Readable.from(writeRetry(scheduled)), bytes, {
        abortSignal,
        conditions,
        metadata: writeRetryMetadata(scheduled.retry),
        blobHTTPHeaders: { blobContentType: 'application/x-ndjson' },
      }),
    );
  }

  async #download(blob: BlockBlobClient, signal: AbortSignal): Promise<ScheduledRetry | undefined> {
    try {
      const bytes = await callStore(this.#blobStore, 'read a retry', signal, async (abortSignal) => {
        const { readableStreamBody } = await blob.download(0, undefined, { abortSignal });
        return readableStreamBody === undefined ? Buffer.alloc(0) : buffer(readableStreamBody);
      });
      return readRetry(bytes, blob.name);
    } catch (error) {
      if (error instanceof StoreFailure && error.statusCode === 404 && error.code !== 'ContainerNotFound')
        return undefined;
      throw error;
    }
  }
}
