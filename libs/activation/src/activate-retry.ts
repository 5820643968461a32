import { readRetryMessage } from '@activation-hub/delivery';
import { activate } from './activate.ts';
import { dueAgainAtMs } from './defer-changes.ts';
import { isTooOld } from './judge-results.ts';
import type { ActivationContext } from './activation-context.ts';
import { retryWork } from './work.ts';

/**
 * The way of a retry whose message is due: the journey again, for what it left open. While the circuit of its destination is
 * open, the message is put back as it is, before anything of the retry is read or leased: in an outage that is the way of most
 * retries. One that is old enough to be given up is not put back. Throws what `activate` throws, and
 * `RetryMessageError` for a message that is none of ours.
 */
export async function activateRetry(message: string, context: ActivationContext): Promise<void> {
  const pointer = readRetryMessage(message);
  const nowMs = context.clock.now();
  const signal = AbortSignal.timeout(context.timing.settleByMs);
  const target = context.targets.get(context.matcher.destination(pointer.destination)?.key ?? pointer.destination);
  const openUntilMs = target?.breaker.openUntilMs(nowMs);
  if (openUntilMs !== undefined && !isTooOld(pointer, target?.giveUpAfterMs, nowMs)) {
    // One message of each time that the circuit opens comes when it is half-open; the others wait longer and longer.
    const dueAtMs =
      target?.breaker.takeProbe() === true ? openUntilMs : Math.max(openUntilMs, dueAgainAtMs(pointer, context));
    await context.retryQueue.postpone(pointer, dueAtMs, signal);
    return;
  }
  const retry = await context.retryQueue.read(message, signal);
  if (retry !== undefined) await activate(retryWork(retry), context);
}
