/**
 * Lets so many lines of each signal be written in a minute, at most as many of them at once. Shared
 * by all telemetry of a process.
 */
export class LineBudget {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #bySignal = new Map<string, { left: number; filledAtMs: number; leftOut: number }>();

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /**
   * How many lines of this signal were left out since the last that was written, when this one is;
   * undefined when it is left out too.
   */
  take(signal: string): number | undefined {
    const nowMs = this.#now();
    const known = this.#bySignal.get(signal) ?? { left: this.#perMinute, filledAtMs: nowMs, leftOut: 0 };
    this.#bySignal.set(signal, known);
    // A clock that was set back has let no time pass.
    const passedMs = Math.max(0, nowMs - known.filledAtMs);
    known.left = Math.min(this.#perMinute, known.left + (passedMs / 60_000) * this.#perMinute);
    known.filledAtMs = nowMs;
    if (known.left < 1) {
      known.leftOut += 1;
      return undefined;
    }
    const { leftOut } = known;
    known.left -= 1;
    known.leftOut = 0;
    return leftOut;
  }
}
