import { randomUUID } from 'node:crypto';
import {
  backoffMs,
  isCircuitOpenReason,
  isPacedReason,
  mayBeWoken,
  pausedClass,
  type Backoff,
  type DeferredEvent,
  type HeldBack,
  type ReceivedEvent,
  type Retry,
  type Target,
} from '@activation-hub/delivery';
import {
  ledgerKeyText,
  type Deferred,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { DesiredMembership } from './resolve-memberships.ts';
import type { Telling } from './telling.ts';
import type { Work } from './work.ts';
import { writePlans } from './write-plans.ts';

/** How the waits between the attempts of a retry grow. */
const backoff: Backoff = { baseMs: 10_000, maxMs: 3_600_000 };
/** By how much the clocks of processes may differ. */
const clocksMs = 60_000;
/** A retry is due at least so long after it was deferred, and after a lease has expired. */
export const delayMinMs = 1_000;
/**
 * What is waited for is mostly over in a moment, as the lease of another process is: the change is
 * looked at once more before it waits to the end. So is that of a retry: of one that was woken, two
 * processes may have a message each.
 */
const lookAgainMs = 2_000;
const leasedReason = 'another process is telling the destination';
/** The class under which rejections are held back that are hardly the fault of the rows. */
export const stalledClass = 'stalled';
/** The class of changes that wait for a row that cannot be read. */
export const unreadableClass = 'row-unreadable';
/**
 * More bytes of events than these are not kept in one retry, so that reading it back stays cheap.
 */
const retryBytesMax = 4 * 1024 * 1024;

/**
 * A change that is not sent now, with the row that says so once the queue has its retry; without
 * one, the row is another process's.
 */
export interface DeferredChange {
  readonly deferral: Deferral;
  readonly write?: (chainId: string) => LedgerWrite;
}

/** A row for which a retry becomes responsible, with when and why. */
export interface Deferral {
  readonly destination: string;
  /** Absent for an event of which no row is known. */
  readonly key?: LedgerKey;
  /**
   * The event from which the change comes, by the key of its audience; absent for a row that is
   * told from the ledger.
   */
  readonly event?: ReceivedEvent;
  readonly audience: string;
  readonly class: string;
  readonly reason: string;
  readonly wasTried: boolean;
  /** Epoch milliseconds. */
  readonly notBeforeMs: number;
  /** No process may send it before a lease has expired. */
  readonly isLeased: boolean;
  /** When the lease has expired, the change is given up instead of being sent. */
  readonly givesUp: boolean;
  /** The receipt of a change that the destination has accepted. */
  readonly accepted?: readonly [changeId: string, receipt: string];
}

/**
 * The deferral of a change whose row another process has leased, or that waits until then for
 * another reason.
 */
export function waitingDeferral(
  of: Pick<Deferral, 'destination' | 'key' | 'event' | 'audience'> & Partial<Pick<Deferral, 'reason'>>,
  untilMs: number,
  work: Work | undefined,
  nowMs: number,
): Deferral {
  const { reason = leasedReason } = of;
  const wasLookedAt = work?.retry?.reason === reason;
  return {
    ...of,
    class: 'transient',
    reason,
    wasTried: false,
    notBeforeMs: wasLookedAt ? untilMs + delayMinMs : Math.min(untilMs + delayMinMs, nowMs + lookAgainMs),
    isLeased: true,
    givesUp: false,
  };
}

/**
 * Makes changes durable that are not sent now: first their retries, then the rows for which these
 * are responsible.
 */
export async function deferChanges(changes: readonly DeferredChange[], telling: Telling): Promise<void> {
  if (changes.length === 0) return;
  const { context, work, settleBy, tally } = telling;
  const chainIds = await putRetries(
    changes.map(({ deferral }) => deferral),
    work,
    context,
    settleBy,
  );
  const planned = changes.flatMap(({ deferral, write }) => {
    const noted = write?.(chainIdOf(chainIds, deferral.key));
    return noted === undefined ? [] : [{ write: noted }];
  });
  // A row that another process wrote meanwhile stays as it is: the retry, which the queue has
  // already, decides against it.
  await writePlans(planned, context, tally, settleBy);
}

/**
 * Puts retries into the queue, before any row says that one is responsible for it. They are new
 * ones, whatever led here: of a retry that was given to two workers, neither must undo what the
 * other puts. Gives the retry of each row.
 */
export async function putRetries(
  deferrals: readonly Deferral[],
  work: Work | undefined,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<ChainIds> {
  const chainIds = new Map<string, string>();
  const groups = Map.groupBy(
    deferrals,
    // Those that stall or are paused are judged apart when they come again, those that wait for the
    // pace come at times of their own, and a row that cannot be read holds up nothing else.
    ({ destination, isLeased, givesUp, accepted, class: cause, reason }) =>
      `${destination} ${isLeased} ${givesUp} ${accepted !== undefined} ${cause === stalledClass} ${cause === pausedClass} ${cause === unreadableClass} ${isPacedReason(reason)}`,
  );
  for (const group of groups.values()) {
    for (const part of partsOf(group)) {
      const chainId = await putRetry(part, work, context, signal);
      for (const { key } of part) if (key !== undefined) chainIds.set(ledgerKeyText(key), chainId);
    }
  }
  return chainIds;
}

/** By text of the row's key, which retry is responsible for it. */
export type ChainIds = ReadonlyMap<string, string>;

/**
 * The state of a row for which this chain is responsible, with the digest of the identities in the
 * export that it brings.
 */
export function deferredBy(chainId: string, linkDigest = ''): Deferred {
  return { is: 'deferred', chainId, ...(linkDigest === '' ? {} : { linkDigest }) };
}

/**
 * The retry that was put for a row. Throws when there is none, which would be a defect: a row must
 * not wait for nothing.
 */
export function chainIdOf(chainIds: ChainIds, key: LedgerKey | undefined): string {
  const chainId = key === undefined ? undefined : chainIds.get(ledgerKeyText(key));
  if (chainId === undefined) throw new Error('Failed to defer a change: no retry was put for its row.');
  return chainId;
}

async function putRetry(
  deferrals: readonly Deferral[],
  work: Work | undefined,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<string> {
  const [first] = deferrals;
  if (first === undefined) throw new Error('Failed to put a retry: it is empty.');
  const nowMs = context.clock.now();
  const attempts = (work?.retry?.attempts ?? 0) + (deferrals.some(({ wasTried }) => wasTried) ? 1 : 0);
  const isAfterPause = work?.retry?.class === pausedClass && first.class !== pausedClass;
  const firstDeferredAtMs = isAfterPause ? nowMs : (work?.retry?.firstDeferredAtMs ?? nowMs);
  const againAtMs = first.isLeased ? nowMs : dueAgainAtMs({ attempts, firstDeferredAtMs }, context);
  const times = deferrals.map((each) => each.notBeforeMs);
  // Those that wait for the pace have a time each: the retry comes for the first.
  const dueAtMs = isPacedReason(first.reason)
    ? Math.max(nowMs + delayMinMs, Math.min(...times))
    : Math.max(againAtMs, ...times);
  // An open circuit may close, and a pause be over, at any time, and what waits for it is woken
  // then; the other times were named by a destination or a lease.
  const isWoken = ({ reason, class: cause }: Deferral): boolean => isCircuitOpenReason(reason) || cause === pausedClass;
  const notBeforeMs = Math.max(0, ...deferrals.filter((each) => !isWoken(each)).map((each) => each.notBeforeMs));
  const receipts = deferrals.flatMap(({ accepted }) => (accepted === undefined ? [] : [accepted]));
  const chainId = work?.retry === undefined ? undefined : chainOf(work.retry);
  const traceParent = work?.retry?.traceParent ?? context.telemetry.traceParent();
  const retry: Retry = {
    id: randomUUID(),
    ...(chainId === undefined ? {} : { chainId }),
    destination: first.destination,
    ...eventsAndRows(deferrals),
    attempts,
    firstDeferredAtMs,
    class: first.class,
    reason: first.reason,
    isReplay: work?.retry?.isReplay ?? false,
    ...(notBeforeMs === 0 ? {} : { notBeforeMs }),
    ...(first.givesUp ? { givesUp: true } : {}),
    ...(receipts.length === 0 ? {} : { receipts: Object.fromEntries(receipts) }),
    ...(traceParent === undefined ? {} : { traceParent }),
  };
  await context.retryQueue.put(retry, dueAtMs, signal);
  await wakeIfClosed(retry, context, signal);
  const { destination, class: cause, reason } = retry;
  const deferral = { destination, changes: deferrals.length, attempts, waitMs: dueAtMs - nowMs };
  if (cause === 'accepted') context.telemetry.emit('changes-accepted', deferral);
  else context.telemetry.emit('changes-deferred', { ...deferral, class: cause, reason });
  return chainOf(retry);
}

/**
 * Makes a retry due that was put because of an open circuit which has closed meanwhile: what waited
 * was perhaps woken before this retry was there to be seen. A circuit that closes later wakes it
 * with the others.
 */
async function wakeIfClosed(
  retry: Retry,
  { targets, matcher, retryQueue, clock }: ActivationContext,
  signal: AbortSignal,
) {
  const target = targets.get(matcher.destination(retry.destination)?.key ?? retry.destination);
  const nowMs = clock.now();
  if (!isCircuitOpenReason(retry.reason) || target?.breaker.isClosed(nowMs) !== true) return;
  if (mayBeWoken(retry, nowMs)) await retryQueue.reschedule(retry.id, nowMs + delayMinMs, signal);
}

/** What deferred rows call a retry and its successors. */
export function chainOf({ id, chainId = id }: Pick<Retry, 'id' | 'chainId'>): string {
  return chainId;
}

/** When a retry is due again, by its attempts and its age. */
export function dueAgainAtMs(
  { attempts, firstDeferredAtMs }: Pick<Retry, 'attempts' | 'firstDeferredAtMs'>,
  { clock }: Pick<ActivationContext, 'clock'>,
): number {
  const nowMs = clock.now();
  const waits = Math.max(attempts, waitsOfAge(nowMs - firstDeferredAtMs));
  return nowMs + delayMinMs + backoffMs(backoff, waits, clock.random);
}

/**
 * The longest time that a retry for this destination can have to wait, in milliseconds: what the
 * backoff or the destination may ask for, and a minute for the clocks. Neither a lease nor a pause
 * asks for more.
 */
export function retryWaitMaxMs(target: Pick<Target, 'retryAfterMaxMs'> | undefined): number {
  return Math.max(backoff.maxMs, target?.retryAfterMaxMs ?? 0) + clocksMs;
}

/**
 * How many waits would have brought a retry to this age. In an outage most are not even tried, and
 * must not come back again and again all the same.
 */
function waitsOfAge(ageMs: number): number {
  return 1 + Math.floor(Math.log2(Math.max(1, ageMs / backoff.baseMs)));
}

/**
 * Each event with the rows that came with it, also where two events brought the same row; and the
 * rows that came with none.
 */
function eventsAndRows(deferrals: readonly Deferral[]): Pick<Retry, 'events' | 'rows'> {
  const events: DeferredEvent[] = [];
  let rows: readonly LedgerKey[] = [];
  for (const [event, ofEvent] of Map.groupBy(deferrals, (each) => each.event)) {
    const keys = ofEvent.flatMap(({ key }) => key ?? []);
    const distinct = [...new Map(keys.map((key) => [ledgerKeyText(key), key])).values()];
    if (event === undefined) rows = distinct;
    else events.push({ event, audiences: [...new Set(ofEvent.map(({ audience }) => audience))], rows: distinct });
  }
  return { events, rows };
}

/** Splits deferrals where their events together would be too large for one retry. */
function partsOf(deferrals: readonly Deferral[]): Deferral[][] {
  const parts: Deferral[][] = [];
  let bytes = Infinity;
  let seen = new Set<ReceivedEvent>();
  for (const deferral of deferrals) {
    const { event } = deferral;
    const more = event === undefined || seen.has(event) ? 0 : event.body.byteLength;
    if (bytes + more > retryBytesMax) {
      parts.push([]);
      bytes = 0;
      seen = new Set();
    }
    if (event !== undefined && !seen.has(event)) {
      bytes += event.body.byteLength;
      seen.add(event);
    }
    parts.at(-1)?.push(deferral);
  }
  return parts;
}

/** How the row is deferred; `undefined` when it is not. */
export function deferralOf(row: LedgerRow | undefined): Deferred | undefined {
  return row?.record.rowState.is === 'deferred' ? row.record.rowState : undefined;
}

/**
 * The row's retry brings an export with these very identities, or the person was followed with
 * them, or there is nothing to follow.
 */
export function isFollowedBy(held: Deferred, record: LedgerRecord | undefined, linkDigest: string): boolean {
  return linkDigest === '' || record?.linkDigest === linkDigest || held.linkDigest === linkDigest;
}

/** The deferral of a change that is held back without being tried. */
export function heldBackDeferral(
  { route, key, event, audience }: DesiredMembership,
  { class: cause, reason, notBeforeMs }: HeldBack,
): Deferral {
  return {
    destination: route.destination,
    key,
    event,
    audience: audience.key,
    class: cause,
    reason,
    wasTried: false,
    notBeforeMs,
    isLeased: false,
    givesUp: false,
  };
}
