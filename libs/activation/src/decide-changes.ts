import {
  areSameAttributes,
  attributesCharactersMax,
  contentDigest,
  decide,
  isSameWish,
  note,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type MembershipState,
} from '@activation-hub/membership';
import { circuitOpenReason } from '@activation-hub/delivery';
import type { ActivationContext } from './activation-context.ts';
import { waitingDeferral, type DeferredChange, type Deferral } from './defer-changes.ts';
import type { LostChange } from './dead-letters-of.ts';
import type { LeasedRow } from './deliver-rows.ts';
import { planRow, type LeaseHolder, type RowPlan } from './plan-row.ts';
import type { DesiredMembership } from './resolve-memberships.ts';
import type { Tally } from './tally.ts';
import { causeOf, type Work } from './work.ts';

/** What there is to do about desired memberships. */
export interface Decided {
  /** To be told, under our lease. */
  readonly leased: readonly LeasedRow[];
  /** Not to be told now. Those with a write have no lease: the row says that they are deferred, once the queue has the retry. */
  readonly deferred: readonly DeferredChange[];
  /** Those that no row could keep, and that are therefore not sent. */
  readonly rejected: readonly LostChange[];
  /** Those whose row is settled: for them the links of the person can be looked at. */
  readonly settled: readonly SettledMembership[];
}

/** A desired membership of which nothing is open, with its row where that is at hand. */
export interface SettledMembership {
  readonly desired: DesiredMembership;
  readonly row: LedgerRow | undefined;
  /** The row knows something newer, so nothing of this membership may be written to it. */
  readonly isSuperseded: boolean;
}

/**
 * How often a row that other processes keep writing is decided again before the change waits. Each loss means that another
 * process got on, so more than a few in a row is a storm that is better waited out.
 */
const roundsMax = 5;

/**
 * Compares every desired membership with its row. What needs no request is counted, and noted where a later, older state must
 * find it; what is to be told is leased. A row that another process writes in between is read and decided again.
 */
export async function decideChanges(
  desired: readonly DesiredMembership[],
  work: Work,
  by: LeaseHolder,
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<Decided> {
  const decided = new Decisions(work, by, context, tally);
  let open = work.retry === undefined ? desired.filter((each) => !decided.isKnownAsSettled(each)) : desired;
  for (let round = 0; open.length > 0 && round < roundsMax; round += 1) {
    const rows = await context.ledger.read(
      open.map(({ key }) => key),
      signal,
    );
    tally.ledgerReads += open.length;
    const plans = open.flatMap((each, index) => decided.plan(each, rows[index]) ?? []);
    const written = await context.ledger.write(
      plans.map(({ write }) => write),
      signal,
    );
    open = plans.flatMap((plan, index) => {
      const result = written[index];
      return result?.written === true ? decided.carryOut(plan, result.version) : [plan.desired];
    });
  }
  for (const each of open) decided.wait(each, context.clock.now());
  return decided;
}

const tooLarge = {
  class: 'too-large',
  reason: `The mapped attributes take more than the ${attributesCharactersMax} characters of JSON that the ledger keeps. Map fewer, or smaller ones.`,
};

/** A write that a plan asks for, and what follows it. */
interface PlannedWrite {
  readonly desired: DesiredMembership;
  readonly plan: Exclude<RowPlan, { is: 'nothing' }> | { readonly is: 'hold' };
  readonly write: LedgerWrite;
}

class Decisions implements Decided {
  readonly leased: LeasedRow[] = [];
  readonly deferred: DeferredChange[] = [];
  readonly rejected: LostChange[] = [];
  readonly settled: SettledMembership[] = [];
  readonly #work: Work;
  readonly #by: LeaseHolder;
  readonly #context: ActivationContext;
  readonly #tally: Tally;
  readonly #circuits: ReadonlyMap<string, number | undefined>;

  constructor(work: Work, by: LeaseHolder, context: ActivationContext, tally: Tally) {
    this.#work = work;
    this.#by = by;
    this.#context = context;
    this.#tally = tally;
    const nowMs = context.clock.now();
    // The retry queue, which has what was deferred, is the first to ask a destination again, so that a partition need not wait
    // for an answer that may not come.
    this.#circuits =
      work.retry === undefined
        ? new Map([...context.targets].map(([key, { breaker }]) => [key, breaker.leftToRetriesUntilMs(nowMs)]))
        : new Map();
  }

  /** The way of most exports: the cache knows that there is nothing to do. */
  isKnownAsSettled(desired: DesiredMembership): boolean {
    const nowMs = this.#context.clock.now();
    const row = this.#context.ledgerCache.get(desired.keyText, nowMs);
    if (row === undefined || (row.record.linkDigest ?? '') !== desired.person.linkDigest) return false;
    const state = stateOf(desired, row.record);
    const decision = decide(row.record, state, nowMs);
    if (decision.action === 'nothing') this.#count(desired, decision.because);
    else if (isPausedAlready(desired, state, row.record)) this.#count(desired, 'paused');
    else return false;
    return true;
  }

  /** Plans one row; gives the write that the plan needs, and settles what needs none. */
  plan(desired: DesiredMembership, row: LedgerRow | undefined): PlannedWrite | undefined {
    const { key, route, attributes } = desired;
    const state = stateOf(desired, row?.record);
    const nowMs = this.#context.clock.now();
    const options = { mode: route.mode, by: this.#by, nowMs, cause: causeOf(this.#work) };
    const told = { state, attributes, linkDigest: desired.person.linkDigest };
    const plan = planRow(key, row, told, options);
    if (plan.is === 'nothing') {
      this.#finish(desired, row, plan.because);
      return undefined;
    }
    if (plan.is === 'wait') {
      if (plan.write !== undefined) return { desired, plan, write: plan.write };
      this.wait(desired, plan.untilMs);
      return undefined;
    }
    if (JSON.stringify(attributes).length > attributesCharactersMax) {
      this.#reject(desired);
      return undefined;
    }
    const openUntilMs = this.#circuits.get(route.destination);
    if (plan.is !== 'lease' || openUntilMs === undefined) return { desired, plan, write: plan.write };

    // A retry is responsible for the row already, and sends the newest state that it finds there.
    const held = row?.record.rowState;
    if (held?.is === 'deferred' && (row?.record.linkDigest ?? '') === desired.person.linkDigest) {
      const record = note(row?.record, told, held);
      return { desired, plan: { is: 'hold' }, write: { key, record, expected: row?.version } };
    }
    this.deferred.push({
      deferral: circuitOpenDeferral(desired, openUntilMs, this.#context),
      write: (chainId) => {
        const record = note(row?.record, told, { is: 'deferred', chainId });
        return { key, record, expected: row?.version };
      },
    });
    this.#tally.count(route.destination, 'deferred');
    return undefined;
  }

  /** What follows a write that was made; gives nothing back, for nothing is open any more. */
  carryOut({ desired, plan, write }: PlannedWrite, version: string): readonly DesiredMembership[] {
    this.#tally.ledgerWrites += 1;
    const row = { record: write.record, version };
    if (plan.is === 'lease') this.leased.push(leasedRow(desired, plan, row));
    else if (plan.is === 'note') this.#finish(desired, row, plan.outcome);
    else if (plan.is === 'wait') this.wait(desired, plan.untilMs);
    else {
      this.#context.ledgerCache.set(desired.keyText, row, this.#context.clock.now());
      this.#tally.count(desired.route.destination, 'deferred');
    }
    return [];
  }

  wait(desired: DesiredMembership, untilMs: number): void {
    const { route, key, event, audience } = desired;
    const of = { destination: route.destination, key, event, audience: audience.key };
    const nowMs = this.#context.clock.now();
    this.deferred.push({ deferral: waitingDeferral(of, untilMs, this.#work, nowMs) });
    this.#tally.count(route.destination, 'deferred');
  }

  /** The row could not say what the destination was told, so it is told nothing. */
  #reject({ event, route, audience }: DesiredMembership): void {
    const { destination } = route;
    this.rejected.push({ event, destination, audience: audience.key, outcome: 'rejected', ...tooLarge });
    this.#tally.count(destination, 'rejected');
  }

  #finish(
    desired: DesiredMembership,
    row: LedgerRow | undefined,
    outcome: 'unchanged' | 'superseded' | 'shadowed' | 'paused',
  ): void {
    if (row !== undefined) this.#context.ledgerCache.set(desired.keyText, row, this.#context.clock.now());
    this.settled.push({ desired, row, isSuperseded: outcome === 'superseded' });
    this.#count(desired, outcome);
  }

  #count(desired: DesiredMembership, outcome: 'unchanged' | 'superseded' | 'shadowed' | 'paused'): void {
    this.#tally.count(desired.route.destination, outcomeOf(desired, outcome));
  }
}

function leasedRow(
  { key, keyText, audience, route, membership, event }: DesiredMembership,
  { kind, state, isRepair }: Extract<RowPlan, { is: 'lease' }>,
  row: LedgerRow,
): LeasedRow {
  const { name } = membership;
  const told = { key, keyText, row, kind, state, isRepair, audience, route, event };
  return name === undefined ? told : { ...told, audienceName: name };
}

function circuitOpenDeferral(
  { route, key, event, audience }: DesiredMembership,
  notBeforeMs: number,
  { targets }: Pick<ActivationContext, 'targets'>,
): Deferral {
  return {
    destination: route.destination,
    key,
    event,
    audience: audience.key,
    class: 'transient',
    reason: circuitOpenReason(targets.get(route.destination)?.breaker ?? {}),
    wasTried: false,
    notBeforeMs,
    isLeased: false,
    givesUp: false,
  };
}

/** The desired state with its content, which is the row's when the attributes are, and else must be computed. */
export function stateOf(
  { state, attributes }: Pick<DesiredMembership, 'state' | 'attributes'>,
  record: LedgerRecord | undefined,
): MembershipState {
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

/** A paused route notes a change once; the exports that repeat it need no further write. */
function isPausedAlready({ route }: DesiredMembership, state: MembershipState, record: LedgerRecord): boolean {
  return route.mode === 'paused' && record.rowState.is === 'paused' && isSameWish(record.known, state);
}

/** A member of the audience who is not to be in the destination was withheld for want of consent, or the route is retired. */
function outcomeOf<Kind extends string>(
  { state, route }: DesiredMembership,
  outcome: Kind,
): Kind | 'withheld' | 'retired' {
  if (outcome !== 'unchanged' || state.status !== 'realized' || state.isMember) return outcome;
  return route.mode === 'retired' ? 'retired' : 'withheld';
}
