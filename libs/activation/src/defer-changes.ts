import { randomUUID } from 'node:crypto';
import {
  backoffMs,
  circuitOpenReason,
  type Backoff,
  type DeferredEvent,
  type ReceivedEvent,
  type Retry,
} from '@activation-hub/delivery';
import type { CircuitOpenChange, WaitingChange } from './decide-changes.ts';
import type { DeliveredChange } from './deliver-changes.ts';
import type { ActivationContext } from './activation-context.ts';
import type { Demand } from './resolve-demands.ts';
import type { Tally } from './tally.ts';
import type { Work } from './work.ts';

/** How the waits between the attempts of a retry grow. */
const backoff: Backoff = { baseMs: 10_000, maxMs: 3_600_000 };
/** A retry is due at least so long after it was deferred, and after a lease has expired. */
const restMs = 1_000;
/** Somebody else's lease is mostly over in a moment: it is looked at once more before it is waited for. */
const lookAgainMs = 2_000;
/** However young it is, a retry that was tried so often is given up. */
const attemptsMax = 100;
/** More bytes of events than these are not kept in one retry, so that reading it back stays cheap. */
const retryBytesMax = 4 * 1024 * 1024;

/** What is to be tried later, and what has been tried long enough. */
export interface Later {
  readonly deferred: ReadonlySet<DeliveredChange>;
  readonly givenUp: ReadonlySet<DeliveredChange>;
}

/** A change that goes to the retry queue, with when and why. */
interface OpenChange {
  readonly demand: Demand;
  readonly class: string;
  readonly reason: string;
  readonly wasTried: boolean;
  readonly notBeforeMs: number;
  /** Nobody may tell it before a lease has expired. */
  readonly isLeased: boolean;
  /** By what the destination is asked for it, when that has accepted it. */
  readonly accepted?: readonly [changeId: string, receipt: string];
}

/**
 * Puts what cannot be settled now into the retry queue, before the ledger says that it is there. What is too old or was
 * tried too often is given up.
 */
export async function deferChanges(
  ended: {
    readonly results: readonly DeliveredChange[];
    readonly waiting: readonly WaitingChange[];
    readonly resting: readonly CircuitOpenChange[];
  },
  work: Work,
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<Later> {
  const nowMs = context.clock.now();
  const deferred = new Set<DeliveredChange>();
  const givenUp = new Set<DeliveredChange>();
  const open: OpenChange[] = ended.waiting.map(({ demand, untilMs }) => ({
    demand,
    class: 'transient',
    reason: 'somebody else was telling the destination',
    wasTried: false,
    notBeforeMs: work.retry === undefined ? Math.min(untilMs + restMs, nowMs + lookAgainMs) : untilMs + restMs,
    isLeased: true,
  }));
  for (const { demand, untilMs } of ended.resting) {
    const cause = { class: 'transient', reason: circuitOpenReason, wasTried: false };
    open.push({ demand, ...cause, notBeforeMs: untilMs, isLeased: false });
  }
  for (const change of ended.results) {
    const { demand, result, row } = change;
    if (result.status !== 'retry') continue;
    if (isTooOld(work.retry, context.targets.get(demand.route.destination)?.giveUpAfterMs, nowMs)) {
      givenUp.add(change);
      continue;
    }
    deferred.add(change);
    const { receipt } = result;
    const accepted = receipt === undefined ? {} : { accepted: [change.changeId, receipt] as const };
    open.push({ ...openChange(demand, result, row, restMs), ...accepted });
  }
  for (const { demand } of open) tally.count(demand.route.destination, 'deferred');
  await putRetries(open, work, context, signal);
  return { deferred, givenUp };
}

/**
 * Puts into the retry queue what a repair could not tell. The retry finds a row that is in doubt and tells its newest
 * state, although the event from which it comes may be older.
 */
export async function deferRepairs(
  results: readonly DeliveredChange[],
  work: Work,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<void> {
  // Whoever looks too early would take the lease of the repair for that of somebody who tells something newer.
  const marginMs = context.timing.leaseMs - context.timing.settleByMs;
  const open = results.flatMap(({ demand, result, row }) => {
    if (result.status === 'delivered') return [];
    return [openChange(demand, result.status === 'retry' ? result : { ...result, wasTried: true }, row, marginMs)];
  });
  await putRetries(open, work, context, signal);
}

type Asked = Omit<Extract<DeliveredChange['result'], { readonly status: 'retry' }>, 'status'>;

function openChange(
  demand: Demand,
  { class: cause, reason, wasTried, notBeforeMs = 0, doubt }: Asked,
  { record: { rowState } }: DeliveredChange['row'],
  afterLeaseMs: number,
): OpenChange {
  const isLeased = doubt === 'unanswered' && rowState.is === 'leased';
  const freeAtMs = isLeased ? rowState.expiresAtMs + afterLeaseMs : 0;
  return { demand, class: cause, reason, wasTried, isLeased, notBeforeMs: Math.max(notBeforeMs, freeAtMs) };
}

/** Retries of their own, whatever led here: of one that was given to two workers, neither must undo what the other puts. */
async function putRetries(
  open: readonly OpenChange[],
  work: Work,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<void> {
  const groups = Map.groupBy(
    open,
    ({ demand, isLeased, accepted }) => `${demand.route.destination} ${isLeased} ${accepted !== undefined}`,
  );
  for (const group of groups.values()) {
    for (const part of partsOf(group)) await putRetry(part, work, context, signal);
  }
}

async function putRetry(
  changes: readonly OpenChange[],
  work: Work,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  const nowMs = context.clock.now();
  const attempts = (work.retry?.attempts ?? 0) + (changes.some(({ wasTried }) => wasTried) ? 1 : 0);
  const firstDeferredAtMs = work.retry?.firstDeferredAtMs ?? nowMs;
  const againAtMs = first.isLeased ? nowMs : dueAgainAtMs({ attempts, firstDeferredAtMs }, context);
  const dueAtMs = Math.max(againAtMs, ...changes.map(({ notBeforeMs }) => notBeforeMs));
  const receipts = changes.flatMap(({ accepted }) => (accepted === undefined ? [] : [accepted]));
  const retry: Retry = {
    id: randomUUID(),
    destination: first.demand.route.destination,
    events: deferredEvents(changes),
    rows: [],
    attempts,
    firstDeferredAtMs,
    class: first.class,
    reason: first.reason,
    isReplay: work.retry?.isReplay ?? false,
    ...(receipts.length === 0 ? {} : { receipts: Object.fromEntries(receipts) }),
  };
  await context.retryQueue.put(retry, dueAtMs, signal);
  const { destination, class: cause, reason } = retry;
  const deferral = { destination, changes: changes.length, attempts, waitMs: dueAtMs - nowMs };
  if (cause === 'accepted') context.telemetry.emit('changes-accepted', deferral);
  else context.telemetry.emit('changes-deferred', { ...deferral, class: cause, reason });
}

/** When a retry is to be tried again, by how often it was and how old it is. */
export function dueAgainAtMs(
  { attempts, firstDeferredAtMs }: Pick<Retry, 'attempts' | 'firstDeferredAtMs'>,
  context: ActivationContext,
): number {
  const nowMs = context.clock.now();
  const waits = Math.max(attempts, waitsOfAge(nowMs - firstDeferredAtMs));
  return nowMs + restMs + backoffMs(backoff, waits, context.clock.random);
}

/**
 * How many waits would have brought a retry to this age. In an outage most are not even tried, and must not come back again
 * and again all the same.
 */
function waitsOfAge(ageMs: number): number {
  return 1 + Math.floor(Math.log2(Math.max(1, ageMs / backoff.baseMs)));
}

function deferredEvents(changes: readonly OpenChange[]): readonly DeferredEvent[] {
  const byEvent = Map.groupBy(changes, ({ demand }) => demand.event);
  return [...byEvent].map(([event, ofEvent]) => ({
    event,
    audiences: [...new Set(ofEvent.map(({ demand }) => demand.audience.key))],
  }));
}

/** Splits changes where their events together would be too large for one retry. */
function partsOf(changes: readonly OpenChange[]): OpenChange[][] {
  const parts: OpenChange[][] = [];
  let bytes = Infinity;
  let seen = new Set<ReceivedEvent>();
  for (const change of changes) {
    const { event } = change.demand;
    const more = seen.has(event) ? 0 : event.body.byteLength;
    if (bytes + more > retryBytesMax) {
      parts.push([]);
      bytes = 0;
      seen = new Set();
    }
    bytes += seen.has(event) ? 0 : event.body.byteLength;
    seen.add(event);
    parts.at(-1)?.push(change);
  }
  return parts;
}

/** Whether a retry is to be given up if its destination does not take it now. */
export function isTooOld(
  retry: Pick<Retry, 'attempts' | 'firstDeferredAtMs'> | undefined,
  giveUpAfterMs: number | undefined,
  nowMs: number,
): boolean {
  if (retry === undefined) return false;
  return retry.attempts >= attemptsMax || nowMs - retry.firstDeferredAtMs >= (giveUpAfterMs ?? 0);
}
