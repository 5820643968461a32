import type { AudienceEntry, Route } from '@activation-hub/activation-file';
import { rowsOf, type Retry } from '@activation-hub/delivery';
import {
  isInDoubt,
  ledgerKeyText,
  note,
  settle,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { keepLost } from './dead-letters-of.ts';
import { chainOf, waitingDeferral, type DeferredChange } from './defer-changes.ts';
import type { LeasedRow } from './deliver-rows.ts';
import { digestOf, planOpenRow, planRow, type LeaseHolder, type RowPlan } from './plan-row.ts';
import type { Resolved } from './resolve-memberships.ts';
import type { RoutedMembership } from './route-exports.ts';
import type { Tally } from './tally.ts';
import type { Work } from './work.ts';

/** What there is to do about rows for which a retry is responsible, and of which its events say nothing any more. */
export interface OpenRows {
  readonly leased: readonly LeasedRow[];
  readonly deferred: readonly DeferredChange[];
}

/** The class and the reason of changes whose route the activation file does not have any more. */
const withoutRoute = {
  class: 'route-gone',
  reason: 'The activation file has no route of this audience to this destination any more.',
};

/**
 * Looks after the rows for which a retry is responsible but which its events do not resolve to now: the route is gone, in
 * shadow mode or has another name, or the person is known under other identities. A row of a live route is told its newest
 * state; one whose route is not live waits for it as paused; one without a route is given up, with dead letters of the
 * retry's events. So no row stays deferred that nothing can move any more.
 */
export async function takeOpenRows(
  { retry }: Work,
  { desired, superseded, unresolved }: Resolved,
  by: LeaseHolder,
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<OpenRows> {
  const resolved = new Set(desired.map(({ keyText }) => keyText));
  if (retry === undefined) return { leased: [], deferred: [] };
  const open = rowsOf(retry).filter(({ row: key }) => !resolved.has(ledgerKeyText(key)));
  if (open.length === 0) return { leased: [], deferred: [] };
  const rows = await context.ledger.read(
    open.map(({ row: key }) => key),
    signal,
  );
  tally.ledgerReads += open.length;
  const plans = open.flatMap(({ row: key, from }, index) => {
    const row = rows[index];
    // A row that is gone was erased with the person.
    return row === undefined ? [] : [{ key, from, routed: context.matcher.routeOf(key), row }];
  });
  const planned = plans.map((each) => ({ ...each, plan: planOpen(each, chainOf(retry), by, context) }));
  if (planned.some(({ plan }) => plan.is === 'give-up'))
    await giveUpEvents(retry, [...desired, ...superseded, ...unresolved], context, signal);

  const writing = planned.flatMap(({ plan, ...each }) =>
    'write' in plan ? [{ ...each, plan, write: plan.write }] : [],
  );
  const written = await context.ledger.write(
    writing.map(({ write }) => write),
    signal,
  );
  const leased: LeasedRow[] = [];
  const lost = new Set<LedgerKey>();
  for (const [index, { key, from, routed, plan, write }] of writing.entries()) {
    const result = written[index];
    context.ledgerCache.delete(ledgerKeyText(key));
    if (result?.written !== true) {
      lost.add(key);
      continue;
    }
    tally.ledgerWrites += 1;
    if (plan.is === 'lease' && routed !== undefined) {
      const { kind, state, isRepair } = plan;
      const row = { record: write.record, version: result.version };
      const event = from === undefined ? {} : { event: from.event };
      leased.push({ key, keyText: ledgerKeyText(key), row, kind, state, isRepair, ...routed, ...event });
    } else if (plan.is === 'give-up') tally.count(retry.destination, 'given-up');
    else if (plan.is === 'note') tally.count(retry.destination, plan.outcome);
  }
  const nowMs = context.clock.now();
  const deferred = planned.flatMap(({ key, from, routed, plan }): DeferredChange[] => {
    if (plan.is !== 'wait' && !lost.has(key)) return [];
    const untilMs = plan.is === 'wait' ? plan.untilMs : nowMs;
    tally.count(retry.destination, 'deferred');
    const event = from === undefined ? {} : { event: from.event };
    const of = { destination: retry.destination, key, ...event };
    // An audience that has another name by now, or none, keeps the one by which the retry knows it.
    return (routed === undefined ? (from?.audiences ?? ['']) : [routed.audience.key]).map((audience) => ({
      deferral: waitingDeferral({ ...of, audience }, untilMs, { events: [], retry }, nowMs),
    }));
  });
  return { leased, deferred };
}

interface OpenRow {
  readonly key: LedgerKey;
  readonly row: LedgerRow;
  /** Absent when the file routes this audience to this destination no more. */
  readonly routed: { readonly audience: AudienceEntry; readonly route: Route } | undefined;
}

function planOpen(
  { key, row, routed }: OpenRow,
  chainId: string,
  by: LeaseHolder,
  { clock }: ActivationContext,
): RowPlan | { readonly is: 'give-up'; readonly write: LedgerWrite } {
  const { record } = row;
  const options = { mode: 'live' as const, by, nowMs: clock.now(), cause: { chainId } };
  const plan = planOpenRow(key, row, options);
  if (plan.is !== 'lease') return plan;
  const newest = { state: record.known, attributes: record.attributes, ...digestOf(record) };
  const write = (next: LedgerRecord): LedgerWrite => ({ key, record: next, expected: row.version });
  switch (routed?.route.mode) {
    case undefined:
      return { is: 'give-up', write: write(settle(record, 'given-up', isInDoubt(record))) };
    case 'paused':
    case 'shadow':
      return { is: 'note', outcome: 'paused', write: write(note(record, newest, 'paused')) };
    case 'retired': {
      const gone = { state: { ...record.known, isMember: false, content: '' }, attributes: {} };
      return planRow(key, row, gone, options);
    }
    case 'live':
      return plan;
  }
}

/** Dead letters of the events whose audience the file does not route to this destination any more. */
async function giveUpEvents(
  { destination, events, attempts }: Retry,
  routed: readonly RoutedMembership[],
  context: ActivationContext,
  signal: AbortSignal,
): Promise<void> {
  const lost = events.flatMap(({ event, audiences }) =>
    audiences
      .filter((key) => !routed.some((each) => each.event === event && each.audience.key === key))
      .map((audience) => ({ event, destination, audience, outcome: 'given-up' as const, ...withoutRoute })),
  );
  await keepLost(lost, attempts, context, signal);
}
