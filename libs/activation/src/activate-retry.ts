import { readRetryMessage, withTimeLimit, type Retry, type RetryPointer, type Target } from '@activation-hub/delivery';
import { activate } from './activate.ts';
import { dueAgainAtMs } from './defer-changes.ts';
import { isTooOld } from './judge-results.ts';
import type { ActivationContext } from './activation-context.ts';
import { retryWork } from './work.ts';

/**
 * The way of a retry whose message is due: the journey again, for what it left open. While the
 * circuit of its destination is open, the message is put back as it is, before anything of the
 * retry is read or leased: in an outage that is the way of most retries. One that is old enough to
 * be given up is not put back, unless its destination is paused. Throws what `activate` throws, and
 * `RetryMessageError` for a message of another origin.
 */
export async function activateRetry(message: string, context: ActivationContext): Promise<void> {
  const pointer = readRetryMessage(message);
  const retry = await withTimeLimit(context.timing.settleByMs, (signal) =>
    takeRetry(message, pointer, context, signal),
  );
  if (retry !== undefined) await activate(retryWork(retry), context);
}

/** The retry of a message; undefined when it is put back, or gone. */
async function takeRetry(
  message: string,
  pointer: RetryPointer,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<Retry | undefined> {
  await context.controls?.follow(context);
  const target = context.targets.get(context.matcher.destination(pointer.destination)?.key ?? pointer.destination);
  const dueAtMs = target === undefined ? undefined : putBackUntilMs(pointer, target, context);
  if (dueAtMs !== undefined) {
    await context.retryQueue.postpone(pointer, dueAtMs, signal);
    return undefined;
  }
  return context.retryQueue.read(message, signal);
}

/**
 * Until when a retry is put back because the circuit of its destination is open, in epoch
 * milliseconds; undefined when it is not.
 */
function putBackUntilMs(
  pointer: RetryPointer,
  { breaker, giveUpAfterMs }: Target,
  context: ActivationContext,
): number | undefined {
  const nowMs = context.clock.now();
  const openUntilMs = breaker.openUntilMs(nowMs);
  if (openUntilMs === undefined) return undefined;
  const laterMs = Math.max(openUntilMs, dueAgainAtMs(pointer, context));
  if (breaker.isHeld(nowMs)) return Math.min(laterMs, breaker.holdEndsAtMs ?? Infinity);
  if (isTooOld(pointer, giveUpAfterMs, nowMs)) return undefined;
  // One message of each time that the circuit opens comes when it is half-open; the others wait
  // longer and longer.
  return breaker.takeProbe() ? openUntilMs : laterMs;
}
