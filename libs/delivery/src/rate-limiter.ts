import type { Clock } from './clock.ts';

/** How fast one credential may be used. */
export interface RateLimits {
  readonly requestsPerSecond: number;
  readonly concurrency: number;
}

/** How long a request waits for its place. */
export interface PlaceLimits {
  /** No longer than this for a time that the destination named, in epoch milliseconds. */
  readonly notAfterMs: number;
  /** The same for its place in the timetable; `notAfterMs` by default. */
  readonly pacedNotAfterMs?: number;
  /** Asked when the place comes: until when nothing is sent all the same, in epoch milliseconds. */
  readonly heldUntilMs?: () => number | undefined;
  readonly signal: AbortSignal;
}

/** While a probe is under way the others look again after so long. */
const probeMs = 1_000;
const laterMaxMs = 3_600_000;

/**
 * Paces the requests of one credential over all callers: at most `requestsPerSecond`, evenly, with
 * a burst of one second's worth; at most `concurrency` at once; none before the time that the
 * destination named, and then one, which shows whether the destination takes requests again, before
 * all others.
 *
 * Each request takes the next free place in a timetable (the "generic cell rate algorithm", ITU-T
 * I.371), so waiting costs no polling, and a caller knows before it waits that its place is too far
 * away.
 */
export class RateLimiter {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  readonly #concurrency: number;
  readonly #clock: Clock;
  /** When the timetable is free again, if requests had come evenly. */
  #freeAtMs = 0;
  #heldUntilMs = 0;
  /** The next time that `laterMs` gives. */
  #laterMs = 0;
  /** After a hold the next request is a probe. */
  #needsProbe = false;
  #isProbing = false;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limits: RateLimits, clock: Clock) {
    this.#intervalMs = 1_000 / limits.requestsPerSecond;
    this.#burstMs = Math.max(0, 1_000 - this.#intervalMs);
    this.#concurrency = limits.concurrency;
    this.#clock = clock;
  }

  /**
   * Lets no request through before this time, in epoch milliseconds. An earlier time than the one
   * already set changes nothing.
   */
  holdUntil(timeMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, timeMs);
    this.#needsProbe = true;
  }

  /** When the next request could go, in epoch milliseconds; in the past when at once. */
  get earliestMs(): number {
    return Math.max(this.#heldMs, this.#placeMs);
  }

  /** Until when the destination takes nothing. */
  get #heldMs(): number {
    return Math.max(this.#heldUntilMs, this.#isProbing ? this.#clock.now() + probeMs : 0);
  }

  /** The next free place in the timetable. */
  get #placeMs(): number {
    return this.#freeAtMs - this.#burstMs;
  }

  /**
   * A time for a request that cannot wait now, in epoch milliseconds, after all that got one
   * before: what is deferred comes back one after the other, at the pace of the timetable, and not
   * all at once to wait again. An hour away at the most, unless the destination named a later time.
   */
  laterMs(): number {
    const nowMs = this.#clock.now();
    const laterMs = Math.max(this.earliestMs, nowMs, Math.min(this.#laterMs, nowMs + laterMaxMs));
    this.#laterMs = laterMs + this.#intervalMs;
    return laterMs;
  }

  /**
   * Waits for a place and runs `request`. When the place would come too late, or the signal is
   * aborted before it comes, the request is not run and the answer is `{ ran: false, earliestMs }`;
   * also when `heldUntilMs`, which is asked when the place comes, names a time.
   */
  async run<Result>(
    request: () => Promise<Result>,
    { notAfterMs, pacedNotAfterMs = notAfterMs, signal, heldUntilMs }: PlaceLimits,
  ): Promise<{ readonly ran: true; readonly result: Result } | { readonly ran: false; readonly earliestMs: number }> {
    await this.#takeSeat(signal);
    try {
      // A request that was throttled while this one waited holds all of them back again.
      for (;;) {
        const nowMs = this.#clock.now();
        const { earliestMs } = this;
        const isTooLate = this.#heldMs > notAfterMs || this.#placeMs > pacedNotAfterMs;
        if (isTooLate || signal.aborted) return { ran: false, earliestMs };
        if (earliestMs <= nowMs) break;
        await this.#clock.sleep(earliestMs - nowMs, signal);
      }
      const isBackAtMs = heldUntilMs?.();
      if (isBackAtMs !== undefined) return { ran: false, earliestMs: isBackAtMs };
      this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.now()) + this.#intervalMs;
      return { ran: true, result: await (this.#needsProbe ? this.#runProbe(request) : request()) };
    } finally {
      this.#leaveSeat();
    }
  }

  async #runProbe<Result>(request: () => Promise<Result>): Promise<Result> {
    // If it leads to another hold, there is another probe after that.
    this.#needsProbe = false;
    this.#isProbing = true;
    try {
      return await request();
    } finally {
      this.#isProbing = false;
    }
  }

  async #takeSeat(signal: AbortSignal): Promise<void> {
    // A request that comes too late is not run, and only finds that out: its signal aborts no wait.
    if (signal.aborted || this.#underWay < this.#concurrency) {
      this.#underWay += 1;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    this.#waiting.push(wake);
    signal.addEventListener('abort', wake);
    await promise;
    signal.removeEventListener('abort', wake);
    const index = this.#waiting.indexOf(wake);
    // An aborted caller was given no seat: it takes one for the moment in which it finds that out.
    if (index >= 0) {
      this.#waiting.splice(index, 1);
      this.#underWay += 1;
    }
  }

  /** The seat goes to the caller that waits longest, or becomes free. */
  #leaveSeat(): void {
    const next = this.#underWay > this.#concurrency ? undefined : this.#waiting.shift();
    if (next === undefined) this.#underWay -= 1;
    else next();
  }
}
