import { setTimeout as wait } from 'node:timers/promises';

/** Time and chance, as arguments. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * Resolves after so many milliseconds; rejects with the signal's reason as soon as that is
   * aborted.
   */
  readonly sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>;
  /** At least 0, less than 1. */
  readonly random: () => number;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: async (delayMs, signal) => {
    try {
      await wait(delayMs, undefined, { ...(signal === undefined ? {} : { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  random: Math.random,
};

export interface RetryLimits {
  /** Of one request, the first included. Default 6. */
  readonly attemptsMax: number;
  /** From the call to its end, all attempts and waits included. Default 120,000. */
  readonly deadlineMs: number;
  /** The wait before the second attempt is between 0 and this; it doubles. Default 500. */
  readonly firstDelayMs: number;
  /** What the wait grows to. Default 20,000. */
  readonly delayMaxMs: number;
}

export const defaultRetryLimits: RetryLimits = {
  attemptsMax: 6,
  deadlineMs: 120_000,
  firstDelayMs: 500,
  delayMaxMs: 20_000,
};

/** Full jitter: anything between nothing and the doubled delay. */
export function backoffMs(attempt: number, limits: RetryLimits, random: () => number): number {
  return random() * Math.min(limits.delayMaxMs, limits.firstDelayMs * 2 ** (attempt - 1));
}

/**
 * `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), as milliseconds from now; `undefined`
 * for anything else.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
