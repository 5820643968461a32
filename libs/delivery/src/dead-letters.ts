import { createHash } from 'node:crypto';
import type { DeferredRow } from './retry-queue.ts';
import type { ReceivedEvent } from './received-event.ts';

/** One thing in the event that will not be tried again by itself. */
export interface Failure {
  /** Where in the body: the JSON path of what could not be read. */
  readonly path?: string;
  /** Which route: the audience's key in the activation file. */
  readonly audience?: string;
  readonly changeId?: string;
  /**
   * The ledger rows that say so; absent when none was written. A replay tells them, also when the
   * event resolves to others: a row may be that of a former identity of the person. They hold
   * identities.
   */
  readonly rows?: readonly DeferredRow[];
  /** A sentence for a person; no identity, no attribute value, no secret. */
  readonly reason: string;
}

/**
 * An event, kept whole, with what failed in it: for all destinations when it could not be read,
 * else for one. Its body and its rows hold personal data; `shownOf` gives what may stand in lists
 * and logs.
 */
export interface DeadLetter {
  readonly event: ReceivedEvent;
  readonly outcome: 'unreadable' | 'rejected' | 'given-up';
  /** The destination's key; absent when the event could not be read. */
  readonly destination?: string;
  /**
   * A low-cardinality word by which letters are listed: a refusal's code, or the class of the
   * destination's error.
   */
  readonly class: string;
  readonly failures: readonly Failure[];
  /** How often the destination was tried; 0 when the event could not be read. */
  readonly attempts: number;
  /** When it was given up, in epoch milliseconds. */
  readonly givenUpAtMs: number;
}

/**
 * What of a letter holds no personal data: all but the body of its event and the rows of its
 * failures.
 */
export function shownOf({ event, failures, ...letter }: DeadLetter): object {
  const { body, ...position } = event;
  const shown = failures.map(({ path, audience, changeId, reason }) => ({ path, audience, changeId, reason }));
  return { ...letter, ...position, bodyBytes: body.byteLength, failures: shown };
}

/** For how long after the hub took its event a letter is kept, and may be replayed. */
export const deadLetterKeepMs = 90 * 86_400_000;

/**
 * Where dead letters are kept for a person. `put` resolves when all letters are durable, and throws
 * when one may not be; it keeps none when one could not be read again (`refuseUnkeepableLetter`).
 * The same letter put twice, as a repeated batch does, is kept once: its name comes from
 * `deadLetterName`.
 */
export interface DeadLetters {
  put(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void>;
  /**
   * Names in code-unit order, which is by day first; only those that begin with `prefix`. Later
   * letters may be missed.
   */
  names(prefix: string, signal: AbortSignal): AsyncIterable<string>;
  /**
   * The letter as it was put; undefined when there is none of that name (any more). Throws
   * `UnreadableDocumentError`.
   */
  read(name: string, signal: AbortSignal): Promise<DeadLetter | undefined>;
  /** Resolves when the letter is gone, also when another process removed it. */
  remove(name: string, signal: AbortSignal): Promise<void>;
  /**
   * Rewrites the letter of that name, which it keeps: `edited` is given the letter as it is, and
   * again when it was written meanwhile, so that two edits never undo each other. When it gives the
   * same letter nothing is written; when it gives undefined the letter is removed. Resolves too
   * when there is none of that name. Throws `UnreadableDocumentError`.
   */
  edit(name: string, edited: (letter: DeadLetter) => DeadLetter | undefined, signal: AbortSignal): Promise<void>;
}

/**
 * Stands for the destination in the name of a letter that concerns them all; no destination can be
 * called so.
 */
export const noDestination = '_event';

/**
 * `2026-01-31/crm/invalid/0-4711-5f1c0a9e2b7d4c13`: the day on which the hub took the event (UTC),
 * the destination, the class, partition and sequence number, and a digest of the body and of what
 * failed in it. Deterministic, so that a repetition overwrites itself; a later failure of another
 * part of the same event is a letter of its own. The body counts because an event without metadata
 * of the trigger has no number of its own, and because a hub that is made anew counts from 0 again.
 */
export function deadLetterName(letter: DeadLetter): string {
  const { partitionId, sequenceNumber, enqueuedAtMs, body } = letter.event;
  const failed = letter.failures.map(({ audience = '', path = '', changeId = '' }) =>
    JSON.stringify([audience, path, changeId]),
  );
  const digest = createHash('sha256').update(failed.sort().join('\n')).update('\n').update(body).digest('hex');
  const event = `${encodeURIComponent(partitionId.toWellFormed())}-${sequenceNumber}-${digest.slice(0, digestCharacters)}`;
  return `${dayOf(enqueuedAtMs)}/${letter.destination ?? noDestination}/${letter.class}/${event}`;
}

/** The day (UTC) by which letters are named, such as `2026-01-31`. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** 64 bits: events without a number of their own are many of one name. */
const digestCharacters = 16;
