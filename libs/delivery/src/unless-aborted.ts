import { DestinationError } from '@activation-hub/destination-kit';

/**
 * What the destination answers, unless the deadline comes: a connector that does not listen to the
 * signal is not waited for. Throws a `DestinationError` then, which says that the change is in
 * doubt.
 */
export async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: deadline, reject } = Promise.withResolvers<never>();
  const message = 'The destination had not answered by the deadline.';
  const giveUp = (): void => reject(new DestinationError('transient', message, { doubt: 'unanswered' }));
  // One that does listen knows better whether its request was sent, so its own error may come
  // first.
  const onAbort = (): void => void setImmediate(giveUp);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([answer, deadline]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
