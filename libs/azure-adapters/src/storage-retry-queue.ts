import { Readable } from 'node:stream';
import {
  isDue,
  isUnreadable,
  orUnreadable,
  readRetryMessage,
  refuseUnkeepableRetry,
  retryIdPattern,
  withoutNotBefore,
  writeRetryMessage,
  type Retry,
  type RetryPointer,
  type RetryQueue,
  type Unreadable,
  type WaitingRetry,
  type WakeOptions,
} from '@activation-hub/delivery';
import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import { downloadDocument, editDocument, type DocumentPlace } from './blob-documents.ts';
import { inParallel } from './in-parallel.ts';
import {
  readRetry,
  retryExtension,
  wakeable,
  writeRetry,
  writeRetryMetadata,
  type ScheduledRetry,
} from './retry-document.ts';
import { callStore, type Store } from './store-call.ts';
import { storePages } from './store-pages.ts';

export interface StorageRetryQueueOptions {
  /**
   * How many waiting retries are read at a time, in parallel; 4 by default, for one may have 100
   * MiB.
   */
  readonly concurrencyMax?: number;
  /** How many messages are sent at a time by one call, in parallel; 16 by default. */
  readonly messagesMax?: number;
  /** How long one operation may take, its retries included, in milliseconds; 15,000 by default. */
  readonly operationTimeoutMs?: number;
  /** The clock by which a retry is due, in epoch milliseconds; `Date.now` by default. */
  readonly now?: () => number;
}

/** So many removals that failed are remembered. */
const unremovedMax = 1_000;

/** "Put Message" of the Queue service: a message can be invisible for at most seven days. */
const invisibleSecondsMax = 7 * 86_400;

/**
 * The retry queue in Azure Storage. A retry is a blob, `<id>.jsonl` (`retry-document.ts`); its
 * message in the queue only points to it, so that a retry may be large, and may be erased while it
 * waits. The message is base64, as the trigger of the Functions host expects by default, never
 * expires, and is invisible until the retry is due.
 *
 * The blob says when it is due, and `read` goes by that. A message that comes earlier is sent again
 * for the time that remains, and gives nothing. It may come earlier because it can be invisible for
 * a week only, and because it is the message of an earlier `put` of the same retry, which need not
 * have been followed by a message of its own.
 *
 * The blob's metadata say whose retry it is and from when it may be woken, so that `wake` lists
 * blobs and reads none. Its messages say that they are woken; for those `read` goes by
 * `notBeforeMs`.
 *
 * The blob is written before the message, so that a message never points to a retry that is yet to
 * come. When `put` rejects in between, the retry waits and nothing makes it due: put it again.
 * `postpone` and `giveBack` send a message only. Lost replies and crashes can leave two messages
 * for one retry; its handler must be prepared for the other. Failures of the store are thrown as
 * `StoreFailure`.
 *
 * A blob without a message is one whose `put` was broken off between the two, or whose removal
 * failed. Nothing waits for either: the caller of such a `put` does its work again, and a retry is
 * removed when it is settled. A queue object remembers the removals that failed: it gives these
 * retries no more, and removes them with the next. `wake` and the nightly sweep make others due.
 */
export class StorageRetryQueue implements RetryQueue {
  readonly #container: ContainerClient;
  readonly #queue: QueueClient;
  readonly #blobStore: Store;
  readonly #queueStore: Store;
  readonly #concurrencyMax: number;
  readonly #messagesMax: number;
  readonly #now: () => number;
  /** Ids of retries whose removal failed. */
  readonly #unremoved = new Set<string>();

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
   * Makes the container and the queue where they are missing; the host makes the queue of poisonous
   * messages. The app calls it once at its start; no other method makes them.
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
    refuseUnkeepableRetry(retry, dueAtMs);
    this.#unremoved.delete(retry.id);
    await this.#upload({ retry, dueAtMs }, {}, signal);
    await this.postpone(retry, dueAtMs, signal);
  }

  async read(message: string, signal: AbortSignal, waitMaxMs?: number): Promise<Retry | undefined> {
    const pointer = readRetryMessage(message);
    if (this.#unremoved.has(pointer.id)) {
      await this.remove(pointer.id, signal);
      return undefined;
    }
    const scheduled = await this.#read(this.#placeOf(pointer.id), signal);
    if (scheduled === undefined) return undefined;
    if (isDue(scheduled, pointer, { nowMs: this.#now(), waitMaxMs })) return scheduled.retry;
    await this.postpone(pointer, scheduled.dueAtMs, signal);
    return undefined;
  }

  async postpone(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void> {
    if (pointer.isWoken !== true) await this.giveBack(pointer, dueAtMs, signal);
  }

  async giveBack(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void> {
    await this.#send(pointer, dueAtMs, signal);
  }

  async wake(destination: string, { nowMs, everyMs, signal }: WakeOptions): Promise<number> {
    const woken: RetryPointer[] = [];
    const pages = storePages(this.#blobStore, 'list the retries', signal, (abortSignal) =>
      this.#container.listBlobsFlat({ includeMetadata: true, abortSignal }),
    );
    for await (const { segment } of pages) {
      for (const { metadata } of segment.blobItems) {
        const pointer = wakeable(metadata, destination, nowMs);
        if (pointer !== undefined && !this.#unremoved.has(pointer.id)) woken.push(pointer);
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

  /**
   * About how many messages are in the queue, those that are not due yet included, as the Queue
   * service counts them.
   */
  async approximateMessagesCount(signal: AbortSignal): Promise<number> {
    const properties = await callStore(this.#queueStore, 'count the retry messages', signal, (abortSignal) =>
      this.#queue.getProperties({ abortSignal }),
    );
    return properties.approximateMessagesCount ?? 0;
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#removeBlob(id, signal);
    } catch (error) {
      if (this.#unremoved.size < unremovedMax) this.#unremoved.add(id);
      throw error;
    }
    const before = [...this.#unremoved];
    this.#unremoved.clear();
    // Once more and no more: one that the store keeps for good must not be in the way of others.
    const again = inParallel(before, this.#concurrencyMax, signal, (each, removeSignal) =>
      Promise.allSettled([this.#removeBlob(each, removeSignal)]),
    );
    await Promise.allSettled([again]);
  }

  async #removeBlob(id: string, signal: AbortSignal): Promise<void> {
    const { blob } = this.#placeOf(id);
    await callStore(this.#blobStore, 'remove a retry', signal, (abortSignal) => blob.deleteIfExists({ abortSignal }));
  }

  async *waiting(signal: AbortSignal): AsyncGenerator<WaitingRetry | Unreadable, void> {
    const pages = storePages(this.#blobStore, 'list the retries', signal, (abortSignal) =>
      this.#container.listBlobsFlat({ abortSignal }),
    );
    for await (const { segment } of pages) {
      const names = segment.blobItems.map(({ name }) => name).filter((name) => name.endsWith(retryExtension));
      for (let start = 0; start < names.length; start += this.#concurrencyMax) {
        const group = names.slice(start, start + this.#concurrencyMax);
        const found = await inParallel(group, group.length, signal, (name, readSignal) =>
          orUnreadable(this.#read(this.#placeAt(name), readSignal)),
        );
        for (const scheduled of found) {
          signal.throwIfAborted();
          // It was removed since it was listed.
          if (scheduled === undefined) continue;
          yield isUnreadable(scheduled) ? scheduled : { ...scheduled.retry, dueAtMs: scheduled.dueAtMs };
        }
      }
    }
  }

  async edit(id: string, edited: (retry: Retry) => Retry | undefined, signal: AbortSignal): Promise<void> {
    await this.#edit(
      id,
      ({ retry, dueAtMs }) => {
        const next = edited(retry);
        return next === undefined ? 'remove' : next === retry ? undefined : { retry: next, dueAtMs };
      },
      signal,
    );
  }

  async reschedule(id: string, dueAtMs: number, signal: AbortSignal): Promise<void> {
    let pointer: RetryPointer | undefined;
    await this.#edit(
      id,
      ({ retry }) => {
        pointer = retry;
        return { retry: withoutNotBefore(retry), dueAtMs };
      },
      signal,
    );
    if (pointer !== undefined) await this.postpone(pointer, dueAtMs, signal);
  }

  async #edit(
    id: string,
    edited: (scheduled: ScheduledRetry) => ScheduledRetry | 'remove' | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const place = this.#placeOf(id);
    const edit: Parameters<typeof editDocument>[1] = (bytes) => {
      const next = edited(readRetry(bytes, place.blob.name));
      if (next === undefined || next === 'remove') return next;
      refuseUnkeepableRetry(next.retry, next.dueAtMs);
      return (conditions) => this.#upload(next, conditions, signal);
    };
    await editDocument(place, edit, signal);
  }

  #placeOf(id: string): DocumentPlace {
    if (!retryIdPattern.test(id))
      throw new Error('Failed to find the blob of a retry: its id is not of 1 to 64 letters, digits and hyphens.');
    return this.#placeAt(id + retryExtension);
  }

  #placeAt(blobName: string): DocumentPlace {
    return { kind: 'retry', blob: this.#container.getBlockBlobClient(blobName), store: this.#blobStore };
  }

  async #upload(
    scheduled: ScheduledRetry,
    conditions: { readonly ifMatch?: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { blob } = this.#placeOf(scheduled.retry.id);
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

  async #read(place: DocumentPlace, signal: AbortSignal): Promise<ScheduledRetry | undefined> {
    const stored = await downloadDocument(place, signal);
    return stored && readRetry(stored.bytes, place.blob.name);
  }
}
