import type { Retry } from '@activation-hub/delivery';

/**
 * So many retries are in work at once: with no more messages than these at work, the
 * `newBatchThreshold` of `host.json`, the host fetches others, which are given back if need be.
 */
export const retriesAtOnce = 12;
/** What is given back comes again after so long at the least, and with so much between two. */
const againAfterMs = 1_000;
const againEveryMs = 100;
/** And after so long at the most. */
const againMaxMs = 3_600_000;

/**
 * The retries on which this process works now. All destinations share them, so that the retries of
 * one that is slow, or hangs, must not be all of them.
 */
export class RetriesInWork {
  readonly #byId = new Map<string, { readonly destination: string; readonly found: Promise<Retry | undefined> }>();
  #lastAgainMs = -Infinity;

  /** The retry as its message found it, when it is in work. */
  found(id: string): Promise<Retry | undefined> | undefined {
    return this.#byId.get(id)?.found;
  }

  /**
   * Begins one of this destination, whatever `mayBegin` says. The caller ends it, however it ends.
   */
  begin(id: string, destination: string, found: Promise<Retry | undefined>): void {
    this.#byId.set(id, { destination, found });
  }

  end(id: string): void {
    this.#byId.delete(id);
  }

  /** Whether a destination has less than half of what the others leave of a process. */
  mayBegin(destination: string): boolean {
    const own = [...this.#byId.values()].filter((each) => each.destination === destination).length;
    const left = retriesAtOnce - (this.#byId.size - own);
    return own < left / 2;
  }

  /**
   * When a message comes again that may not begin now, in epoch milliseconds: one after the other,
   * so that those that are given back do not hold up the others by their number.
   */
  againAtMs(nowMs: number): number {
    this.#lastAgainMs = Math.max(nowMs + againAfterMs, Math.min(this.#lastAgainMs + againEveryMs, nowMs + againMaxMs));
    return this.#lastAgainMs;
  }
}
