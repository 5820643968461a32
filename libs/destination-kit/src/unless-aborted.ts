import { DestinationError } from './verdict.ts';

/**
 * Waits for work that others may wait for too, until the signal is aborted: then it throws a
 * `DestinationError` without doubt and the work goes on. Only for work that sends no change. It
 * does not begin when the signal is aborted already.
 */
export async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = (): DestinationError =>
    new DestinationError('transient', 'Failed to prepare the request: it was stopped before. It is tried again later.');
  if (signal.aborted) throw stopped();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(stopped());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
