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
 * The row after a certain outcome of the delivery that it claims: the destination took it (`told`), will never take it
 * (`refused`), or was certainly not reached (`pending`). An uncertain outcome is not settled: its claim expires.
 */
export function settle(claimed: LedgerRecord, outcome: 'told' | 'refused' | 'pending'): LedgerRecord {
  const settled = { ...claimed, standing: { is: outcome } };
  return outcome === 'told' ? { ...settled, told: claimed.known, inDoubt: false } : settled;
}

function next(record: LedgerRecord | undefined, demand: Demand): Omit<LedgerRecord, 'standing'> {
  return {
    known: demand.state,
    attributes: demand.attributes,
    ...(record?.told === undefined ? {} : { told: record.told }),
    inDoubt: record !== undefined && isInDoubt(record),
  };
}
