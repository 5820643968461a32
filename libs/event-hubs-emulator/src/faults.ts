/** How much of the traffic a throttling refuses. */
export type Throttling = { readonly sends: number } | { readonly durationMs: number };

/** Where a delay applies; what is left out is not delayed. */
export interface Delays {
  /** Before an incoming batch is stored and acknowledged. */
  readonly sendMs?: number;
  /** Before events go to a reader. */
  readonly deliveryMs?: number;
}

/**
 * Trouble on purpose, for tests. Everything stays until it is used up, runs out, or `clear` is
 * called.
 */
export interface Faults {
  /**
   * Refuses the next sends, or all sends for a time by the emulator's clock, with
   * `com.microsoft:server-busy`.
   */
  throttle(throttling: Throttling): void;
  /** Slows sends and deliveries down until called again. Their order is kept. */
  delay(delays: Delays): void;
  /** Cuts every connection without a word; says how many there were. */
  dropConnections(): number;
  /** Ends throttling and delays. */
  clear(): void;
}

/** The faults as the links ask for them. */
export class InjectedFaults implements Faults {
  readonly #now: () => number;
  readonly #dropConnections: () => number;
  #throttledSends = 0;
  #throttledUntilMs = Number.NEGATIVE_INFINITY;
  #delays: Delays = {};

  constructor(now: () => number, dropConnections: () => number) {
    this.#now = now;
    this.#dropConnections = dropConnections;
  }

  throttle(throttling: Throttling): void {
    if ('sends' in throttling) this.#throttledSends = throttling.sends;
    else this.#throttledUntilMs = this.#now() + throttling.durationMs;
  }

  delay(delays: Delays): void {
    this.#delays = delays;
  }

  dropConnections(): number {
    return this.#dropConnections();
  }

  clear(): void {
    this.#throttledSends = 0;
    this.#throttledUntilMs = Number.NEGATIVE_INFINITY;
    this.#delays = {};
  }

  /** Whether the hub refuses this send; counts it. */
  takeThrottledSend(): boolean {
    if (this.#throttledSends > 0) {
      this.#throttledSends -= 1;
      return true;
    }
    return this.#now() < this.#throttledUntilMs;
  }

  get sendDelayMs(): number {
    return this.#delays.sendMs ?? 0;
  }

  get deliveryDelayMs(): number {
    return this.#delays.deliveryMs ?? 0;
  }
}
