import type { Clock } from '../src/index.ts';

/**
 * A clock that moves only when code sleeps, for the client and the stand-in alike, and chance from
 * a seed.
 */
export class VirtualTime implements Clock {
  nowMs = Date.parse('2026-01-11T21:24:39Z');
  /** Every sleep so far. */
  readonly sleptMs: number[] = [];
  #state: number;

  constructor(seed = 1) {
    this.#state = seed;
  }

  readonly now = () => this.nowMs;

  readonly sleep = async (delayMs: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    this.sleptMs.push(delayMs);
    this.nowMs += delayMs;
    await Promise.resolve();
  };

  /** A linear congruential generator (Numerical Recipes). */
  readonly random = () => {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  };
}
