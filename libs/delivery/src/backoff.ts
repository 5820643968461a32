/** How waits grow from attempt to attempt. */
export interface Backoff {
  /** The longest that the first wait can be. */
  readonly baseMs: number;
  /** The longest that any wait can be. */
  readonly maxMs: number;
}

/**
 * A wait with full jitter: anything from nothing to `baseMs` doubled with every attempt, up to
 * `maxMs`. `attempts` counts what was tried so far, from 1. Source: M. Brooker, "Exponential
 * Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs({ baseMs, maxMs }: Backoff, attempts: number, random: () => number): number {
  return Math.round(random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempts - 1, 40)));
}
