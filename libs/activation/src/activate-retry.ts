import type { Retry } from '@activation-hub/delivery';
import { activate } from './activate.ts';
import { dueAgainAtMs, isTooOld } from './defer-changes.ts';
import type { Hub } from './hub.ts';
import { retryWork } from './work.ts';

/**
 * The way of a retry that is due: the journey again, for what it left open. While its destination is given a rest
 * it is put back as it is, before anything of it is read or claimed; in an outage that is what most retries come to. One
 * that is old enough to be given up is not put back. Throws what `activate` throws.
 */
export async function activateRetry(retry: Retry, hub: Hub): Promise<void> {
  const nowMs = hub.clock.now();
  const target = hub.targets.get(retry.destination);
  const openUntilMs = target?.breaker.openUntilMs(nowMs);
  if (openUntilMs === undefined || isTooOld(retry, target?.giveUpAfterMs, nowMs)) {
    await activate(retryWork(retry), hub);
    return;
  }
  const dueAtMs = Math.max(openUntilMs, dueAgainAtMs(retry, hub));
  await hub.retryQueue.put(retry, dueAtMs, AbortSignal.timeout(hub.timing.settleByMs));
}
