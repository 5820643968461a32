/**
 * Does the work with a signal that is aborted once the time is over, in milliseconds, for the
 * reason that `AbortSignal.timeout` gives. When the work ends, its timer ends: that of
 * `AbortSignal.timeout` stays until the time is over, with everything that listens to it. Gives,
 * and throws, what the work does.
 */
export async function withTimeLimit<Result>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
    limitMs,
  );
  timer.unref();
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
  }
}
