import { hash } from 'node:crypto';

/** An event as the hub gave it, kept until everything in it is settled. */
export interface ReceivedEvent {
  readonly body: Uint8Array;
  readonly partitionId: string;
  readonly sequenceNumber: number;
  readonly enqueuedAtMs: number;
}

/** One thing in the event that will not be tried again by itself. */
export interface Failure {
  /** Where in the body: the JSON path of what could not be read. */
  readonly path?: string;
  /** Which route: the audience's key in the activation file. */
  readonly audience?: string;
  readonly changeId?: string;
  /** A sentence for a person; no identity, no attribute value, no secret. */
  readonly reason: string;
}

/**
 * An event, kept whole, with what failed in it: for all destinations when it could not be read, else for one.
 * Everything but the body may be shown in lists.
 */
export interface DeadLetter {
  readonly event: ReceivedEvent;
  readonly outcome: 'unreadable' | 'rejected' | 'given-up';
  /** The destination's key; absent when the event could not be read. */
  readonly destination?: string;
  /** A low-cardinality word by which letters are listed: a refusal's code, or the class of the destination's error. */
  readonly class: string;
  readonly failures: readonly Failure[];
  /** How often the destination was tried; 0 when the event could not be read. */
  readonly attempts: number;
  /** When it was given up, in epoch milliseconds. */
  readonly givenUpAtMs: number;
}

/**
 * Where dead letters are kept for a person. `put` resolves when all letters are durable, and throws when one may not
 * be. The same letter put twice, as a repeated batch does, is kept once: its name comes from `deadLetterName`.
 */
export interface DeadLetters {
  put(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void>;
  /** Names in code-unit order, which is by day first; only those that begin with `prefix`. Later letters may be missed. */
  names(prefix: string, signal: AbortSignal): AsyncIterable<string>;
  /** The letter as it was put; undefined when there is none of that name (any more). */
  read(name: string, signal: AbortSignal): Promise<DeadLetter | undefined>;
  /** Resolves when the letter is gone, whoever removed it. */
  remove(name: string, signal: AbortSignal): Promise<void>;
}

/** Stands for the destination in the name of a letter that concerns them all; no destination can be called so. */
export const noDestination = '_event';

/**
 * `2026-01-31/crm/invalid/0-4711-5f1c0a9e`: the day on which the hub took the event (UTC), the destination, the class,
 * then partition and sequence number, which name the event, and a digest of what failed in it. Deterministic, so that a
 * repetition overwrites itself; a later failure of another part of the same event is a letter of its own.
 */
export function deadLetterName(letter: DeadLetter): string {
  const { event } = letter;
  const failed = letter.failures.map(
    ({ audience = '', path = '', changeId = '' }) => `${audience}\n${path}\n${changeId}`,
  );
  const digest = hash('sha256', failed.sort().join('\n\n'), 'hex').slice(0, 8);
  const day = new Date(event.enqueuedAtMs).toISOString().slice(0, 10);
  return `${day}/${letter.destination ?? noDestination}/${letter.class}/${event.partitionId}-${event.sequenceNumber}-${digest}`;
}

/** Dead letters that live as long as the process: for tests, benchmarks and dry runs. Unbounded. */
export class InMemoryDeadLetters implements DeadLetters {
  readonly #letters = new Map<string, DeadLetter>();

  /** By name. */
  get letters(): ReadonlyMap<string, DeadLetter> {
    return this.#letters;
  }

  put(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    for (const letter of letters) this.#letters.set(deadLetterName(letter), letter);
    return Promise.resolve();
  }

  async *names(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    for (const name of [...this.#letters.keys()].sort()) {
      signal.throwIfAborted();
      if (name.startsWith(prefix)) yield await Promise.resolve(name);
    }
  }

  read(name: string, signal: AbortSignal): Promise<DeadLetter | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return Promise.resolve(this.#letters.get(name));
  }

  remove(name: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#letters.delete(name);
    return Promise.resolve();
  }
}
