import type { ChangeKind } from '@activation-hub/destination-kit';
import type { LedgerRecord, RowState } from './ledger.ts';
import { compareStates, saysTheSame, type MembershipState } from './state.ts';

/** What to do about one state of one key. */
export type Decision = NewsDecision | RowDecision;

/** What a state that is news makes of its row, which need not be there. */
export type NewsDecision =
  /** There is nothing to send, but an older state that comes later must find this one. */
  | { readonly action: 'note'; readonly rowState: 'delivered' | 'noted' }
  | { readonly action: 'deliver'; readonly kind: ChangeKind };

/** What a row says by itself. */
export type RowDecision =
  /** The row says so already, or knows something newer: neither a write nor a request. */
  | { readonly action: 'nothing'; readonly because: 'unchanged' | 'superseded' }
  /**
   * The state is older than the row's, and what the row knows must be sent, for no other process
   * will send it.
   */
  | { readonly action: 'repair'; readonly kind: ChangeKind }
  /**
   * Another process holds the lease; look again when it has expired. `isCapped` when no lease can
   * be that long. `isNews` when the row takes the state meanwhile: it is newer, and asks for
   * something else.
   */
  | { readonly action: 'wait'; readonly untilMs: number; readonly isCapped: boolean; readonly isNews: boolean };

/**
 * Where the state comes from: an export, a dead letter that a person replays, or the retry of that
 * id.
 */
export type Cause = 'export' | 'replay' | { readonly chainId: string };

/**
 * The longest time that a lease can have left, whatever the clocks of other processes say: 480 s,
 * and a minute for the clocks.
 */
export const leaseLeftMaxMs = 540_000;

/**
 * The table by which every change is decided (docs/specs/ledger.md, section 3): the state that
 * came, against the row.
 *
 * | row state | older than the row | the same | newer than the row |
 * | --- | --- | --- | --- |
 * | no row | | | member: deliver; else note |
 * | leased, live | nothing; retry or replay: wait | wait | wait; another wish: the row knows it, under the same lease |
 * | leased, expired | nothing; retry or replay: repair | deliver | deliver |
 * | deferred | nothing; its retry, or replay: repair | nothing; its retry, or replay: deliver | the same wish: nothing; else by content |
 * | paused | nothing | deliver | by content |
 * | delivered, noted | nothing | nothing | by content |
 * | given-up | nothing; retry or replay: repair | nothing; retry or replay: deliver | the same wish: nothing; else by content |
 * | rejected, not-found | nothing; replay: repair | nothing; replay: deliver | the same wish: nothing; else by content |
 *
 * *By content*: a destination that certainly has the same content is sent nothing; the row moves on
 * only when AEP's qualification did, because an export that changes nothing must cost nothing, and
 * with a retry or a replay, which come in no order. A person whom the destination never knew, and
 * who is not to be in it, is noted. A state of the same time with other content, which is what a
 * corrected activation file makes of an event, counts as newer. *The same wish*: neither content
 * nor qualification differ.
 */
export function decide(
  record: LedgerRecord | undefined,
  state: MembershipState,
  nowMs: number,
  cause: Cause = 'export',
): Decision {
  if (record === undefined) return decideFirst(state);

  const { rowState, known } = record;
  const order = compareStates(state, known);
  if (order < 0) {
    // The lease may be that of a process which had this very retry and has crashed: no other
    // process comes back to the row.
    if (cause !== 'export' && rowState.is === 'leased' && isLive(rowState, nowMs)) return wait(rowState, nowMs, false);
    return isLeftToThis(record, cause) ? repair(record) : superseded;
  }
  if (rowState.is === 'leased')
    return isLive(rowState, nowMs) ? wait(rowState, nowMs, !isSameWish(known, state)) : deliver(record, state);
  if (order === 0 && saysTheSame(known, state)) {
    return isOpenTo(rowState, cause) ? deliver(record, state) : unchanged;
  }
  const isOpen = isUnsettled(rowState);
  if (isOpen && cause === 'export' && isSameWish(known, state)) return unchanged;
  if (!hasNothingToLearn(record, state)) return deliver(record, state);
  return isNewQualification(known, state) || isOpen || rowState.is === 'paused' || cause !== 'export'
    ? note(record.delivered === undefined ? 'noted' : 'delivered')
    : unchanged;
}

/** Decides a state of a key that has no row. */
export function decideFirst(state: MembershipState): NewsDecision {
  return state.isMember ? { action: 'deliver', kind: 'entered' } : note('noted');
}

/**
 * Decides a row of which no export is at hand, for the retry that is responsible for it: its newest
 * state is sent when it waits for this retry, or was perhaps overtaken. A replay sends every state
 * that the destination did not accept, for whatever reason.
 */
export function decideRow(record: LedgerRecord, nowMs: number, cause: Cause): RowDecision {
  const { rowState } = record;
  if (rowState.is === 'leased') return isLive(rowState, nowMs) ? wait(rowState, nowMs, false) : repair(record);
  const isOpen = cause === 'replay' ? isUnsettled(rowState) : rowState.is === 'deferred' && isOpenTo(rowState, cause);
  return isOpen ? repair(record) : unchanged;
}

/** Whether a lease is live: no other process may tell the destination about its row. */
export function isLive(rowState: RowState, nowMs: number): boolean {
  return rowState.is === 'leased' && rowState.expiresAtMs > nowMs;
}

/** Whether the destination may have taken something that `delivered` does not say. */
export function isInDoubt(record: LedgerRecord): boolean {
  return record.inDoubt || record.rowState.is === 'leased';
}

/** Whether the destination is asked for nothing that it was not asked for before. */
export function isSameWish(known: MembershipState, state: MembershipState): boolean {
  return saysTheSame(known, state) && !isNewQualification(known, state);
}

/**
 * Whether an older state, which a retry or a replay brings, makes the process send the newest state
 * of the row.
 */
function isLeftToThis({ rowState }: LedgerRecord, cause: Cause): boolean {
  if (cause === 'export') return false;
  if (rowState.is === 'leased') return true;
  return isOpenTo(rowState, cause) && rowState.is !== 'paused';
}

/** Whether the very state that the row knows is sent when it comes again. */
function isOpenTo(rowState: RowState, cause: Cause): boolean {
  switch (rowState.is) {
    case 'paused':
      return true;
    case 'deferred':
      // What another retry is responsible for is left to that one: the destination may have
      // accepted it meanwhile.
      return cause === 'replay' || (cause !== 'export' && cause.chainId === rowState.chainId);
    case 'given-up':
      // A retry that gave up an older state found this one in the row, which waits for a retry of
      // its own.
      return cause !== 'export';
    case 'rejected':
    case 'not-found':
      return cause === 'replay';
    default:
      return false;
  }
}

function isUnsettled({ is }: RowState): boolean {
  return is === 'deferred' || is === 'rejected' || is === 'not-found' || is === 'given-up';
}

function wait({ expiresAtMs }: Extract<RowState, { is: 'leased' }>, nowMs: number, isNews: boolean): RowDecision {
  const latestMs = nowMs + leaseLeftMaxMs;
  return { action: 'wait', untilMs: Math.min(expiresAtMs, latestMs), isCapped: expiresAtMs > latestMs, isNews };
}

function deliver(record: LedgerRecord, state: MembershipState): NewsDecision {
  if (!state.isMember) return { action: 'deliver', kind: 'exited' };
  // In doubt the destination may have been told of an exit, which only an entry takes back.
  const isKnownMember = record.delivered?.isMember === true && !isInDoubt(record);
  return { action: 'deliver', kind: isKnownMember ? 'updated' : 'entered' };
}

function repair({ known }: LedgerRecord): RowDecision {
  return { action: 'repair', kind: known.isMember ? 'entered' : 'exited' };
}

/** Whether what the destination certainly has is what it should have. */
function hasNothingToLearn(record: LedgerRecord, state: MembershipState): boolean {
  if (isInDoubt(record)) return false;
  if (record.delivered === undefined) return !state.isMember;
  return saysTheSame(record.delivered, state);
}

function isNewQualification(known: MembershipState, state: MembershipState): boolean {
  return known.qualifiedAtMs !== state.qualifiedAtMs || known.status !== state.status;
}

function note(rowState: 'delivered' | 'noted'): NewsDecision {
  return { action: 'note', rowState };
}

const unchanged: RowDecision = Object.freeze({ action: 'nothing', because: 'unchanged' });
const superseded: RowDecision = Object.freeze({ action: 'nothing', because: 'superseded' });
