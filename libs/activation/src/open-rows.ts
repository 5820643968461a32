import type { AudienceEntry, Matcher, Route } from '@activation-hub/activation-file';
import { rowsOf, type DeferredEvent, type Retry } from '@activation-hub/delivery';
import {
  isInDoubt,
  isUnreadableRow,
  ledgerKeyText,
  note,
  settle,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type UnreadableRow,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { keepLost } from './dead-letters-of.ts';
import type { Decided } from './decide-changes.ts';
import { waitingDeferral, type DeferredChange, type Deferral } from './defer-changes.ts';
import type { LeasedRow } from './deliver-rows.ts';
import type { ObservedSubject } from './observed-change.ts';
import { fromEvent } from './observed-subject.ts';
import { becauseOf, digestOf, planOpenRow, planRow, type LeaseHolder, type RowPlan } from './plan-row.ts';
import type { Resolved } from './resolve-memberships.ts';
import type { Tally } from './tally.ts';
import { leaveUnread, type LeftUnread } from './unreadable-rows.ts';
import { causeOf, type Work } from './work.ts';
import { writePlans } from './write-plans.ts';

/**
 * What there is to do about rows for which a retry is responsible, and of which its events say
 * nothing any more.
 */
export interface OpenRows {
  readonly leased: readonly LeasedRow[];
  readonly deferred: readonly DeferredChange[];
}

/** The class and the reason of changes whose route the activation file does not have. */
const withoutRoute = {
  class: 'route-gone',
  reason: 'The activation file has no route of this audience to this destination any more.',
};
/**
 * So long a retry of which the route is not live here waits for a worker with another file: while a
 * deployment replaces workers, those with the older file take retries of those with the newer one.
 */
const routeWaitMs = 3_600_000;

/**
 * Looks after the rows for which a retry is responsible but which its events do not resolve to now:
 * the route is gone, in shadow mode or has another name, the person is known under other
 * identities, or no row can keep what the event says. A row of a live route is told its newest
 * state. One whose route is gone or in shadow mode stays deferred at first, for a worker with a
 * newer file; when its retry is an hour old, the one is given up with dead letters of the events,
 * and the other is paused. So no row stays deferred that nothing can move any more.
 */
export async function takeOpenRows(
  { retry }: Work,
  { newest, rejectedKeys }: Pick<Resolved, 'newest'> & Pick<Decided, 'rejectedKeys'>,
  by: LeaseHolder,
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<OpenRows> {
  if (retry === undefined) return { leased: [], deferred: [] };
  const responsible = new Map(rowsOf(retry).map((each) => [ledgerKeyText(each.row), each]));
  const open = [...responsible].flatMap(([keyText, each]) =>
    newest.has(keyText) && !rejectedKeys.has(keyText) ? [] : [each],
  );
  const unrouted = unroutedEvents(retry, context.matcher);
  if (open.length === 0 && unrouted.length === 0) return { leased: [], deferred: [] };
  const rows = await context.ledger.read(
    open.map(({ row: key }) => key),
    signal,
  );
  tally.ledgerReads += open.length;
  const found = open.flatMap(({ row: key, from }, index) => {
    const row = rows[index];
    // A row that is gone was erased with the person.
    return row === undefined ? [] : [{ key, from, routed: context.matcher.routeOf(key), row }];
  });
  const plans = found.flatMap(({ row, ...each }) => (isUnreadableRow(row) ? [] : [{ ...each, row }]));
  const unread = found.flatMap(({ row, ...each }) =>
    isUnreadableRow(row) ? leaveOpenRow({ ...each, row }, retry, context, tally) : [],
  );
  const nowMs = context.clock.now();
  const isAwaited = nowMs - retry.firstDeferredAtMs < routeWaitMs;
  const planned = plans.map((each) => ({ ...each, plan: planOpen(each, retry, isAwaited, by, context) }));
  const lostRows = planned.filter(({ plan }) => plan.is === 'give-up');
  const lostEvents = Map.groupBy(lostRows, ({ from }) => from);
  if (!isAwaited) for (const from of unrouted) lostEvents.set(from, []);
  await giveUpEvents(lostEvents, retry, context, signal);
  await keepLost(
    unread.flatMap(({ lost }) => lost ?? []),
    retry.attempts,
    context,
    signal,
  );

  const writing = planned.flatMap(({ plan, ...each }) =>
    'write' in plan ? [{ ...each, plan, write: plan.write }] : [],
  );
  const { written, lost: lostPlans } = await writePlans(writing, context, tally, signal);
  const lost = new Set(lostPlans.map(({ key }) => key));
  const leased: LeasedRow[] = [];
  for (const { planned: each, after: row } of written) {
    const { key, from, routed, plan } = each;
    if (plan.is === 'lease' && routed !== undefined) {
      const { kind, state, isRepair } = plan;
      const event = from === undefined ? {} : { event: from.event };
      leased.push({ key, keyText: ledgerKeyText(key), row, kind, state, isRepair, ...routed, ...event });
    } else if (plan.is === 'give-up') tally.count(retry.destination, 'given-up', () => subjectOfRow(key, routed, from));
    else if (plan.is === 'note') tally.count(retry.destination, plan.outcome, () => subjectOfRow(key, routed, from));
  }
  const deferred = planned.flatMap(({ key, from, routed: to, plan }): DeferredChange[] => {
    if (plan.is !== 'wait' && plan.is !== 'await-route' && !lost.has(key)) return [];
    tally.count(retry.destination, 'deferred', () => subjectOfRow(key, to, from));
    const event = from === undefined ? {} : { event: from.event };
    const of = { destination: retry.destination, key, ...event };
    return audiencesOf(to, from).map((audience) => ({
      deferral:
        plan.is === 'await-route'
          ? awaitingRoute({ ...of, audience })
          : waitingDeferral(
              { ...of, audience },
              plan.is === 'wait' ? plan.untilMs : nowMs,
              { events: [], retry },
              nowMs,
            ),
    }));
  });
  const awaited = unrouted.flatMap(({ event, audiences }) =>
    audiences.map((audience) => {
      tally.count(retry.destination, isAwaited ? 'deferred' : 'given-up', () => ({
        audience,
        ...fromEvent(event),
        ...withoutRoute,
      }));
      return { deferral: awaitingRoute({ destination: retry.destination, event, audience }) };
    }),
  );
  const left = unread.flatMap(({ deferral }) => (deferral === undefined ? [] : [{ deferral }]));
  return { leased, deferred: [...deferred, ...left, ...(isAwaited ? awaited : [])] };
}

/** An audience that has another name by now, or none, keeps the one by which the retry knows it. */
function audiencesOf(routed: OpenRow['routed'], from: DeferredEvent | undefined): readonly string[] {
  return routed === undefined ? (from?.audiences ?? ['']) : [routed.audience.key];
}

/** Leaves a row that cannot be read for later, for each audience by which its retry knows it. */
function leaveOpenRow(
  {
    key,
    from,
    routed,
    row,
  }: Omit<OpenRow, 'row'> & { readonly from: DeferredEvent | undefined; readonly row: UnreadableRow },
  retry: Retry,
  context: ActivationContext,
  tally: Tally,
): readonly LeftUnread[] {
  const event = from === undefined ? {} : { event: from.event };
  const of = { destination: retry.destination, key, ...event };
  const left = audiencesOf(routed, from).map((audience) => leaveUnread({ ...of, audience }, row, retry, context));
  for (const { outcome, ...cause } of left.slice(0, 1))
    tally.count(retry.destination, outcome, () => ({
      ...subjectOfRow(key, routed, from),
      class: cause.class,
      reason: cause.reason,
    }));
  return left;
}

/** What a row is about for which a retry is responsible. */
function subjectOfRow(
  { identity }: LedgerKey,
  routed: OpenRow['routed'],
  from: DeferredEvent | undefined,
): ObservedSubject {
  return {
    identity,
    ...(routed === undefined ? withoutRoute : { audience: routed.audience.key }),
    ...fromEvent(from?.event),
  };
}

/**
 * Events without rows, as those are that could not be read before, with their audiences that the
 * file does not route to this destination.
 */
function unroutedEvents(retry: Retry, matcher: Matcher): readonly DeferredEvent[] {
  return retry.events.flatMap((from) => {
    const audiences = from.rows.length > 0 ? [] : unroutedAudiences(from, retry, matcher);
    return audiences.length === 0 ? [] : [{ ...from, audiences }];
  });
}

function unroutedAudiences({ audiences }: DeferredEvent, { destination }: Retry, matcher: Matcher): readonly string[] {
  return audiences.filter((audience) => matcher.route(audience, destination) === undefined);
}

function awaitingRoute(of: Pick<Deferral, 'destination' | 'key' | 'event' | 'audience'>): Deferral {
  return { ...of, ...withoutRoute, wasTried: false, notBeforeMs: 0, isLeased: false, givesUp: false };
}

interface OpenRow {
  readonly key: LedgerKey;
  readonly row: LedgerRow;
  /** Absent when the file routes this audience to this destination no more. */
  readonly routed: { readonly audience: AudienceEntry; readonly route: Route } | undefined;
}

function planOpen(
  { key, row, routed }: OpenRow,
  retry: Retry,
  isAwaited: boolean,
  by: LeaseHolder,
  { clock }: ActivationContext,
): RowPlan | { readonly is: 'give-up'; readonly write: LedgerWrite } | { readonly is: 'await-route' } {
  const { record } = row;
  const options = { mode: 'live' as const, by, nowMs: clock.now(), cause: causeOf({ retry }) };
  const plan = planOpenRow(key, row, options);
  if (plan.is !== 'lease') return plan;
  const newest = { state: record.known, attributes: record.attributes, ...digestOf(record) };
  const write = (next: LedgerRecord): LedgerWrite => ({ key, record: next, expected: row.version });
  const occasion = { atMs: options.nowMs, because: becauseOf(options.cause) };
  const mode = routed?.route.mode;
  if (isAwaited && (mode === undefined || mode === 'shadow')) return { is: 'await-route' };
  switch (mode) {
    case undefined:
      return {
        is: 'give-up',
        write: write(settle(record, 'given-up', isInDoubt(record), { atMs: options.nowMs, ...withoutRoute })),
      };
    case 'paused':
    case 'shadow':
      return { is: 'note', outcome: 'paused', write: write(note(record, newest, 'paused', occasion)) };
    case 'retired': {
      const gone = { state: { ...record.known, isMember: false, content: '' }, attributes: {} };
      return planRow(key, row, gone, options);
    }
    case 'live':
      return plan;
  }
}

/**
 * Dead letters of these events, for the audiences that the file does not route to this destination.
 */
async function giveUpEvents(
  events: ReadonlyMap<DeferredEvent | undefined, readonly { readonly key: LedgerKey }[]>,
  retry: Retry,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<void> {
  const { destination, attempts } = retry;
  const lost = [...events].flatMap(([from, ofEvent]) => {
    // A row that is sent from the ledger alone has no letter: its state is its outcome.
    if (from === undefined) return [];
    const rows = ofEvent.length === 0 ? {} : { rows: ofEvent.map(({ key }) => key) };
    const audiences = unroutedAudiences(from, retry, context.matcher);
    // One of the same key may have another id.
    return (audiences.length > 0 ? audiences : from.audiences).map((audience) => {
      const outcome = 'given-up' as const;
      return { event: from.event, destination, audience, outcome, ...withoutRoute, ...rows };
    });
  });
  await keepLost(lost, attempts, context, signal);
}
