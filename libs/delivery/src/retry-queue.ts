import type { ReceivedEvent } from './received-event.ts';
import type { Unreadable } from './unreadable-document.ts';

/** An event of which a part is retried. */
export interface DeferredEvent {
  readonly event: ReceivedEvent;
  /** Keys of the audiences of which the change is not settled. */
  readonly audiences: readonly string[];
  /**
   * The rows that came with this event, for which the retry is responsible. A replay looks at the
   * whole event besides.
   */
  readonly rows: readonly DeferredRow[];
}

/** The key of a ledger row, in the ledger's shape. */
export interface DeferredRow {
  readonly destination: string;
  readonly identity: { readonly namespace: string; readonly value: string };
  readonly audience: { readonly namespace: string; readonly id: string };
}

/**
 * Changes for one destination that are retried later. They are kept as the events from which they
 * come, so that they go the whole way again: with the activation file as it is then, and down to a
 * dead letter with the event's own bytes if need be. As many events as were deferred together are
 * tried together, in as few requests.
 */
export interface Retry {
  /** Names the retry; the store keeps one of each name. At most 64 characters of `[A-Za-z0-9-]`. */
  readonly id: string;
  /**
   * The first retry of the chain to which this one belongs; absent for the first. Deferred rows
   * name the chain, because what a retry cannot settle goes on in new ones, whichever process puts
   * them.
   */
  readonly chainId?: string;
  readonly destination: string;
  /**
   * With the ledger rows for which this retry is responsible: what it does not settle, no other
   * process does. May be empty, and then only `rows` say what is retried.
   */
  readonly events: readonly DeferredEvent[];
  /**
   * Further rows for which it is responsible, which are told from the ledger alone, as in a resync:
   * no event is at hand.
   */
  readonly rows: readonly DeferredRow[];
  /** How often the destination was tried. */
  readonly attempts: number;
  readonly firstDeferredAtMs: number;
  /**
   * No attempt may be made earlier, in epoch milliseconds: the destination named the time, or a
   * lease expires then. Without it the time at which the retry is due is only a backoff, and `wake`
   * may cut it short.
   */
  readonly notBeforeMs?: number;
  /** Class and reason of the last failure, as for dead letters. */
  readonly class: string;
  readonly reason: string;
  /** A person asked for it: what the destination refused before is tried again. */
  readonly isReplay: boolean;
  /** The last attempt had no answer: when its lease has expired, the changes are given up. */
  readonly givesUp?: boolean;
  /**
   * By change id: what the destination has accepted, and is asked for instead of being told it
   * again.
   */
  readonly receipts?: Readonly<Record<string, string>>;
  /**
   * W3C `traceparent` of where the chain's first retry was put, if that was exported: later
   * attempts are linked to it.
   */
  readonly traceParent?: string;
}

/**
 * A retry that waits, with the time at which it is due, in epoch milliseconds; `wake` may make it
 * due earlier.
 */
export interface WaitingRetry extends Retry {
  readonly dueAtMs: number;
}

/**
 * What a message says of the retry to which it points: enough to let it wait on without reading it.
 */
export interface RetryPointer extends Pick<Retry, 'id' | 'destination' | 'attempts' | 'firstDeferredAtMs'> {
  /**
   * This message was sent besides the one that `put` sent: by `wake`, before the retry is due, or
   * by the nightly sweep.
   */
  readonly isWoken?: true;
}

/**
 * Where retries wait. What waits is due at a time and then given to `on-retry-due` as a message; a
 * message is a pointer, and what it points to can be erased at any time. A retry may have several
 * messages: each finds it as it is by then, and nothing once it is gone.
 */
export interface RetryQueue {
  /**
   * Resolves when it is durable that the retry will be due at `dueAtMs`. A retry of the same id is
   * replaced. Throws before anything is kept when it could not be read again
   * (`refuseUnkeepableRetry`).
   */
  put(retry: Retry, dueAtMs: number, signal: AbortSignal): Promise<void>;
  /**
   * What a message points to; undefined when it is settled or erased, and when it is not due yet:
   * then it comes again. What is due later than `waitMaxMs` from now comes too, for no clock that
   * is right can have put it; without one, every time is believed. Throws `RetryMessageError` for
   * what is no message, and `UnreadableDocumentError` when the retry cannot be read: neither is
   * otherwise the next time.
   */
  read(message: string, signal: AbortSignal, waitMaxMs?: number): Promise<Retry | undefined>;
  /**
   * Resolves when it is durable that the message comes again at `dueAtMs`; what it points to is
   * neither read nor changed. A woken message does not come again, for the message of `put` still
   * does: however often a destination's circuit opens and closes, a retry has one message that
   * lasts.
   */
  postpone(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when it is durable that a message comes again at `dueAtMs`, also a woken one: it
   * stands for the one that was taken, so there are no more of them. What it points to is
   * neither read nor changed.
   */
  giveBack(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void>;
  /**
   * Makes the waiting retries of a destination due: one at once and one every `everyMs` after it,
   * the newest first, so that older states of the same rows come to a ledger that knows better.
   * Retries with receipts, and those of which `notBeforeMs` has not come, are left as they are.
   * Sends messages only; the retries themselves are neither read nor changed. Gives the number of
   * retries woken.
   */
  wake(destination: string, options: WakeOptions): Promise<number>;
  /** Resolves when the retry is gone, also when another process removed it. */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /**
   * Every retry that waits, for erasing or explaining a person and for counting; those put
   * meanwhile may be missed. One that cannot be read is passed over and told by its name.
   */
  waiting(signal: AbortSignal): AsyncIterable<WaitingRetry | Unreadable>;
  /**
   * Rewrites a retry that waits: `edited` is given it as it is, and again when it was written
   * meanwhile, so that two edits never undo each other. When it gives the same retry nothing is
   * written; when it gives undefined the retry is removed. When it is due stays as it is. Resolves
   * too when there is none of that id.
   */
  edit(id: string, edited: (retry: Retry) => Retry | undefined, signal: AbortSignal): Promise<void>;
  /**
   * Makes a waiting retry due at `dueAtMs`, whatever its `notBeforeMs` said; nothing else of it is
   * changed. Resolves too when there is none of that id.
   */
  reschedule(id: string, dueAtMs: number, signal: AbortSignal): Promise<void>;
}

export interface WakeOptions {
  readonly nowMs: number;
  /** The time between two retries, in milliseconds. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** Whether a message gives its retry at `nowMs`, by what `RetryQueue.read` promises. */
export function isDue(
  { retry, dueAtMs }: { readonly retry: Retry; readonly dueAtMs: number },
  { isWoken }: RetryPointer,
  { nowMs, waitMaxMs = Infinity }: { readonly nowMs: number; readonly waitMaxMs: number | undefined },
): boolean {
  return dueAtMs <= nowMs || dueAtMs > nowMs + waitMaxMs || (isWoken === true && mayBeWoken(retry, nowMs));
}

/** Whether `wake` may make a retry due at `nowMs`. */
export function mayBeWoken({ notBeforeMs = -Infinity, receipts }: Retry, nowMs: number): boolean {
  return receipts === undefined && notBeforeMs <= nowMs;
}

/** The retry as one that may come at any time. */
export function withoutNotBefore(retry: Retry): Retry {
  const free: { -readonly [Field in keyof Retry]: Retry[Field] } = { ...retry };
  delete free.notBeforeMs;
  return free;
}

/**
 * Every row for which a retry is responsible, with the event with which it came; a row that two
 * events brought comes twice.
 */
export function rowsOf({
  events,
  rows,
}: Pick<Retry, 'events' | 'rows'>): readonly { readonly row: DeferredRow; readonly from?: DeferredEvent }[] {
  return [...events.flatMap((from) => from.rows.map((row) => ({ row, from }))), ...rows.map((row) => ({ row }))];
}
