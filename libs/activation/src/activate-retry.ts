import { readRetryMessage } from '@activation-hub/delivery';
import { activate } from './activate.ts';
import { dueAgainAtMs, isTooOld } from './defer-changes.ts';
import type { Hub } from './hub.ts';
import { retryWork } from './work.ts';

/**
 * The way of a retry whose message is due: the journey again, for what it left open. While its destination is given a rest
 * the message is put back as it is, before anything of the retry is read or claimed; in an outage that is what most
 * retries come to. One that is old enough to be given up is not put back. Throws what `activate` throws, and
 * `RetryMessageError` for a message that is none of ours.
 */
export async function activateRetry(message: string, hub: Hub): Promise<void> {
  const pointer = readRetryMessage(message);
  const nowMs = hub.clock.now();
  const signal = AbortSignal.timeout(hub.timing.settleByMs);
  const target = hub.targets.get(pointer.destination);
  const openUntilMs = target?.breaker.openUntilMs(nowMs);
  if (openUntilMs !== undefined && !isTooOld(pointer, target?.giveUpAfterMs, nowMs)) {
    await hub.retryQueue.postpone(pointer, Math.max(openUntilMs, dueAgainAtMs(pointer, hub)), signal);
    return;
  }
  const retry = await hub.retryQueue.read(message, signal);
  if (retry !== undefined) await activate(retryWork(retry), hub);
}
