export interface Fault {
  /** Default: any. */
  readonly method?: string;
  /** Only requests whose path contains this, as `/flows`. Default: any. */
  readonly path?: string;
  /** Answer so instead of doing it. */
  readonly status?: number;
  /** With `status`: sent as `Retry-After`, in seconds or as a date. */
  readonly retryAfter?: string;
  /**
   * `before`: the connection breaks and nothing was done; `after`: it was done, and the answer is
   * lost.
   */
  readonly lost?: 'before' | 'after';
  /** Wait so long before anything else. */
  readonly delayMs?: number;
  /** For so many requests. Default 1. */
  readonly times?: number;
}

/** What goes wrong on purpose. */
export interface Faults {
  /** The next requests that match are met by this fault; faults injected earlier come first. */
  inject(fault: Fault): void;
  /**
   * Does so many requests more, loses the answer of the last of them, and breaks every connection
   * from then on: for the client it is as if its own process had stopped there. 0 stops at once.
   */
  stopAfter(requests: number): void;
  clear(): void;
}

export class InjectedFaults implements Faults {
  #pending: { fault: Fault; left: number }[] = [];
  #requestsLeft: number | undefined;

  inject(fault: Fault): void {
    this.#pending.push({ fault, left: fault.times ?? 1 });
  }

  stopAfter(requests: number): void {
    this.#requestsLeft = requests;
  }

  clear(): void {
    this.#pending = [];
    this.#requestsLeft = undefined;
  }

  /** The fault that meets this request. */
  next(method: string, path: string): Fault | undefined {
    if (this.#requestsLeft !== undefined) {
      this.#requestsLeft--;
      if (this.#requestsLeft < 0) return { lost: 'before' };
      if (this.#requestsLeft === 0) return { lost: 'after' };
    }
    const found = this.#pending.find(
      ({ fault }) => (fault.method ?? method) === method && path.includes(fault.path ?? ''),
    );
    if (found === undefined) return undefined;
    found.left--;
    if (found.left === 0) this.#pending = this.#pending.filter((pending) => pending !== found);
    return found.fault;
  }
}
