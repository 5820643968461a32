import type { JsonValue } from '@activation-hub/destination-kit';
import { isInDoubt } from './decide.ts';
import type { LedgerRecord } from './ledger.ts';
import type { MembershipState } from './state.ts';

/** What a row is to know next, whatever becomes of it. */
export interface Demand {
  readonly state: MembershipState;
  readonly attributes: Readonly<Record<string, JsonValue>>;
}

/** The row of somebody who is about to tell the destination, until `expiresAtMs`. An expired lease before it leaves doubt. */
export function lease(
  record: LedgerRecord | undefined,
  demand: Demand,
  by: { readonly holder: string; readonly expiresAtMs: number },
): LedgerRecord {
  return { ...next(record, demand), rowState: { is: 'leased', ...by } };
}

/** The row after a decision that nothing is to be told, or (`pending`) not now. */
export function note(
  record: LedgerRecord | undefined,
  demand: Demand,
  rowState: 'delivered' | 'noted' | 'pending',
): LedgerRecord {
  return { ...next(record, demand), rowState: { is: rowState } };
}

/**
 * The row after a delivery that it leases has ended: the destination took the state (`delivered`), will not be told it
 * (`rejected`), or is to be told it again by the retry queue (`deferred`) or by the next export (`pending`). With
 * `inDoubt` it may have taken the state all the same. A delivery without an answer is not settled: the request may still
 * be under way, so its lease expires.
 */
export function settle(
  leased: LedgerRecord,
  outcome: 'delivered' | 'rejected' | 'pending' | 'deferred',
  inDoubt = false,
): LedgerRecord {
  return outcome === 'delivered'
    ? { ...leased, rowState: { is: 'delivered' }, delivered: leased.known, inDoubt: false }
    : { ...leased, rowState: { is: outcome }, inDoubt: leased.inDoubt || inDoubt };
}

function next(record: LedgerRecord | undefined, demand: Demand): Omit<LedgerRecord, 'rowState'> {
  return {
    known: demand.state,
    attributes: demand.attributes,
    ...(record?.delivered === undefined ? {} : { delivered: record.delivered }),
    inDoubt: record !== undefined && isInDoubt(record),
  };
}
