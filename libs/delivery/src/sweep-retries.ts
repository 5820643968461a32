import type { RetryQueue } from './retry-queue.ts';
import { isUnreadable } from './unreadable-document.ts';

/**
 * Makes retries due at once that should long have ended, and those of which no age can be said,
 * since a wrong clock deferred them in the future. A retry is kept before the message that makes it
 * due, so a process that ends between the two leaves one that no message leads to, and so does a
 * removal that fails: nothing is lost with either, for the batch is told again, or all was settled,
 * but it holds an event. The usual way then ends it.
 *
 * Only messages are sent: what was erased from a retry meanwhile stays erased. They are woken ones,
 * so that a retry which is paused for long, and has its message, has no more of them each night.
 * Gives the number of retries seen and made due, and the names of those that cannot be read.
 */
export async function sweepRetries(
  retryQueue: RetryQueue,
  options: {
    readonly nowMs: number;
    /** How old a retry for that destination can become at the most. */
    readonly ageMaxMs: (destination: string) => number;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly seen: number; readonly madeDue: number; readonly unreadable: readonly string[] }> {
  let seen = 0;
  let madeDue = 0;
  const unreadable: string[] = [];
  for await (const retry of retryQueue.waiting(options.signal)) {
    seen += 1;
    if (isUnreadable(retry)) {
      unreadable.push(retry.unreadable);
      continue;
    }
    const ageMs = options.nowMs - retry.firstDeferredAtMs;
    if (ageMs >= 0 && ageMs <= options.ageMaxMs(retry.destination)) continue;
    await retryQueue.giveBack({ ...retry, isWoken: true }, options.nowMs, options.signal);
    madeDue += 1;
  }
  return { seen, madeDue, unreadable };
}
