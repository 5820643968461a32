import { setTimeout as sleep } from 'node:timers/promises';
import type { Outage, ReceiverKind } from './receivers.ts';

/** A retry that waits. */
export interface WaitingRetry {
  readonly receiver: string;
  readonly firstDeferredAtMs: number;
}

/** How long it took after an outage until the last of what had waited for the receiver was told. */
export interface Recovery {
  readonly receiver: ReceiverKind;
  readonly outageSeconds: number;
  /** Absent when the receiver failed again before. */
  readonly recoverySeconds?: number;
}

const lookEveryMs = 500;

/**
 * Measures recoveries: from the return of a receiver until no retry is left that was first deferred
 * by then. A retry that nothing makes due does not count: a host was killed between its blob and
 * its message, and its batch was told again.
 */
export class RecoveryWatch {
  readonly #waiting: () => Promise<readonly WaitingRetry[]>;
  readonly #now: () => number;
  readonly #open = new Map<ReceiverKind, { readonly outage: Outage; left: number; lastFellMs: number }>();
  readonly #recoveries: Recovery[] = [];
  readonly #ended = new AbortController();

  constructor(waiting: () => Promise<readonly WaitingRetry[]>, now: () => number = Date.now) {
    this.#waiting = waiting;
    this.#now = now;
  }

  /** The receiver answers again. */
  returned(outage: Outage): void {
    const before = this.#open.get(outage.kind);
    if (before !== undefined) this.#note(before.outage, undefined);
    this.#open.set(outage.kind, { outage, left: Infinity, lastFellMs: outage.endedMs });
  }

  /** Looks again and again, until `end`. */
  async watch(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.look();
      await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Looks what waits now, unless no recovery is under way. */
  async look(): Promise<void> {
    if (this.#open.size === 0) return;
    let waiting: readonly WaitingRetry[];
    try {
      waiting = await this.#waiting();
    } catch {
      // The storage may be stopped; the next look sees its state.
      return;
    }
    const nowMs = this.#now();
    for (const [kind, open] of this.#open) {
      const { endedMs } = open.outage;
      const left = waiting.filter((each) => each.receiver === kind && each.firstDeferredAtMs <= endedMs).length;
      if (left < open.left && open.left !== Infinity) open.lastFellMs = nowMs;
      open.left = left;
      if (left > 0) continue;
      this.#open.delete(kind);
      this.#note(open.outage, open.lastFellMs);
    }
  }

  /** Everything is drained: what has not fallen to nothing by now never waited. */
  end(): readonly Recovery[] {
    this.#ended.abort();
    for (const { outage, lastFellMs } of this.#open.values()) this.#note(outage, lastFellMs);
    this.#open.clear();
    return this.#recoveries;
  }

  #note({ kind, beganMs, endedMs }: Outage, toldMs: number | undefined): void {
    const seconds = (ms: number): number => Math.round(ms / 100) / 10;
    const recovery = { receiver: kind, outageSeconds: seconds(endedMs - beganMs) };
    this.#recoveries.push(
      toldMs === undefined ? recovery : { ...recovery, recoverySeconds: seconds(toldMs - endedMs) },
    );
  }
}
