import type { Retry } from '@activation-hub/delivery';
import type { ActivationContext } from './activation-context.ts';

/**
 * Removes a retry of which everything is settled. One that the store does not remove is reported
 * and left to the nightly sweep, which makes it due again: were it an error, its message would come
 * again at once, and with every time leave one more retry for what is still open.
 */
export async function removeRetry(
  { id, destination }: Retry,
  { retryQueue, telemetry }: Pick<ActivationContext, 'retryQueue' | 'telemetry'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await retryQueue.remove(id, signal);
  } catch {
    // The store's own words may name what it was asked for.
    telemetry.emit('retry-removal-failed', { id, destination });
  }
}
