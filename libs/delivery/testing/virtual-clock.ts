import type { Clock } from '../src/clock.ts';

/**
 * A clock that stands still until a test advances it; sleepers wake in the order of their times.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #random: () => number;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];

  constructor(startMs: number, random: () => number = () => 0.5) {
    this.#nowMs = startMs;
    this.#random = random;
  }

  readonly now = (): number => this.#nowMs;
  readonly random = (): number => this.#random();

  readonly sleep = async (durationMs: number, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const sleeper = { atMs: this.#nowMs + durationMs, wake: () => resolve(undefined) };
    this.#sleepers.push(sleeper);
    signal.addEventListener('abort', sleeper.wake, { once: true });
    await promise;
    signal.removeEventListener('abort', sleeper.wake);
    this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
  };

  /** How many wait. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /** Lets that much time pass; what wakes runs until it waits again. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    for (;;) {
      await settleMicrotasks();
      const next = this.#sleepers
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((left, right) => left.atMs - right.atMs)[0];
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
    this.#nowMs = untilMs;
    await settleMicrotasks();
  }
}

/** Lets everything run that does not wait for time or for the network. */
function settleMicrotasks(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  setImmediate(() => resolve(undefined));
  return promise;
}
