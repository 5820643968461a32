import { pausedClass, type DeliveryResult, type Retry } from '@activation-hub/delivery';
import { settle, type Explanation, type LedgerRecord } from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { delayMinMs, chainIdOf, deferredBy, stalledClass, type Deferral, type ChainIds } from './defer-changes.ts';
import type { DeliveredRow } from './deliver-rows.ts';
import type { Work } from './work.ts';

/** However young it is, a change that was tried so often is given up. */
const attemptsMax = 100;

/**
 * The outcome of one change after its delivery (docs/specs/ledger.md, section 4):
 * - `delivered`, `rejected`, `not-found`, `given-up`: certain; the row says so;
 * - `deferred`: a retry sends it;
 * - `unanswered`: the request may still be under way, so the lease must expire; a retry looks after
 *   it then.
 */
export type Fate = 'delivered' | 'rejected' | 'not-found' | 'given-up' | 'deferred' | 'unanswered';

/** A change whose fate is known, before anything of it is durable. */
export interface JudgedRow extends DeliveredRow {
  readonly fate: Fate;
  /**
   * Its destination was asked for the last time, without an answer: when the lease has expired, it
   * is given up.
   */
  readonly givesUp: boolean;
}

/**
 * Judges results. A destination that rejects nearly everything is stalled: the fault is hardly in
 * the rows, so what it rejected is deferred, an alert says so, and a person can mend it before the
 * changes are given up.
 */
export function judgeResults(
  delivered: readonly DeliveredRow[],
  work: Work | undefined,
  context: ActivationContext,
): readonly JudgedRow[] {
  const stalled = stalledDestinations(delivered, work, context);
  const nowMs = context.clock.now();
  return delivered.map((row): JudgedRow => {
    const { result, route } = row;
    const isOld = isTooOld(work?.retry, context.targets.get(route.destination)?.giveUpAfterMs, nowMs);
    switch (result.status) {
      case 'delivered':
      case 'not-found':
        return { ...row, fate: result.status, givesUp: false };
      case 'rejected':
        return { ...row, fate: stalled.has(route.destination) && !isOld ? 'deferred' : 'rejected', givesUp: false };
      case 'retry':
        // What is paused is not given up: its destination was not asked.
        if (result.class === pausedClass) return { ...row, fate: 'deferred', givesUp: false };
        if (result.doubt === 'unanswered') return { ...row, fate: 'unanswered', givesUp: isOld };
        return { ...row, fate: isOld ? 'given-up' : 'deferred', givesUp: false };
    }
  });
}

/**
 * The deferral of a change that its destination did not take; undefined when nothing is retried.
 */
export function deferralOf(judged: JudgedRow, { timing }: ActivationContext): Deferral | undefined {
  const { key, route, audience, event, result, fate, givesUp, row, isRepair, changeId } = judged;
  if ((fate !== 'deferred' && fate !== 'unanswered') || result.status === 'delivered' || result.status === 'not-found')
    return undefined;
  const { rowState } = row.record;
  const isLeased = fate === 'unanswered' && rowState.is === 'leased';
  // A process that looks too early would take the lease of a repair for that of a process that
  // tells something newer.
  const afterLeaseMs = isRepair ? timing.leaseMs - timing.settleByMs : delayMinMs;
  const freeAtMs = isLeased ? rowState.expiresAtMs + afterLeaseMs : 0;
  const of = {
    destination: route.destination,
    key,
    ...(event === undefined ? {} : { event }),
    audience: audience.key,
    isLeased,
    givesUp,
  };
  if (result.status === 'rejected') {
    return { ...of, class: stalledClass, reason: result.reason, wasTried: true, notBeforeMs: freeAtMs };
  }
  const { class: cause, reason, wasTried, notBeforeMs = 0, receipt } = result;
  return {
    ...of,
    class: cause,
    reason,
    wasTried,
    notBeforeMs: Math.max(notBeforeMs, freeAtMs),
    ...(receipt === undefined ? {} : { accepted: [changeId, receipt] as const }),
  };
}

/**
 * The row after its delivery, for which a retry is responsible if it is deferred; undefined while
 * the lease must expire.
 */
export function settledRecord(
  { key, row, result, fate, linkDigest, isFollowed, deliveredAtMs }: JudgedRow,
  chainIds: ChainIds,
  atMs: number,
): LedgerRecord | undefined {
  if (fate === 'unanswered') return undefined;
  const outcome = fate === 'deferred' ? deferredBy(chainIdOf(chainIds, key), linkDigest) : fate;
  const followed = isFollowed === true ? linkDigest : undefined;
  const how = { atMs, deliveredAtMs, linkDigest: followed, ...explanationOf(result) };
  return settle(row.record, outcome, 'doubt' in result, how);
}

/** Why a destination did not take a change; nothing when it did. */
export function explanationOf(result: DeliveryResult): Explanation {
  if (result.status === 'delivered') return {};
  return { ...('class' in result ? { class: result.class } : {}), reason: result.reason };
}

/** Whether a retry is given up if its destination does not take it now. */
export function isTooOld(
  retry: (Pick<Retry, 'attempts' | 'firstDeferredAtMs'> & Partial<Pick<Retry, 'class'>>) | undefined,
  giveUpAfterMs: number | undefined,
  nowMs: number,
): boolean {
  // The time of a pause does not count: after it a change is as young as one that is deferred for
  // the first time.
  if (retry === undefined || retry.class === pausedClass) return false;
  return retry.attempts >= attemptsMax || nowMs - retry.firstDeferredAtMs >= (giveUpAfterMs ?? 0);
}

/** Destinations that reject nearly everything. What a person replays is judged row by row. */
function stalledDestinations(
  delivered: readonly DeliveredRow[],
  work: Work | undefined,
  { stall, telemetry }: ActivationContext,
): ReadonlySet<string> {
  const stalled = new Set<string>();
  if (work?.retry?.isReplay === true) return stalled;
  // What was held back once is few when it comes again, and no less suspicious.
  const minimum = work?.retry?.class === stalledClass ? 1 : stall.minimum;
  for (const [destination, rows] of Map.groupBy(delivered, ({ route }) => route.destination)) {
    const rejected = rows.map(({ result }) => result).filter((result) => result.status === 'rejected');
    if (rejected.length === 0) continue;
    const certain = rows.filter(({ result }) => result.status !== 'retry').length;
    if (certain < minimum || rejected.length < stall.share * certain) continue;
    stalled.add(destination);
    const reason = rejected[0]?.reason ?? '';
    telemetry.emit('destination-stalled', { destination, changes: rejected.length, reason });
  }
  return stalled;
}
