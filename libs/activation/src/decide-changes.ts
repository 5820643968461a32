import {
  decide,
  isUnreadableRow,
  keep,
  note,
  type Deferred,
  type DesiredState,
  type Explanation,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type Occasion,
  type UnreadableRow,
} from '@activation-hub/membership';
import type { ChangeKind } from '@activation-hub/destination-kit';
import { isShadowReason, type HeldBack } from '@activation-hub/delivery';
import type { ActivationContext } from './activation-context.ts';
import { concernedPeople } from './concerned-people.ts';
import {
  deferralOf,
  deferredBy,
  heldBackDeferral,
  isFollowedBy,
  waitingDeferral,
  type DeferredChange,
} from './defer-changes.ts';
import { DesiredStates } from './desired-states.ts';
import { isKnownToFindNothing } from './finds-nothing.ts';
import { unfitChange, type LostChange } from './dead-letters-of.ts';
import { leasedRow, type LeasedRow } from './deliver-rows.ts';
import { leftToRetries } from './held-back.ts';
import { subjectOf } from './observed-subject.ts';
import { OtherIdentities } from './other-identities.ts';
import { becauseOf, planRow, type LeaseHolder, type RowPlan } from './plan-row.ts';
import { readFirst, readRows, type ReadRows } from './read-rows.ts';
import { withoutDigest } from './remember-links.ts';
import { outcomeOf, type DesiredMembership, type Resolved, type RoutedPerson } from './resolve-memberships.ts';
import type { SettledMembership } from './settled-membership.ts';
import type { Tally } from './tally.ts';
import { contestedKeys, isMovedBy, isPausedAlready } from './unchanged-rows.ts';
import { whyUnfit } from './unfit-attributes.ts';
import { isMemberAgain, unlinkPeople } from './unlink-people.ts';
import { leaveUnread } from './unreadable-rows.ts';
import { causeOf, type Work } from './work.ts';
import { writePlans, type Written } from './write-plans.ts';

/** What there is to do about desired memberships. */
export interface Decided {
  /** To be told, under our lease. */
  readonly leased: readonly LeasedRow[];
  /**
   * Not to be told now. Those with a write have no lease: the row says that they are deferred, once
   * the queue has the retry.
   */
  readonly deferred: readonly DeferredChange[];
  /** Those that no row could keep, or whose row could not be read until they were given up. */
  readonly lost: readonly LostChange[];
  /**
   * The keys of those that no row could keep: a retry that is responsible for their rows looks
   * after them all the same.
   */
  readonly rejectedKeys: ReadonlySet<string>;
  /** Those whose row is settled: for them the links of the person can be looked at. */
  readonly settled: readonly SettledMembership[];
  /** All but those of people of whom the cache knew that there is nothing to do. */
  readonly undecided: readonly DesiredMembership[];
  /** People who are looked at whatever digest their rows carry. */
  readonly concerned: ReadonlySet<RoutedPerson>;
}

/**
 * How often a row that other processes keep writing is decided again before the change waits. Each
 * loss means that another process got on, so more than a few in a row is a storm that is better
 * waited out.
 */
const roundsMax = 5;

/**
 * Compares every desired membership with its row. What needs no request is counted, and noted where
 * a later, older state must find it; the row of a change that must be sent is leased. A row that
 * another process writes in between is read and decided again.
 *
 * A row is written without being read where the cache says what it is, or expects that there is
 * none: the condition of the write finds out. Only what follows from such a write is concluded
 * without a read. A row that is not what it was expected to be is then read and decided like the
 * others, and has lost no round by that.
 */
export async function decideChanges(
  resolved: Pick<Resolved, 'desired' | 'newest' | 'superseded'>,
  work: Work,
  by: LeaseHolder,
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<Decided> {
  const decided = new Decisions(work, by, context, tally);
  const undecided = decided.undecidedOf(resolved);
  const reading = { context, tally, signal };
  const first = work.retry === undefined ? await readFirst(undecided, reading) : (new Map() as ReadRows);
  const expected = undecided.map((each) => (first.has(each) ? undefined : decided.planUnread(each)));
  let unread = expected.filter((plan) => plan !== undefined);
  let open = undecided.filter((_, index) => expected[index] === undefined);
  const others = new OtherIdentities(resolved.newest, by, context);
  for (const { desired: each, plan, write } of unread)
    if (plan.is === 'lease' && write.expected === undefined) others.add(each);
  const rounds = unread.length > 0 ? roundsMax + 1 : roundsMax;
  for (let round = 0; open.length + unread.length > 0 && round < rounds; round += 1) {
    const { plans: read, lost: linked } = await readAndPlan(open, round === 0 ? first : undefined);
    const plans = [...unread, ...read];
    const [{ written, lost }] = await Promise.all([
      writePlans(plans, context, tally, signal),
      others.write(tally, signal),
    ]);
    open = [...linked, ...lost.map(({ desired: each }) => each)];
    const found = new Set(open);
    for (const { desired: each, write } of unread)
      if (write.expected === undefined) decided.countLookedFor(each, found.has(each));
    for (const plan of written) decided.carryOut(plan, others);
    unread = [];
  }
  for (const each of open) decided.wait(each, context.clock.now());
  return decided;

  /**
   * Gives also those of whose former people another process wrote a row in between: they are read
   * again. Those of which a row cannot be read are left for later.
   */
  async function readAndPlan(
    some: readonly DesiredMembership[],
    read?: ReadRows,
  ): Promise<{ readonly plans: readonly PlannedWrite[]; readonly lost: readonly DesiredMembership[] }> {
    if (some.length === 0) return { plans: [], lost: [] };
    const rows = await readRows(some, reading, read);
    const found = some.flatMap((desired) => {
      const row = rows.get(desired);
      if (!isUnreadableRow(row)) return [{ desired, key: desired.key, state: desired.state, row }];
      decided.leaveUnread(desired, row);
      return [];
    });
    const stopped = await unlinkPeople(found, { context, tally }, signal);
    for (const [{ desired }, row] of stopped) if (row !== 'again') decided.leaveUnread(desired, row);
    return {
      plans: found.flatMap((each) => (stopped.has(each) ? [] : (decided.plan(each.desired, each.row) ?? []))),
      lost: [...stopped].flatMap(([{ desired }, why]) => (why === 'again' ? [desired] : [])),
    };
  }
}

/** A write that a plan asks for, and what follows it. */
interface PlannedWrite {
  readonly desired: DesiredMembership;
  readonly keyText: string;
  readonly plan:
    | Exclude<RowPlan, { is: 'nothing' }>
    | { readonly is: 'hold'; readonly kind: ChangeKind; readonly why: HeldBack }
    | { readonly is: 'move'; readonly because: 'unchanged' | 'superseded' };
  readonly write: LedgerWrite;
  /** The row waited for a retry. */
  readonly held?: Deferred | undefined;
}

class Decisions implements Decided {
  readonly leased: LeasedRow[] = [];
  readonly deferred: DeferredChange[] = [];
  readonly lost: LostChange[] = [];
  readonly rejectedKeys = new Set<string>();
  readonly settled: SettledMembership[] = [];
  undecided: readonly DesiredMembership[] = [];
  concerned: ReadonlySet<RoutedPerson> = new Set();
  #contested: ReadonlySet<string> = new Set();
  readonly #work: Work;
  readonly #by: LeaseHolder;
  readonly #context: ActivationContext;
  readonly #tally: Tally;
  readonly #states = new DesiredStates();

  constructor(work: Work, by: LeaseHolder, context: ActivationContext, tally: Tally) {
    this.#work = work;
    this.#by = by;
    this.#context = context;
    this.#tally = tally;
  }

  /**
   * The way of most exports: the cache knows that there is nothing to do, which is counted. Gives
   * the others, with every row of their people: following a person takes all that the destination
   * knows of them.
   */
  undecidedOf(resolved: Parameters<typeof concernedPeople>[0]): readonly DesiredMembership[] {
    const { desired } = resolved;
    this.concerned = concernedPeople(resolved);
    this.#contested = contestedKeys(resolved);
    if (this.#work.retry !== undefined) return (this.undecided = desired);
    const nowMs = this.#context.clock.now();
    const outcomes = desired.map((each) => this.#knownOutcome(each, nowMs));
    const open = new Set<RoutedPerson>(this.concerned);
    let index = 0;
    for (const { person } of desired) {
      if (outcomes[index] === undefined) open.add(person);
      index += 1;
    }
    return (this.undecided = desired.filter((each, at) => {
      const outcome = outcomes[at];
      if (outcome === undefined || open.has(each.person)) return true;
      this.#count(each, outcome);
      return false;
    }));
  }

  #knownOutcome(desired: DesiredMembership, nowMs: number): 'unchanged' | 'superseded' | 'paused' | undefined {
    const row = this.#context.ledgerCache.get(desired.keyText, nowMs);
    if (row === undefined) return undefined;
    const isFollowed = (row.record.linkDigest ?? '') === desired.person.linkDigest;
    if (!isFollowed && !isKnownToFindNothing(desired, row, this.#context)) return undefined;
    const state = this.#states.of(desired, row.record);
    if (isMovedBy(desired, row.record, this.#contested)) return undefined;
    const decision = decide(row.record, state, nowMs);
    if (decision.action === 'nothing') return decision.because;
    return isPausedAlready(desired, state, row.record) ? 'paused' : undefined;
  }

  /** Says whether a key of which the cache knew nothing has a row. */
  countLookedFor({ key }: DesiredMembership, isFound: boolean): void {
    this.#context.ledgerCache.countLookedFor(key.destination, isFound);
  }

  /**
   * Plans a row by what it is expected to be, where that makes a write, whose condition finds out.
   * Everything else, and everything that is left to retries, is for `plan`, which knows the row.
   */
  planUnread(desired: DesiredMembership): PlannedWrite | undefined {
    const { ledgerCache, clock } = this.#context;
    const { key, keyText } = desired;
    if (this.#work.retry !== undefined || this.#heldBack(desired) !== undefined) return undefined;
    const row = ledgerCache.get(keyText, clock.now());
    if (row === undefined && !ledgerCache.expectsNoRow(key.destination)) return undefined;
    if (row !== undefined && isMemberAgain(row.record, desired.state)) return undefined;
    const { plan } = this.#planRow(desired, row);
    if ((plan.is !== 'lease' && plan.is !== 'note') || whyUnfit(desired) !== undefined) return undefined;
    return { desired, keyText, plan, write: plan.write, held: deferralOf(row) };
  }

  /** Plans one row; gives the write that the plan needs, and settles what needs none. */
  plan(desired: DesiredMembership, row: LedgerRow | undefined): PlannedWrite | undefined {
    const { key, keyText, route } = desired;
    const { plan, told, record } = this.#planRow(desired, row);
    if (plan.is === 'nothing') {
      if (row !== undefined && record !== undefined) {
        const isMoved = isMovedBy(desired, record, this.#contested);
        // Its retry, which may bring this export alone, must not take the person for known.
        if (isMoved || (record !== row.record && deferralOf(row) !== undefined)) {
          const write = { key, record: isMoved ? keep(record, told) : record, expected: row.version };
          return { desired, keyText, plan: { is: 'move', because: plan.because }, write };
        }
      }
      if (row !== undefined) this.#context.ledgerCache.set(keyText, row, this.#context.clock.now());
      this.#finish(desired, row, plan.because);
      return undefined;
    }
    if (!('write' in plan)) {
      this.wait(desired, plan.untilMs);
      return undefined;
    }
    const unfit = whyUnfit(desired);
    if (unfit !== undefined) {
      this.lost.push(unfitChange(desired, unfit));
      this.rejectedKeys.add(keyText);
      this.#tally.count(route.destination, 'rejected', () => ({ ...subjectOf(desired), ...unfit }));
      return undefined;
    }
    const why = this.#heldBack(desired);
    const held = deferralOf(row);
    if (plan.is !== 'lease' || why === undefined) return { desired, keyText, plan, write: plan.write, held };
    if (isShadowReason(why.reason)) this.#tally.countShadowed(route.destination, plan.kind);

    // A retry is responsible for the row already, and sends the newest state that it finds there.
    // Of a person of whom the batch brings another identity only this event says which comes last.
    const isHeld = held !== undefined && !this.concerned.has(desired.person);
    if (isHeld && isFollowedBy(held, record, desired.person.linkDigest)) {
      const heldRecord = note(record, told, held, this.#explained(why));
      return {
        desired,
        keyText,
        plan: { is: 'hold', kind: plan.kind, why },
        write: { key, record: heldRecord, expected: row?.version },
      };
    }
    this.deferred.push({
      deferral: heldBackDeferral(desired, why),
      write: (chainId) => {
        const by = deferredBy(chainId, desired.person.linkDigest);
        const deferred = note(record, told, by, this.#explained(why));
        return { key, record: deferred, expected: row?.version };
      },
    });
    this.#countHeld(desired, plan.kind, why);
    return undefined;
  }

  /**
   * Why this call leaves the route of a change to the retry queue, if it does: that has what was
   * deferred, and is the first to ask a destination again, so that a partition need not wait for an
   * answer that may not come.
   */
  #heldBack({ route, audience }: DesiredMembership): HeldBack | undefined {
    if (this.#work.retry !== undefined) return undefined;
    return leftToRetries(route.destination, audience.key, this.#context);
  }

  #explained({ class: cause, reason }: HeldBack): Occasion & Explanation {
    return { atMs: this.#context.clock.now(), because: becauseOf(causeOf(this.#work)), class: cause, reason };
  }

  #countHeld(desired: DesiredMembership, kind: ChangeKind, { class: cause, reason }: HeldBack): void {
    const held = { kind, class: cause, reason };
    this.#tally.count(desired.route.destination, 'deferred', () => ({ ...subjectOf(desired), ...held }));
  }

  /**
   * The plan, with the record on which it rests: of a person who must be looked at it carries no
   * digest.
   */
  #planRow(
    desired: DesiredMembership,
    row: LedgerRow | undefined,
  ): { readonly plan: RowPlan; readonly told: DesiredState; readonly record: LedgerRecord | undefined } {
    const { key, route, attributes, person } = desired;
    const state = this.#states.of(desired, row?.record);
    const told = { state, attributes, linkDigest: person.linkDigest };
    const options = { mode: route.mode, by: this.#by, nowMs: this.#context.clock.now(), cause: causeOf(this.#work) };
    const unlinked = row !== undefined && this.concerned.has(person) ? withoutDigest(key, row) : undefined;
    const from = row === undefined || unlinked === undefined ? row : { ...row, record: unlinked.record };
    return { plan: planRow(key, from, told, options), told, record: from?.record };
  }

  /** What follows a write that was made: nothing about its row is open any more. */
  carryOut({ planned, after: row }: Written<PlannedWrite>, others: OtherIdentities): void {
    const { desired, plan, write, held } = planned;
    if (plan.is === 'lease') {
      const isFollowed = write.expected === undefined && others.areNoted(desired.person);
      this.leased.push(leasedRow(desired, plan, row, { held, isFollowed }));
    } else if (plan.is === 'note') this.#finish(desired, row, plan.outcome);
    else if (plan.is === 'move') this.#finish(desired, row, plan.because);
    else if (plan.is === 'wait') this.wait(desired, plan.untilMs);
    else this.#countHeld(desired, plan.kind, plan.why);
  }

  wait(desired: DesiredMembership, untilMs: number): void {
    const { route, key, event, audience } = desired;
    const of = { destination: route.destination, key, event, audience: audience.key };
    const nowMs = this.#context.clock.now();
    const deferral = waitingDeferral(of, untilMs, this.#work, nowMs);
    this.deferred.push({ deferral });
    this.#tally.count(route.destination, 'deferred', () => ({
      ...subjectOf(desired),
      class: deferral.class,
      reason: deferral.reason,
    }));
  }

  leaveUnread(desired: DesiredMembership, row: UnreadableRow): void {
    const { key, event, audience, route } = desired;
    const of = { destination: route.destination, key, event, audience: audience.key };
    const { deferral, lost, outcome, ...cause } = leaveUnread(of, row, this.#work.retry, this.#context);
    if (deferral !== undefined) this.deferred.push({ deferral });
    if (lost !== undefined) this.lost.push(lost);
    this.#tally.count(route.destination, outcome, () => ({ ...subjectOf(desired), ...cause }));
  }

  #finish(
    desired: DesiredMembership,
    row: LedgerRow | undefined,
    outcome: 'unchanged' | 'superseded' | 'shadowed' | 'paused',
  ): void {
    this.settled.push({ desired, row });
    this.#count(desired, outcome);
  }

  #count(desired: DesiredMembership, outcome: 'unchanged' | 'superseded' | 'shadowed' | 'paused'): void {
    this.#tally.count(desired.route.destination, outcomeOf(desired, outcome), () => subjectOf(desired));
  }
}
