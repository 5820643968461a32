import {
  areSameAttributes,
  lease,
  contentDigest,
  decide,
  isSameDemand,
  note,
  settle,
  type Decision,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type MembershipState,
} from '@activation-hub/membership';
import type { ChangeKind } from '@activation-hub/destination-kit';
import type { ActivationContext } from './activation-context.ts';
import type { Demand } from './resolve-demands.ts';
import type { Tally } from './tally.ts';
import type { Work } from './work.ts';

/** A change that is ours to tell, until our lease expires. */
export interface LeasedChange {
  readonly demand: Demand;
  readonly state: MembershipState;
  readonly kind: ChangeKind;
  readonly row: LedgerRow;
  /** The row's newest state is told again, because an older one may have come after it. */
  readonly isRestored: boolean;
}

/** A change that cannot be told now, because somebody else is telling the destination about the same key. */
export interface WaitingChange {
  readonly demand: Demand;
  /** When to look again, in epoch milliseconds. */
  readonly untilMs: number;
}

/**
 * A change that is not told now, because its destination is given a rest. Nobody needs to lease what is not told: the row
 * says that it is deferred, once the retry queue has it.
 */
export interface CircuitOpenChange {
  readonly demand: Demand;
  readonly write: LedgerWrite;
  /** When the destination may be asked again, in epoch milliseconds. */
  readonly untilMs: number;
}

/** What there is to do about the demands of a piece of work. */
export interface Decided {
  readonly leased: readonly LeasedChange[];
  readonly waiting: readonly WaitingChange[];
  readonly resting: readonly CircuitOpenChange[];
}

/** Who leases, and until when. */
export interface LeaseHolder {
  readonly holder: string;
  readonly expiresAtMs: number;
}

/**
 * How often a row that others keep writing is looked at again before the change waits. Each loss means that somebody
 * else got on, so more than a few in a row is a storm that is better waited out.
 */
const roundsMax = 5;

/**
 * Compares every demand with what the ledger knows. What needs no call is counted, and noted where a later, older state
 * must find it; what is to be told is leased. A row that somebody else writes in between is read and decided again.
 */
export async function decideChanges(
  demands: readonly Demand[],
  work: Work,
  by: LeaseHolder,
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<Decided> {
  const leased: LeasedChange[] = [];
  const waiting: WaitingChange[] = [];
  const resting: CircuitOpenChange[] = [];
  const asking = work.retry === undefined ? 'first' : work.retry.isReplay ? 'replay' : 'retry';
  const nowMs = context.clock.now();
  const restUntilMs = restOf(work, context, nowMs);
  let open =
    asking === 'first' ? demands.filter((demand) => !isKnownAsSettled(demand, context, tally, nowMs)) : demands;

  for (let round = 0; open.length > 0; round += 1) {
    if (round === roundsMax) {
      for (const demand of open) waiting.push({ demand, untilMs: context.clock.now() });
      break;
    }
    const rows = await context.ledger.read(
      open.map(({ key }) => key),
      signal,
    );
    tally.ledgerReads += open.length;

    const plans: Plan[] = [];
    for (const [index, demand] of open.entries()) {
      const row = rows[index];
      const state = stateOf(demand, row?.record);
      const decision = decide(row?.record, state, context.clock.now(), asking);
      if (decision.action === 'nothing') finish(demand, row, decision.because, context, tally);
      else if (decision.action === 'wait') waiting.push({ demand, untilMs: decision.untilMs });
      else if (decision.action === 'restore') {
        if (row === undefined || demand.route.mode !== 'live') finish(demand, undefined, 'superseded', context, tally);
        else plans.push(planRestoring(demand, row, decision.kind, by, nowMs));
      } else {
        const untilMs = decision.action === 'tell' ? restUntilMs(demand) : undefined;
        if (untilMs === undefined) plans.push(planFor(demand, state, row, decision, by));
        else resting.push({ demand, write: deferral(demand, state, row, by), untilMs });
      }
    }
    open = await carryOut(plans, leased, context, tally, signal);
  }
  return { leased, waiting, resting };
}

/**
 * Until when a demand's destination rests; undefined when it may be told. The retry queue, which has what was deferred, is
 * the first to ask a destination again, so that a partition need not wait for an answer that may not come.
 */
function restOf(work: Work, context: ActivationContext, nowMs: number): (demand: Demand) => number | undefined {
  if (work.retry !== undefined) return () => undefined;
  const rests = new Map([...context.targets].map(([key, { breaker }]) => [key, breaker.restUntilMs(nowMs)]));
  return ({ route }) => (route.mode === 'live' ? rests.get(route.destination) : undefined);
}

/** What the row would be if the change had been leased, and its destination not asked. */
function deferral(demand: Demand, state: MembershipState, row: LedgerRow | undefined, by: LeaseHolder): LedgerWrite {
  const leased = lease(row?.record, { state, attributes: demand.attributes }, by);
  return { key: demand.key, record: settle(leased, 'deferred'), expected: row?.version };
}

/** Writes what is planned, and gives back the demands of which the row was written by somebody else in between. */
async function carryOut(
  plans: readonly Plan[],
  leased: LeasedChange[],
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<Demand[]> {
  const results = await context.ledger.write(
    plans.map(({ write }) => write),
    signal,
  );
  const lost: Demand[] = [];
  for (const [index, { demand, state, write, next }] of plans.entries()) {
    const result = results[index];
    if (result?.written !== true) {
      lost.push(demand);
      continue;
    }
    tally.ledgerWrites += 1;
    const row: LedgerRow = { record: write.record, version: result.version };
    if (next.is === 'delivery') {
      const { kind, isRestored } = next;
      const { attributes } = write.record;
      leased.push({ demand: isRestored ? { ...demand, attributes } : demand, state, row, kind, isRestored });
    } else finish(demand, row, next.outcome, context, tally);
  }
  return lost;
}

/** A write that a decision asks for, and what follows it. */
interface Plan {
  readonly demand: Demand;
  readonly state: MembershipState;
  readonly write: LedgerWrite;
  readonly next:
    | { readonly is: 'delivery'; readonly kind: ChangeKind; readonly isRestored: boolean }
    | { readonly is: 'outcome'; readonly outcome: 'unchanged' | 'shadowed' | 'paused' };
}

function planFor(
  demand: Demand,
  state: MembershipState,
  row: LedgerRow | undefined,
  decision: Extract<Decision, { action: 'note' | 'tell' }>,
  by: LeaseHolder,
): Plan {
  const asked = { state, attributes: demand.attributes };
  const plan = (record: LedgerRecord, next: Plan['next']): Plan => {
    return { demand, state, write: { key: demand.key, record, expected: row?.version }, next };
  };
  if (decision.action === 'note') {
    return plan(note(row?.record, asked, decision.rowState), { is: 'outcome', outcome: 'unchanged' });
  }
  switch (demand.route.mode) {
    case 'live':
      return plan(lease(row?.record, asked, by), { is: 'delivery', kind: decision.kind, isRestored: false });
    case 'shadow':
      return plan(settle(lease(row?.record, asked, by), 'delivered'), { is: 'outcome', outcome: 'shadowed' });
    case 'paused':
    case 'retired':
      return plan(note(row?.record, asked, 'pending'), { is: 'outcome', outcome: 'paused' });
  }
}

/** Tells the newest state of the row again, as a change of its own: a destination that remembers ids had it before. */
function planRestoring(demand: Demand, row: LedgerRow, kind: ChangeKind, by: LeaseHolder, nowMs: number): Plan {
  const { known, attributes } = row.record;
  const record = lease(row.record, { state: known, attributes }, by);
  return {
    demand,
    state: { ...known, enqueuedAtMs: nowMs },
    write: { key: demand.key, record, expected: row.version },
    next: { is: 'delivery', kind, isRestored: true },
  };
}

/** The way of most exports: the cache knows that there is nothing to do. */
function isKnownAsSettled(demand: Demand, context: ActivationContext, tally: Tally, nowMs: number): boolean {
  const row = context.ledgerCache.get(demand.keyText, nowMs);
  if (row === undefined) return false;
  const state = stateOf(demand, row.record);
  const decision = decide(row.record, state, nowMs);
  if (decision.action === 'nothing') finish(demand, undefined, decision.because, context, tally);
  else if (isPausedAlready(demand, state, row.record)) finish(demand, undefined, 'paused', context, tally);
  else return false;
  return true;
}

/** The demand's state with its content, which is the row's when the attributes are, and else must be computed. */
function stateOf({ state, attributes }: Demand, record: LedgerRecord | undefined): MembershipState {
  const content =
    record !== undefined && areSameAttributes(record.attributes, attributes)
      ? record.known.content
      : contentDigest(attributes);
  return {
    status: state.status,
    isMember: state.isMember,
    qualifiedAtMs: state.qualifiedAtMs,
    enqueuedAtMs: state.enqueuedAtMs,
    sequenceNumber: state.sequenceNumber,
    content,
  };
}

/** A paused route notes a demand once; the exports that repeat it need no further write. */
function isPausedAlready({ route }: Demand, state: MembershipState, record: LedgerRecord): boolean {
  return route.mode === 'paused' && record.rowState.is === 'pending' && isSameDemand(record.known, state);
}

function finish(
  demand: Demand,
  row: LedgerRow | undefined,
  outcome: 'unchanged' | 'superseded' | 'shadowed' | 'paused',
  context: ActivationContext,
  tally: Tally,
): void {
  if (row !== undefined) context.ledgerCache.set(demand.keyText, row, context.clock.now());
  tally.count(demand.route.destination, outcomeOf(demand, outcome));
}

/** A member of the audience who is not to be in the destination was withheld for want of consent. */
function outcomeOf<Kind extends string>({ state }: Demand, outcome: Kind): Kind | 'withheld' {
  return outcome === 'unchanged' && state.status === 'realized' && !state.isMember ? 'withheld' : outcome;
}
