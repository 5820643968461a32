/** Time and chance, as an argument, so that what waits can be tried without waiting. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after that time, or at once when the signal is aborted; never rejects. */
  readonly sleep: (durationMs: number, signal: AbortSignal) => Promise<void>;
  /** From 0 inclusive to 1 exclusive. */
  readonly random: () => number;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: (durationMs, signal) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    if (signal.aborted) return Promise.resolve();
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve(undefined);
    };
    const timer = setTimeout(wake, durationMs);
    signal.addEventListener('abort', wake);
    return promise;
  },
  random: Math.random,
};
