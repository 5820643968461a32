import type { ChangeKind } from '@activation-hub/destination-kit';
import type { LedgerRecord } from './ledger.ts';
import { compareStates, saysTheSame, type MembershipState } from './state.ts';

/** What to do about one state of one key. */
export type Decision =
  /** The ledger says so already, or knows better: neither a write nor a call. */
  | { readonly action: 'nothing'; readonly because: 'unchanged' | 'superseded' }
  /** There is nothing to tell, but an older state that comes later must find this one. */
  | { readonly action: 'note'; readonly rowState: 'delivered' | 'noted' }
  | { readonly action: 'tell'; readonly kind: ChangeKind }
  /** The state is outdated, but what the row knows must be told again. */
  | { readonly action: 'restore'; readonly kind: ChangeKind }
  /** Somebody else is telling the destination about this key; look again when the lease has ended. */
  | { readonly action: 'wait'; readonly untilMs: number };

/**
 * Who asks: an export for the first time, the retry queue for what was deferred, or a person for what was refused
 * or given up.
 */
export type Asking = 'first' | 'retry' | 'replay';

/**
 * The table by which every change is decided: the state that AEP sent, against what the ledger knows.
 *
 * | the row | older than known | the same as known | newer than known |
 * | --- | --- | --- | --- |
 * | none | | | member: tell; else note |
 * | leased, live | nothing | wait | wait |
 * | leased, expired | nothing | tell | tell |
 * | pending | nothing | tell | by content |
 * | deferred | nothing | retry, replay: tell; else nothing | the same demand again: nothing; else by content |
 * | delivered, noted | nothing | nothing | by content |
 * | rejected | nothing | replay: tell; else nothing | the same demand again: nothing; else by content |
 *
 * A retry that is older than a row that is in doubt, and pending or with an expired lease, restores: the newest state is
 * told again, because an older one may have come after it.
 *
 * *By content*: a destination that certainly has the same content is told nothing; the row moves on only when AEP's
 * qualification did, because an export that changes nothing must cost nothing. Somebody of whom the destination never
 * heard, and who is not to be in it, is noted. A state of the same time with other content, which is what a corrected
 * activation file makes of an event, counts as newer.
 */
export function decide(
  record: LedgerRecord | undefined,
  state: MembershipState,
  nowMs: number,
  asking: Asking = 'first',
): Decision {
  if (record === undefined) return state.isMember ? { action: 'tell', kind: 'entered' } : note('noted');

  const { rowState, known } = record;
  const order = compareStates(state, known);
  if (order < 0) {
    return asking !== 'first' && isToBeRestored(record, nowMs)
      ? { action: 'restore', kind: known.isMember ? 'entered' : 'exited' }
      : { action: 'nothing', because: 'superseded' };
  }
  if (rowState.is === 'leased') {
    return rowState.expiresAtMs > nowMs ? { action: 'wait', untilMs: rowState.expiresAtMs } : tell(record, state);
  }
  if (order === 0 && saysTheSame(known, state)) return decideSame(record, state, asking);
  const isOpen = rowState.is === 'rejected' || rowState.is === 'deferred';
  if (isOpen && asking === 'first' && isSameDemand(known, state)) return unchanged();
  if (!hasNothingToLearn(record, state)) return tell(record, state);
  return isNewQualification(known, state) || isOpen || rowState.is === 'pending'
    ? note(record.delivered === undefined ? 'noted' : 'delivered')
    : unchanged();
}

/** Whether a delivery that outlived its lease may have spoiled what the row knows, and nobody is putting it right. */
function isToBeRestored({ rowState, inDoubt }: LedgerRecord, nowMs: number): boolean {
  if (rowState.is === 'leased') return inDoubt && rowState.expiresAtMs <= nowMs;
  return inDoubt && rowState.is === 'pending';
}

/** The very state that the row knows, again. */
function decideSame(record: LedgerRecord, state: MembershipState, asking: Asking): Decision {
  const isAsked: Readonly<Record<string, readonly Asking[]>> = {
    pending: ['first', 'retry', 'replay'],
    deferred: ['retry', 'replay'],
    rejected: ['replay'],
  };
  return isAsked[record.rowState.is]?.includes(asking) === true ? tell(record, state) : unchanged();
}

function tell(record: LedgerRecord, state: MembershipState): Decision {
  if (!state.isMember) return { action: 'tell', kind: 'exited' };
  // In doubt the destination may have been told of an exit, which only an entry takes back.
  const isKnownMember = record.delivered?.isMember === true && !isInDoubt(record);
  return { action: 'tell', kind: isKnownMember ? 'updated' : 'entered' };
}

/** Whether what the destination certainly has is what it should have. */
function hasNothingToLearn(record: LedgerRecord, state: MembershipState): boolean {
  if (isInDoubt(record)) return false;
  if (record.delivered === undefined) return !state.isMember;
  return saysTheSame(record.delivered, state);
}

/** Whether the destination may have taken something that `delivered` does not say. */
export function isInDoubt(record: LedgerRecord): boolean {
  return record.inDoubt || record.rowState.is === 'leased';
}

/** Whether nothing is asked of the destination that was not asked before. */
export function isSameDemand(known: MembershipState, state: MembershipState): boolean {
  return saysTheSame(known, state) && !isNewQualification(known, state);
}

function isNewQualification(known: MembershipState, state: MembershipState): boolean {
  return known.qualifiedAtMs !== state.qualifiedAtMs || known.status !== state.status;
}

function note(rowState: 'delivered' | 'noted'): Decision {
  return { action: 'note', rowState };
}

function unchanged(): Decision {
  return { action: 'nothing', because: 'unchanged' };
}
