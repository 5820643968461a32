import type { ChangeKind, JsonValue } from '@activation-hub/destination-kit';
import { isInDoubt } from './decide.ts';
import { remember } from './former-of.ts';
import { began, ended, endedLate, type AttemptOutcome, type Did, type Explanation, type Occasion } from './history.ts';
import type { Deferred, FormerOf, Lease, LedgerRecord, SettledState } from './ledger.ts';
import { compareStates, saysTheSame, type MembershipState } from './state.ts';

/** What a destination should know about one key. */
export interface DesiredState {
  readonly state: MembershipState;
  readonly attributes: Readonly<Record<string, JsonValue>>;
  /**
   * Digest of the person's identities in the export from which the state comes. A row that carries
   * another one loses it: for this export no process has looked at the person's other rows yet.
   * Absent when the person is not known under this identity any more.
   */
  readonly linkDigest?: string;
  /**
   * Of a person who is not known under this identity any more: the identities under which they are.
   */
  readonly formerOf?: readonly FormerOf[];
}

/**
 * The row when a process takes a lease to tell its destination of the desired state. An expired
 * lease before it leaves doubt. Here as below, the history goes on by what the occasion says, and
 * without one stays as it is.
 */
export function lease(
  record: LedgerRecord | undefined,
  desired: DesiredState,
  by: Omit<Lease, 'is'>,
  occasion?: Occasion & { readonly kind: ChangeKind },
): LedgerRecord {
  const rowState = { is: 'leased', holder: by.holder, expiresAtMs: by.expiresAtMs } as const;
  return next(record, desired, rowState, historyWhen(record, desired, occasion?.kind, occasion));
}

/**
 * The row while another process has the lease, when a newer state comes: it knows that state, and
 * the lease stays. The holder, whose settling is lost by this write, tells the destination of it
 * then. If the row kept the older state, an export that asks for that one again would count as
 * unchanged, although the state in between is still to be told.
 */
export function overtake(leased: LedgerRecord, desired: DesiredState, occasion?: Occasion): LedgerRecord {
  return next(leased, desired, leased.rowState, historyWhen(leased, desired, 'overtaken', occasion));
}

/**
 * The row when its destination is told nothing of the desired state: there is nothing to tell, or
 * (paused, deferred) not now.
 */
export function note(
  record: LedgerRecord | undefined,
  desired: DesiredState,
  rowState: 'delivered' | 'noted' | 'paused' | Deferred,
  occasion?: Occasion & Explanation,
): LedgerRecord {
  const did = typeof rowState === 'string' ? rowState : rowState.is;
  return next(record, desired, stateOf(rowState), historyWhen(record, desired, did, occasion));
}

/**
 * The row of a former identity when there is nothing to do about it: it keeps the outcome of its
 * state, knows that the state is as of the newer export, and remembers whose it was. An older
 * export that makes it a member loses by this write.
 */
export function keep(record: LedgerRecord, desired: DesiredState): LedgerRecord {
  const state = compareStates(desired.state, record.known) > 0 ? desired.state : record.known;
  const kept = next(record, { ...desired, state, attributes: record.attributes }, record.rowState, record.history);
  return { ...kept, inDoubt: record.inDoubt };
}

/**
 * The row when the delivery under its lease has ended: the destination took the state
 * (`delivered`), will not be sent it again (`rejected`, `not-found`, `given-up`), or will be by a
 * retry (deferred). With `inDoubt` the destination may have taken it all the same. A delivery
 * without an answer is not settled: the request may still be under way, so the lease must expire.
 * `deliveredAtMs` is when the destination was told, where a membership that it took lapses;
 * `linkDigest` that of the person's identities, where the rows of all others say already that the
 * destination does not have the person under them (section 6).
 */
export function settle(
  leased: LedgerRecord,
  outcome: 'delivered' | 'rejected' | 'not-found' | 'given-up' | Deferred,
  inDoubt = false,
  how?: Explanation & {
    readonly atMs: number;
    readonly deliveredAtMs?: number | undefined;
    readonly linkDigest?: string | undefined;
  },
): LedgerRecord {
  const is = typeof outcome === 'string' ? outcome : outcome.is;
  const history =
    how === undefined ? leased.history : ended(leased.history, leased.known, { outcome: is, inDoubt, ...how });
  if (outcome !== 'delivered') {
    const settled = { ...leased, rowState: stateOf(outcome), inDoubt: leased.inDoubt || inDoubt };
    return history === undefined ? settled : { ...settled, history };
  }
  const { known, attributes } = leased;
  const settled: Draft = { known, rowState: deliveredState, attributes, delivered: known, inDoubt: false };
  if (how?.deliveredAtMs !== undefined) settled.deliveredAtMs = how.deliveredAtMs;
  const linkDigest = how?.linkDigest ?? leased.linkDigest;
  if (linkDigest !== undefined) settled.linkDigest = linkDigest;
  if (how?.linkDigest === undefined && leased.knownDigest !== undefined) settled.knownDigest = leased.knownDigest;
  if (leased.formerOf !== undefined) settled.formerOf = leased.formerOf;
  if (history !== undefined) settled.history = history;
  return settled;
}

/** A row while it is made. */
type Draft = { -readonly [Name in keyof LedgerRecord]: LedgerRecord[Name] };

const deliveredState: LedgerRecord['rowState'] = Object.freeze({ is: 'delivered' });

/**
 * The row as another process has it, whose write made the settling of ours be lost: its history
 * says how our attempt ended. `leased` is the row with which that began.
 */
export function settleLate(
  found: LedgerRecord,
  leased: LedgerRecord,
  outcome: AttemptOutcome,
  inDoubt: boolean,
  how: Explanation & { readonly atMs: number },
): LedgerRecord {
  const history = endedLate(found.history, leased.history, { outcome, inDoubt, ...how });
  return history === undefined ? found : { ...found, history };
}

function historyWhen(
  record: LedgerRecord | undefined,
  { state }: DesiredState,
  did: Did | undefined,
  occasion: (Occasion & Explanation) | undefined,
): string | undefined {
  if (did === undefined || occasion === undefined) return record?.history;
  return began(record?.history, state, did, occasion);
}

function stateOf(rowState: SettledState | Deferred): LedgerRecord['rowState'] {
  return typeof rowState === 'string' ? { is: rowState } : rowState;
}

/**
 * A lease that no honest clock can have given, cut to the longest one that can be: its holder's
 * clock is ahead, and every other process would wait for years. The holder finds out when it
 * settles, and repairs the row.
 */
export function capLease(record: LedgerRecord, expiresAtMs: number): LedgerRecord {
  return record.rowState.is === 'leased' ? { ...record, rowState: { ...record.rowState, expiresAtMs } } : record;
}

function next(
  record: LedgerRecord | undefined,
  desired: DesiredState,
  rowState: LedgerRecord['rowState'],
  history: string | undefined,
): LedgerRecord {
  const { state: known, attributes } = desired;
  const row: Draft = { known, rowState, attributes, inDoubt: record !== undefined && isInDoubt(record) };
  const { delivered, deliveredAtMs, linkDigest } = record ?? {};
  if (delivered !== undefined) row.delivered = delivered;
  if (deliveredAtMs !== undefined) row.deliveredAtMs = deliveredAtMs;
  const deliveredAttributes = deliveredBeside(record, known);
  if (deliveredAttributes !== undefined) row.deliveredAttributes = deliveredAttributes;
  const knownDigest = digestOfKnown(record, desired);
  if (linkDigest !== undefined && linkDigest === desired.linkDigest) row.linkDigest = linkDigest;
  else if (knownDigest !== undefined && knownDigest !== '') row.knownDigest = knownDigest;
  // Before it is a member, the rows that it names have lost their digests (section 6).
  const formerOf = known.isMember ? undefined : remember(record?.formerOf, desired.formerOf);
  if (formerOf !== undefined) row.formerOf = formerOf;
  if (history !== undefined) row.history = history;
  return row;
}

/** What the destination took last stays beside what it should know, as long as the two differ. */
function deliveredBeside(
  record: LedgerRecord | undefined,
  known: MembershipState,
): LedgerRecord['deliveredAttributes'] {
  if (record?.delivered === undefined || saysTheSame(record.delivered, known)) return undefined;
  const kept =
    record.deliveredAttributes ?? (saysTheSame(record.delivered, record.known) ? record.attributes : undefined);
  return kept === undefined || Object.keys(kept).length === 0 ? undefined : kept;
}

/** The digest of the desired state, or of the row's where that very state is told again. */
function digestOfKnown(record: LedgerRecord | undefined, { state, linkDigest }: DesiredState): string | undefined {
  if (linkDigest !== undefined || record === undefined) return linkDigest;
  const isSame = compareStates(record.known, state) === 0 && saysTheSame(record.known, state);
  return isSame ? (record.linkDigest ?? record.knownDigest) : undefined;
}
