import type { ChangeKind, JsonValue } from '@activation-hub/destination-kit';
import { isInDoubt } from './decide.ts';
import { began, ended, endedLate, type AttemptOutcome, type Explanation, type Occasion } from './history.ts';
import type { Deferred, Lease, LedgerRecord, SettledState } from './ledger.ts';
import { compareStates, saysTheSame, type MembershipState } from './state.ts';

/** What a destination should know about one key. */
export interface DesiredState {
  readonly state: MembershipState;
  readonly attributes: Readonly<Record<string, JsonValue>>;
  /**
   * Digest of the person's identities in the export from which the state comes. A row that carries another one loses it: for
   * this export no process has looked at the person's other rows yet. Absent when the person is not known under this identity any more.
   */
  readonly linkDigest?: string;
}

/**
 * The row when a process takes a lease to tell its destination of the desired state. An expired lease before it leaves doubt. Here as below,
 * the history goes on by what the occasion says, and without one stays as it is.
 */
export function lease(
  record: LedgerRecord | undefined,
  desired: DesiredState,
  by: Omit<Lease, 'is'>,
  occasion?: Occasion & { readonly kind: ChangeKind },
): LedgerRecord {
  return {
    ...next(record, desired),
    rowState: { is: 'leased', ...by },
    ...(occasion === undefined
      ? historyIn(record)
      : { history: began(record?.history, desired.state, occasion.kind, occasion) }),
  };
}

/**
 * The row while another process has the lease, when a newer state comes: it knows that state, and the lease stays. The holder,
 * whose settling is lost by this write, tells the destination of it then. If the row kept the older state, an export that asks for
 * that one again would count as unchanged, although the state in between is still to be told.
 */
export function overtake(leased: LedgerRecord, desired: DesiredState, occasion?: Occasion): LedgerRecord {
  return {
    ...next(leased, desired),
    rowState: leased.rowState,
    ...noted(leased, desired, 'overtaken', occasion),
  };
}

/** The row when its destination is told nothing of the desired state: there is nothing to tell, or (paused, deferred) not now. */
export function note(
  record: LedgerRecord | undefined,
  desired: DesiredState,
  rowState: 'delivered' | 'noted' | 'paused' | Deferred,
  occasion?: Occasion & Explanation,
): LedgerRecord {
  const is = stateOf(rowState);
  const did = typeof rowState === 'string' ? rowState : rowState.is;
  return { ...next(record, desired), rowState: is, ...noted(record, desired, did, occasion) };
}

/**
 * The row when the delivery under its lease has ended: the destination took the state (`delivered`), will not be sent it
 * again (`rejected`, `not-found`, `given-up`), or will be by a retry (deferred). With `inDoubt` the destination may have
 * taken it all the same. A delivery without an answer is not settled: the request may still be under way, so the lease
 * must expire. `deliveredAtMs` is when the destination was told, where a membership that it took lapses; `linkDigest` that of the person's
 * identities, where the rows of all others say already that the destination does not have the person under them (section 6).
 */
export function settle(
  leased: LedgerRecord,
  outcome: 'delivered' | 'rejected' | 'not-found' | 'given-up' | Deferred,
  inDoubt = false,
  how?: Explanation & { readonly atMs: number; readonly deliveredAtMs?: number; readonly linkDigest?: string },
): LedgerRecord {
  const is = typeof outcome === 'string' ? outcome : outcome.is;
  const history =
    how === undefined ? {} : { history: ended(leased.history, leased.known, { outcome: is, inDoubt, ...how }) };
  if (outcome !== 'delivered')
    return { ...leased, rowState: stateOf(outcome), inDoubt: leased.inDoubt || inDoubt, ...history };
  const { known, attributes } = leased;
  const linkDigest = how?.linkDigest ?? leased.linkDigest;
  const knownDigest = how?.linkDigest === undefined ? leased.knownDigest : undefined;
  return {
    known,
    rowState: { is: 'delivered' },
    attributes,
    delivered: known,
    ...(how?.deliveredAtMs === undefined ? {} : { deliveredAtMs: how.deliveredAtMs }),
    inDoubt: false,
    ...(linkDigest === undefined ? {} : { linkDigest }),
    ...(knownDigest === undefined ? {} : { knownDigest }),
    ...historyIn(leased),
    ...history,
  };
}

/**
 * The row as another process has it, whose write made the settling of ours be lost: its history says how our attempt ended. `leased` is the row
 * with which that began.
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

function noted(
  record: LedgerRecord | undefined,
  { state }: DesiredState,
  did: 'delivered' | 'noted' | 'paused' | 'deferred' | 'overtaken',
  occasion: (Occasion & Explanation) | undefined,
): Pick<LedgerRecord, 'history'> {
  return occasion === undefined ? historyIn(record) : { history: began(record?.history, state, did, occasion) };
}

function historyIn(record: LedgerRecord | undefined): Pick<LedgerRecord, 'history'> {
  return record?.history === undefined ? {} : { history: record.history };
}

function stateOf(rowState: SettledState | Deferred): LedgerRecord['rowState'] {
  return typeof rowState === 'string' ? { is: rowState } : rowState;
}

/**
 * A lease that no honest clock can have given, cut to the longest one that can be: its holder's clock is ahead, and every
 * other process would wait for years. The holder finds out when it settles, and repairs the row.
 */
export function capLease(record: LedgerRecord, expiresAtMs: number): LedgerRecord {
  return record.rowState.is === 'leased' ? { ...record, rowState: { ...record.rowState, expiresAtMs } } : record;
}

function next(record: LedgerRecord | undefined, desired: DesiredState): Omit<LedgerRecord, 'rowState' | 'history'> {
  const { state: known, attributes } = desired;
  const knownDigest = digestOfKnown(record, desired);
  if (record === undefined) return { known, attributes, inDoubt: false, ...knownDigest };
  const { delivered, deliveredAtMs, linkDigest } = record;
  // What the destination took last stays beside what it should know, as long as the two differ.
  const kept =
    delivered === undefined || saysTheSame(delivered, known)
      ? undefined
      : (record.deliveredAttributes ?? (saysTheSame(delivered, record.known) ? record.attributes : undefined));
  return {
    known,
    attributes,
    ...(delivered === undefined ? {} : { delivered }),
    ...(deliveredAtMs === undefined ? {} : { deliveredAtMs }),
    ...(kept === undefined || Object.keys(kept).length === 0 ? {} : { deliveredAttributes: kept }),
    ...(linkDigest === undefined || linkDigest !== desired.linkDigest ? knownDigest : { linkDigest }),
    inDoubt: isInDoubt(record),
  };
}

/** The digest of the desired state, or of the row's where that very state is told again. */
function digestOfKnown(
  record: LedgerRecord | undefined,
  { state, linkDigest }: DesiredState,
): Pick<LedgerRecord, 'knownDigest'> {
  const isSame = record !== undefined && compareStates(record.known, state) === 0 && saysTheSame(record.known, state);
  const digest = linkDigest ?? (isSame ? (record.linkDigest ?? record.knownDigest) : undefined);
  return digest === undefined || digest === '' ? {} : { knownDigest: digest };
}
