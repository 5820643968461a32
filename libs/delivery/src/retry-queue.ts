import type { ReceivedEvent } from './dead-letters.ts';

/** An event of which a part is to be tried again. */
export interface DeferredEvent {
  readonly event: ReceivedEvent;
  /** Keys of the audiences of which the change is not settled. */
  readonly audiences: readonly string[];
}

/**
 * Changes for one destination that are to be tried again later. They are kept as the events from which they come, so
 * that they go the whole way again: with the activation file as it is then, and down to a dead letter with the event's
 * own bytes if need be. As many events as were deferred together are tried together, in as few requests.
 */
export interface Retry {
  /** Names the retry; the store keeps one of each name. At most 64 characters of `[A-Za-z0-9-]`. */
  readonly id: string;
  readonly destination: string;
  readonly events: readonly DeferredEvent[];
  /** How often the destination was tried. */
  readonly attempts: number;
  readonly firstDeferredAtMs: number;
  /** Class and reason of the last failure, as for dead letters. */
  readonly class: string;
  readonly reason: string;
  /** A person asked for it: what the destination refused before is tried again. */
  readonly isReplay: boolean;
  /** By change id: what the destination has accepted, and is asked for instead of being told it again. */
  readonly receipts?: Readonly<Record<string, string>>;
}

/** What a message says of the retry to which it points: enough to let it wait on without reading it. */
export type RetryPointer = Pick<Retry, 'id' | 'destination' | 'attempts' | 'firstDeferredAtMs'>;

/**
 * Where retries wait. What waits is due at a time and then given to `on-retry-due` as a message; a message is a pointer,
 * and what it points to can be erased at any time.
 */
export interface RetryQueue {
  /** Resolves when it is durable that the retry will be due at `dueAtMs`. A retry of the same id is replaced. */
  put(retry: Retry, dueAtMs: number, signal: AbortSignal): Promise<void>;
  /** What a message points to; undefined when it is settled or erased. Throws `RetryMessageError` for what is no message. */
  read(message: string, signal: AbortSignal): Promise<Retry | undefined>;
  /** Resolves when it is durable that the message comes again at `dueAtMs`; what it points to is neither read nor changed. */
  postpone(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void>;
  /** Resolves when the retry is gone, whoever removed it. */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** Every retry that waits, for erasing a person and for counting; those put meanwhile may be missed. */
  waiting(signal: AbortSignal): AsyncIterable<Retry>;
  /** Replaces what a waiting retry points to, when it still waits; when it is due stays as it is. */
  replace(retry: Retry, signal: AbortSignal): Promise<void>;
}

/** A queue message that this product did not write. */
export class RetryMessageError extends Error {
  override readonly name = 'RetryMessageError';
}

/** The message of a retry, as JSON. */
export function writeRetryMessage({ id, destination, attempts, firstDeferredAtMs }: RetryPointer): string {
  const firstDeferredAt = new Date(firstDeferredAtMs).toISOString();
  return JSON.stringify({ version: 1, retry: id, destination, attempts, firstDeferredAt });
}

/** What a message says. Throws `RetryMessageError` for what `writeRetryMessage` did not write. */
export function readRetryMessage(message: string): RetryPointer {
  const pointer = pointerOf(jsonOf(message));
  if (pointer !== undefined) return pointer;
  throw new RetryMessageError(
    'Failed to read the retry: the message is none of ours. Check what else writes to the queue.',
  );
}

function pointerOf(value: unknown): RetryPointer | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, retry, destination, attempts, firstDeferredAt } = value as Readonly<Record<string, unknown>>;
  if (version !== 1 || typeof retry !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(retry)) return undefined;
  if (typeof destination !== 'string' || typeof firstDeferredAt !== 'string') return undefined;
  const firstDeferredAtMs = Date.parse(firstDeferredAt);
  if (typeof attempts !== 'number' || !(attempts >= 0) || Number.isNaN(firstDeferredAtMs)) return undefined;
  return { id: retry, destination, attempts, firstDeferredAtMs };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Retries that wait as long as the process lives: for tests, benchmarks and dry runs. Unbounded. */
export class InMemoryRetryQueue implements RetryQueue {
  readonly #retries = new Map<string, Retry>();
  #messages: { readonly message: string; readonly dueAtMs: number }[] = [];

  put(retry: Retry, dueAtMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#retries.set(retry.id, retry);
    return this.postpone(retry, dueAtMs, signal);
  }

  postpone(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#messages.push({ message: writeRetryMessage(pointer), dueAtMs });
    return Promise.resolve();
  }

  async read(message: string, signal: AbortSignal): Promise<Retry | undefined> {
    signal.throwIfAborted();
    return await Promise.resolve(this.#retries.get(readRetryMessage(message).id));
  }

  remove(id: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#retries.delete(id);
    return Promise.resolve();
  }

  async *waiting(signal: AbortSignal): AsyncGenerator<Retry> {
    for (const retry of [...this.#retries.values()]) {
      signal.throwIfAborted();
      yield await Promise.resolve(retry);
    }
  }

  replace(retry: Retry, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#retries.has(retry.id)) this.#retries.set(retry.id, retry);
    return Promise.resolve();
  }

  /** Takes the messages that are due, as the trigger of the queue does. */
  takeDue(nowMs: number): readonly string[] {
    const due = this.#messages.filter(({ dueAtMs }) => dueAtMs <= nowMs);
    this.#messages = this.#messages.filter(({ dueAtMs }) => dueAtMs > nowMs);
    return due.map(({ message }) => message);
  }

  /** When the next message is due, in epoch milliseconds. */
  get nextDueAtMs(): number | undefined {
    return this.#messages.length === 0 ? undefined : Math.min(...this.#messages.map(({ dueAtMs }) => dueAtMs));
  }
}
