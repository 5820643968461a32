import type { JsonValue } from '@activation-hub/destination-kit';
import { isInDoubt } from './decide.ts';
import type { LedgerRecord } from './ledger.ts';
import type { MembershipState } from './state.ts';

/** What a row is to know next, whatever becomes of it. */
export interface Demand {
  readonly state: MembershipState;
  readonly attributes: Readonly<Record<string, JsonValue>>;
}

/** The row of somebody who is about to tell the destination, until `expiresAtMs`. An expired claim before it leaves doubt. */
export function claim(
  record: LedgerRecord | undefined,
  demand: Demand,
  by: { readonly claimant: string; readonly expiresAtMs: number },
): LedgerRecord {
  return { ...next(record, demand), standing: { is: 'claimed', ...by } };
}

/** The row after a decision that nothing is to be told, or (`pending`) not now. */
export function note(
  record: LedgerRecord | undefined,
  demand: Demand,
  standing: 'told' | 'noted' | 'pending',
): LedgerRecord {
  return { ...next(record, demand), standing: { is: standing } };
}

/**
 * The row after a delivery that it claims has ended: the destination took the state (`told`), will not be told it
 * (`refused`), or is to be told it again by the retry queue (`deferred`) or by the next export (`pending`). With
 * `inDoubt` it may have taken the state all the same. A delivery without an answer is not settled: the request may still
 * be under way, so its claim expires.
 */
export function settle(
  claimed: LedgerRecord,
  outcome: 'told' | 'refused' | 'pending' | 'deferred',
  inDoubt = false,
): LedgerRecord {
  return outcome === 'told'
    ? { ...claimed, standing: { is: 'told' }, told: claimed.known, inDoubt: false }
    : { ...claimed, standing: { is: outcome }, inDoubt: claimed.inDoubt || inDoubt };
}

function next(record: LedgerRecord | undefined, demand: Demand): Omit<LedgerRecord, 'standing'> {
  return {
    known: demand.state,
    attributes: demand.attributes,
    ...(record?.told === undefined ? {} : { told: record.told }),
    inDoubt: record !== undefined && isInDoubt(record),
  };
}
