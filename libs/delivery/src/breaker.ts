import type { CircuitState } from '@activation-hub/telemetry';

/** When a breaker trips, and how long it stays so. */
export interface BreakerOptions {
  /** So many failures in a row open it. */
  readonly failuresToOpen: number;
  /** How long it stays open the first time; each failed probe doubles it. */
  readonly openMs: number;
  readonly openMaxMs: number;
  /**
   * How long after that only retries may send the probe, because no batch of new events waits for
   * them.
   */
  readonly graceMs: number;
}

/**
 * Whether a request may be sent: freely, as the one probe of a half-open breaker, or not before a
 * time.
 */
export type Admission =
  { readonly is: 'closed' } | { readonly is: 'probe' } | { readonly is: 'open'; readonly untilMs: number };

/** An operator keeps it open, until that time where one is given, in epoch milliseconds. */
export interface Hold {
  readonly untilMs?: number;
  /** To look at what would be told. */
  readonly isShadow?: true;
}

/**
 * Keeps requests away from a destination that fails. Closed at first; open after `failuresToOpen`
 * failures in a row; after a while half-open: one probe goes through, and its end closes the
 * breaker or opens it for twice as long.
 *
 * The caller reports how each admitted request ended, with `succeed` or `fail`, or with `release`
 * when it was not sent after all.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #failuresInRow = 0;
  #openings = 0;
  #openedAtMs = 0;
  #openUntilMs = 0;
  #isProbing = false;
  #isProbeDue = false;
  #lastReason: string | undefined;
  /** Until the first success of a process, what another one has left waiting is not known here. */
  #isRecovering = true;
  #hasRecovered = false;
  #hold: Hold | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  admit(nowMs: number): Admission {
    const heldUntilMs = this.#heldUntilMs(nowMs);
    if (heldUntilMs !== undefined) return { is: 'open', untilMs: heldUntilMs };
    if (this.#openings === 0) return { is: 'closed' };
    if (nowMs < this.#openUntilMs) return { is: 'open', untilMs: this.#openUntilMs };
    // While the probe is under way the others look again after the shortest time that it can stay
    // open.
    if (this.#isProbing) return { is: 'open', untilMs: nowMs + this.#options.openMs };
    this.#isProbing = true;
    return { is: 'probe' };
  }

  /**
   * Why it failed last, in the words of the failure; undefined when it has not. It stays with what
   * waits while the circuit is open.
   */
  get lastReason(): string | undefined {
    return this.#lastReason;
  }

  /** In which of its states it is. */
  state(nowMs: number): CircuitState {
    if (this.isHeld(nowMs)) return 'paused';
    if (this.isClosed(nowMs)) return 'closed';
    return this.openUntilMs(nowMs) === undefined ? 'half-open' : 'open';
  }

  /**
   * Whether every request is admitted: the circuit is neither open nor half-open, and no operator
   * holds it open.
   */
  isClosed(nowMs: number): boolean {
    return this.#openings === 0 && !this.isHeld(nowMs);
  }

  /**
   * Holds it open whatever requests do, so that nothing is told, or with undefined lets it go as it
   * was before.
   */
  hold(hold: Hold | undefined): void {
    this.#hold = hold;
  }

  /** Whether an operator holds it open. */
  isHeld(nowMs: number): boolean {
    return this.#heldUntilMs(nowMs) !== undefined;
  }

  /** Whether an operator holds it open to look at what would be told. */
  isInShadow(nowMs: number): boolean {
    return this.isHeld(nowMs) && this.#hold?.isShadow === true;
  }

  /**
   * When an operator's hold ends by itself, in epoch milliseconds; undefined without a hold, or
   * when it has no end.
   */
  get holdEndsAtMs(): number | undefined {
    return this.#hold?.untilMs;
  }

  /**
   * Lets one probe through at once when it is open, because a person says that the destination
   * answers again.
   */
  probeNow(nowMs: number): void {
    this.#openUntilMs = Math.min(this.#openUntilMs, nowMs);
  }

  /**
   * Another process has reached the destination: the circuit is open for the shortest time only,
   * however often it has opened, and then a probe is due anew.
   */
  hearAnswer(): void {
    const shortestMs = this.#openedAtMs + this.#options.openMs;
    if (this.#openUntilMs <= shortestMs) return;
    this.#openUntilMs = shortestMs;
    this.#isProbeDue = true;
  }

  /**
   * Until when no request is admitted, in epoch milliseconds; undefined when one may be. Reading it
   * admits none.
   */
  openUntilMs(nowMs: number): number | undefined {
    const heldUntilMs = this.#heldUntilMs(nowMs);
    if (heldUntilMs !== undefined) return heldUntilMs;
    return this.#openings > 0 && nowMs < this.#openUntilMs ? this.#openUntilMs : undefined;
  }

  /**
   * Until when new exports leave the destination to the retry queue, in epoch milliseconds;
   * undefined when they need not. That is longer than the circuit is open: a retry, for which no
   * partition waits, sends the probe.
   */
  leftToRetriesUntilMs(nowMs: number): number | undefined {
    const heldUntilMs = this.#heldUntilMs(nowMs);
    if (heldUntilMs !== undefined) return heldUntilMs;
    const isLeft = this.#openings > 0 && nowMs < this.#openUntilMs + this.#options.graceMs;
    return isLeft ? Math.max(nowMs, this.#openUntilMs) : undefined;
  }

  succeed(): void {
    this.#failuresInRow = 0;
    this.#openings = 0;
    this.#isProbing = false;
    this.#hasRecovered ||= this.#isRecovering;
    this.#isRecovering = false;
  }

  /**
   * True once after the circuit has closed, and once after the first success of this process: what
   * waits for the destination can be sent now.
   */
  takeRecovery(): boolean {
    const hasRecovered = this.#hasRecovered;
    this.#hasRecovered = false;
    return hasRecovered;
  }

  /** What waits was not woken after all: `takeRecovery` is true once more. */
  returnRecovery(): void {
    this.#hasRecovered = true;
  }

  /**
   * True once each time that the circuit opens: the caller makes sure that a request comes when it
   * may be half-open.
   */
  takeProbe(): boolean {
    const isProbeDue = this.#isProbeDue;
    this.#isProbeDue = false;
    return isProbeDue;
  }

  /** That could not be made sure of: `takeProbe` is true once more. */
  returnProbe(): void {
    this.#isProbeDue = true;
  }

  fail(nowMs: number, reason?: string): void {
    this.#lastReason = reason;
    this.#failuresInRow += 1;
    const wasProbe = this.#isProbing;
    this.#isProbing = false;
    if (this.#openings > 0 && !wasProbe) return;
    if (this.#openings === 0 && this.#failuresInRow < this.#options.failuresToOpen) return;
    this.#openings += 1;
    this.#openedAtMs = nowMs;
    this.#isRecovering = true;
    this.#isProbeDue = true;
    const openMs = Math.min(this.#options.openMaxMs, this.#options.openMs * 2 ** Math.min(this.#openings - 1, 40));
    this.#openUntilMs = nowMs + openMs;
  }

  /** The request of a probe was not sent: the next one is the probe. */
  release(): void {
    this.#isProbing = false;
  }

  /** When a held-up caller looks again: an operator may end the hold at any time. */
  #heldUntilMs(nowMs: number): number | undefined {
    if (this.#hold === undefined) return undefined;
    const { untilMs = Infinity } = this.#hold;
    return nowMs < untilMs ? Math.min(untilMs, nowMs + this.#options.openMaxMs) : undefined;
  }
}
