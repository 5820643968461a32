import type { AudienceEntry, Route } from '@activation-hub/activation-file';
import type { Target } from '@activation-hub/delivery';
import {
  isInDoubt,
  isUnreadableRow,
  ledgerKeyText,
  UnreadableRowCount,
  type Because,
  type DesiredState,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type Identity,
  type UnreadableRow,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { LeasedRow } from './deliver-rows.ts';
import { fillLinks, fillRows } from './fill-rows.ts';
import { whileFollowed } from './followed-controls.ts';
import type { Fate } from './judge-results.ts';
import { lapsingTarget, LapsingRows, type LapsingPlace } from './lapsing-rows.ts';
import { planRow, planTelling, type RowPlan } from './plan-row.ts';
import { Tally } from './tally.ts';
import { newHolder, tellRows } from './tell-rows.ts';
import { unlinkPeople } from './unlink-people.ts';
import { withDeadlines, type Deadlines } from './with-deadlines.ts';
import { countRows, WalkCounts, type CountedRows, type ToldLedger } from './walk-counts.ts';
import { writePlans } from './write-plans.ts';

/** How a walk over the ledger may be stopped and watched. */
export interface WalkOptions {
  /** Stops before the next batch. */
  readonly signal: AbortSignal;
  readonly onProgress?: (counts: ToldLedger) => void;
}

/** Whose rows: those of one destination, by its key in the activation file. */
export interface LedgerWalk {
  readonly context: ActivationContext;
  readonly destination: string;
  /** Audiences that are left out when this is given, by key. */
  readonly audience?: string;
  /** People who are left out when these are given, in the form of the destination. */
  readonly identities?: readonly Identity[];
}

/** What may be told together. */
const batchRows = 100;
/**
 * The same for what is told again by the night, where a request takes as many: few requests, and
 * each is settled in time.
 */
const renewedRowsMax = 1_000;

/**
 * A row of which the destination must be told, and the state; without `desired` the newest that the
 * row knows.
 */
type DueRow = {
  readonly key: LedgerKey;
  readonly audience: AudienceEntry;
  readonly route: Route;
  /** Nothing is told and nothing counted: an older state that comes later must find this one. */
  readonly isOnlyNoted?: boolean;
} & (
  | { readonly row: LedgerRow; readonly desired?: undefined }
  | { readonly row: LedgerRow | undefined; readonly desired: DesiredState }
);

/** How many rows `resync` would tell. */
export function countResync(walk: LedgerWalk, signal: AbortSignal): Promise<CountedRows> {
  return countRows(resyncRows(walk, signal));
}

/**
 * Tells a destination that lost its memory everything that the ledger says it should know: every
 * member of its audiences enters again, with the attributes of the row, and rows that are deferred,
 * given up or in doubt are sent. Rows that the destination rejected or did not find are left out.
 * Rows are leased, told and settled as in the journey, so that it may run beside the function.
 *
 * It may be stopped and started again; it then begins anew. Throws when the ledger cannot be
 * reached.
 */
export function resync(walk: LedgerWalk, options: WalkOptions): Promise<ToldLedger> {
  return tellFollowed(resyncRows(walk, never), walk, options, 'resync');
}

/** How many people `retire` would take out. */
export function countRetire(walk: LedgerWalk, signal: AbortSignal): Promise<CountedRows> {
  return countRows(retireRows(walk, signal));
}

/**
 * Removes every person that the ledger knows at a destination, on routes of mode `retired`. A
 * second run skips the people that were removed, so it may be stopped and started again at any
 * time. Throws when the ledger cannot be reached.
 */
export function retire(walk: LedgerWalk, options: WalkOptions): Promise<ToldLedger> {
  return tellFollowed(retireRows(walk, never), walk, options, 'retirement');
}

/**
 * A fill also needs to know from which destination, and for which people there is nothing that the
 * route accepts.
 */
export interface FillWalk extends LedgerWalk {
  /** Key of the destination whose rows are read. */
  readonly source: string;
  readonly audience: string;
}

/** How many people `fill` would tell, and how many it cannot. */
export async function countFill(
  walk: FillWalk,
  signal: AbortSignal,
): Promise<CountedRows & { readonly unresolved: number }> {
  const counts = { rows: 0, unresolved: 0 };
  const unreadable = new UnreadableRowCount();
  for await (const due of fillRows(walk, signal)) {
    if (due === 'unresolved') counts.unresolved += 1;
    else if (due === 'unsettled') continue;
    else if (isUnreadableRow(due)) unreadable.add(due);
    else if (!due.isOnlyNoted) counts.rows += 1;
  }
  return { ...counts, unreadable: unreadable.now };
}

/**
 * Sends a new route's destination every member that another destination has of the audience, as far
 * as identities and attributes allow: an identity counts when the route accepts its namespace and
 * the destination has a form for it, an attribute when the other route maps the same path. What the
 * destination knows already, or better, is left out, and whom it was told of in an older state is
 * told the newer one. It gets the links of people too, by which they are followed, and a row of
 * every person who has left, so that an older entry that comes late does not add them.
 *
 * It may run beside the function; what changes at the source while it runs, or waits there for a
 * retry, is told by another run, which tells only the differences.
 */
export async function fill(walk: FillWalk, options: WalkOptions): Promise<ToldLedger> {
  const unreadable = new UnreadableRowCount();
  unreadable.addAll(await fillLinks(walk, options.signal));
  const told = await tellFollowed(fillRows(walk, never), walk, options, 'fill');
  unreadable.addAll(told.unreadable);
  return { ...told, unreadable: unreadable.now };
}

/** The outcomes of the members of a destination whose memberships lapse. */
export interface Renewed extends ToldLedger {
  /** Members that were due, and for whom there was no time. */
  readonly left: number;
  /** Those of them who have less than half of the life of their membership left. */
  readonly late: number;
  /** False when there was no time to look at every row, so that there may be more of them. */
  readonly isWhole: boolean;
}

/**
 * Tells a destination again of the members whose memberships would lapse (docs/specs/ledger.md,
 * section 11), who lapses first first; `undefined` where no membership can lapse, and then no row
 * is read. Half of the time is for the walk over the destination's rows; no batch is begun at or
 * after `untilMs`, and one that has begun ends within `timing.settleByMs`. What is left is found
 * again the next time, and so is what an operator has paused. It may run beside the function.
 * Throws when the ledger cannot be reached.
 */
export async function renew(
  place: LapsingPlace,
  { untilMs, signal }: { readonly untilMs: number; readonly signal: AbortSignal },
): Promise<Renewed | undefined> {
  const target = lapsingTarget(place);
  if (target === undefined) return undefined;
  return whileFollowed(place.context, () => renewLapsing(place, target, { untilMs, signal }));
}

async function renewLapsing(
  place: LapsingPlace,
  target: Target,
  { untilMs, signal }: { readonly untilMs: number; readonly signal: AbortSignal },
): Promise<Renewed> {
  const { context } = place;
  const lapsing = new LapsingRows(place);
  const nowMs = context.clock.now();
  await lapsing.find(nowMs + (untilMs - nowMs) / 2, signal);
  // What an operator has paused would only fill the retry queue.
  const isPaused = target.breaker.isHeld(nowMs);
  const together = Math.min(renewedRowsMax, Math.max(batchRows, target.limits.batchCount));
  const told = await tellLedger(
    lapsing.inOrder(isPaused ? nowMs : untilMs, signal),
    place,
    { signal },
    'renewal',
    together,
  );
  const { due: left, late, isWhole, unreadable } = lapsing;
  return { ...told, left, late, isWhole, unreadable };
}

const { signal: never } = new AbortController();

function resyncRows(walk: LedgerWalk, signal: AbortSignal): AsyncGenerator<DueRow | UnreadableRow> {
  const { context, audience } = walk;
  return dueRows(walk, signal, (entry) => {
    const routed = context.matcher.routeOf(entry.key);
    if (routed?.route.mode !== 'live' || (audience !== undefined && routed.audience.key !== audience)) return undefined;
    return isToBeToldAgain(entry.record) ? { key: entry.key, row: entry, ...routed } : undefined;
  });
}

/**
 * Members whom the destination took or should take, and people of whom something is open, as after
 * a command that ended half-way.
 */
function isToBeToldAgain(record: LedgerRecord): boolean {
  const { rowState, known } = record;
  switch (rowState.is) {
    case 'rejected':
    case 'not-found':
      return record.inDoubt;
    case 'deferred':
    case 'given-up':
    case 'leased':
      return true;
    case 'paused':
      // No other process tells the exit of a person whom the destination took before the route was
      // paused.
      return known.isMember || record.inDoubt || record.delivered?.isMember === true;
    case 'delivered':
    case 'noted':
      return known.isMember || record.inDoubt;
  }
}

/**
 * Takes one person out of a destination, under the identities that are given in the form of the
 * destination, before their rows are erased. Rows whose route the file does not have any more
 * cannot be told.
 */
export function takeOut(
  walk: LedgerWalk & { readonly identities: readonly Identity[] },
  options: WalkOptions,
): Promise<ToldLedger> {
  return tellFollowed(takenOutRows(walk, never), walk, options, 'erasure');
}

function takenOutRows(walk: LedgerWalk, signal: AbortSignal): AsyncGenerator<DueRow | UnreadableRow> {
  const { context } = walk;
  return dueRows(walk, signal, (entry) => {
    const routed = context.matcher.routeOf(entry.key);
    if (routed === undefined || !mayBeIn(entry.record)) return undefined;
    return { ...entryToBeTakenOut(entry, context), ...routed };
  });
}

function retireRows(walk: LedgerWalk, signal: AbortSignal): AsyncGenerator<DueRow | UnreadableRow> {
  const { context, audience } = walk;
  return dueRows(walk, signal, (entry) => {
    const routed = context.matcher.routeOf(entry.key);
    if (routed?.route.mode !== 'retired' || (audience !== undefined && routed.audience.key !== audience))
      return undefined;
    return mayBeIn(entry.record) ? { ...entryToBeTakenOut(entry, context), ...routed } : undefined;
  });
}

/** Whether the destination has the person, should have, or may have. */
function mayBeIn(record: LedgerRecord): boolean {
  return record.known.isMember || record.delivered?.isMember === true || isInDoubt(record);
}

/**
 * The row with an exit as of now: newer than whatever the row knows, and older than an export that
 * comes later.
 */
function entryToBeTakenOut(
  { key, ...row }: LedgerEntry,
  { clock }: ActivationContext,
): { readonly key: LedgerKey; readonly row: LedgerRow; readonly desired: DesiredState } {
  const { known } = row.record;
  // The clock of the hub may be ahead of this one.
  const enqueuedAtMs = Math.max(clock.now(), known.enqueuedAtMs + 1);
  const state = { ...known, isMember: false, content: '', enqueuedAtMs };
  return { key, row, desired: { state, attributes: {} } };
}

/** The rows of a walk that are due, and those that cannot be read. */
async function* dueRows(
  { context: { ledger, matcher }, destination, identities }: LedgerWalk,
  signal: AbortSignal,
  dueOf: (entry: LedgerEntry) => DueRow | undefined,
): AsyncGenerator<DueRow | UnreadableRow> {
  const ledgerName = matcher.destination(destination)?.ledgerName ?? destination;
  const all = { destination: ledgerName };
  for (const of of identities?.map((identity) => ({ ...all, identity })) ?? [all]) {
    for await (const entry of ledger.rows(of, signal)) {
      const due = isUnreadableRow(entry) ? entry : dueOf(entry);
      if (due !== undefined) yield due;
    }
  }
}

/** A pause that comes while it runs holds back what it has not sent. */
function tellFollowed(...how: Parameters<typeof tellLedger>): Promise<ToldLedger> {
  const [, { context }] = how;
  return whileFollowed(context, () => tellLedger(...how));
}

async function tellLedger(
  rows: AsyncIterable<DueRow | 'unresolved' | 'unsettled' | UnreadableRow>,
  { context }: Pick<LedgerWalk, 'context'>,
  { signal, onProgress }: WalkOptions,
  because: Because,
  together = batchRows,
): Promise<ToldLedger> {
  const counts = new WalkCounts();
  let batch: DueRow[] = [];
  const tellBatch = async (): Promise<void> => {
    // What has begun is brought to its end, while the leases live.
    await withDeadlines(context.timing, (deadlines) => tellDue(batch, context, { counts, because }, deadlines));
    batch = [];
    onProgress?.(counts.now);
  };
  for await (const due of rows) {
    if (signal.aborted || counts.now.gaveUp) break;
    if (due === 'unresolved' || due === 'unsettled') {
      counts.add(due === 'unresolved' ? due : 'leftAlone');
      continue;
    }
    if (isUnreadableRow(due)) {
      counts.addUnreadable(due);
      continue;
    }
    if (due.isOnlyNoted !== true) counts.add('rows');
    batch.push(due);
    if (batch.length === together) await tellBatch();
  }
  if (batch.length > 0 && !signal.aborted) await tellBatch();
  return counts.now;
}

async function tellDue(
  batch: readonly DueRow[],
  context: ActivationContext,
  { counts, because }: { readonly counts: WalkCounts; readonly because: Because },
  { deadline, settleBy }: Deadlines,
): Promise<void> {
  const { clock, timing } = context;
  const by = newHolder(context);
  const tally = new Tally(context);
  const changes = batch.map((due) => ({ due, ...due, state: (due.desired ?? { state: due.row.record.known }).state }));
  const stopped = await unlinkPeople(changes, { context, tally }, settleBy);
  for (const why of stopped.values()) if (why !== 'again') counts.addUnreadable(why);
  const linked = [...stopped].flatMap(([each, why]) => (why === 'again' ? [each] : []));
  const planned = changes
    .filter((each) => !stopped.has(each))
    .map(({ due }) => ({ due, plan: planDue(due, { mode: 'live', by, nowMs: clock.now(), because }) }));
  const writing = planned.flatMap(({ due, plan }) => ('write' in plan ? [{ due, plan, write: plan.write }] : []));
  const { written, lost } = await writePlans(writing, context, tally, settleBy);
  // The states that are told are newer than their rows, or what these know: what needs no write
  // waits for the lease of another process.
  const waiting = planned.filter(({ plan }) => !('write' in plan));
  const isCounted = ({ due }: { readonly due: DueRow }): boolean => due.isOnlyNoted !== true;
  [...lost, ...linked, ...waiting].filter(isCounted).forEach(() => counts.add('leftAlone'));
  for (const { plan } of written.map(({ planned: each }) => each).filter(isCounted)) {
    if (plan.is === 'wait') counts.add('leftAlone');
    else if (plan.is === 'note') counts.add('unchanged');
  }
  const leased = written.flatMap(({ planned: { due, plan }, after: row }): LeasedRow[] => {
    if (plan.is !== 'lease') return [];
    const { key, audience, route } = due;
    const { kind, state, isRepair } = plan;
    return [{ key, keyText: ledgerKeyText(key), row, kind, state, isRepair, audience, route }];
  });
  // Nothing waits behind it, so a change waits for its turn as long as its lease allows.
  const patient = { ...context, timing: { ...timing, waitMaxMs: timing.deadlineMs } };
  const told = await tellRows(leased, { context: patient, deadline, settleBy, tally });
  for (const { fate, result } of told) counts.add(countedAs(fate), 'reason' in result ? result.reason : undefined);
  if (told.length > 0 && told.every(({ fate }) => fate !== 'delivered')) counts.giveUp();
}

function countedAs(fate: Fate): 'delivered' | 'deferred' | 'failed' {
  if (fate === 'delivered') return fate;
  return fate === 'deferred' || fate === 'unanswered' ? 'deferred' : 'failed';
}

function planDue(
  due: DueRow,
  options: {
    readonly mode: Route['mode'];
    readonly by: { readonly holder: string; readonly expiresAtMs: number };
    readonly nowMs: number;
    readonly because: Because;
  },
): RowPlan {
  const { key, row, desired } = due;
  if (desired !== undefined) return planRow(key, row, desired, { ...options, cause: 'replay' });
  return planTelling(key, row, options);
}
