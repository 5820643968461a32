import type { ActivationContext } from './activation-context.ts';
import { storedNames } from './stored-names.ts';

/**
 * Woken retries follow each other at least so slowly that the listing of the queue is not the load.
 */
const everyMinMs = 20;

/**
 * Wakes what waits for destinations whose circuit has just closed: it would else sleep through its
 * own backoff. As fast as the destination's limits allow, the newest first. Throws what the queue
 * throws, and then the next work wakes.
 */
export async function wakeRetries(
  { targets, matcher, retryQueue, clock }: ActivationContext,
  signal: AbortSignal,
): Promise<void> {
  for (const { key, breaker, limits } of targets.values()) {
    if (!breaker.takeRecovery()) continue;
    const everyMs = Math.max(everyMinMs, 1_000 / limits.requestsPerSecond);
    try {
      // What an older file deferred waits under the name that the destination had there.
      for (const name of storedNames(key, matcher))
        await retryQueue.wake(name, { nowMs: clock.now(), everyMs, signal });
    } catch (error) {
      breaker.returnRecovery();
      throw error;
    }
  }
}
