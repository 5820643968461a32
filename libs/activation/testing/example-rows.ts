import type { Ledger, LedgerKey, LedgerRecord, MembershipState } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { noonMs } from './example-events.ts';

/** The state of a member who qualified so many seconds after noon. */
export function memberAt(at = 0): MembershipState {
  return {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: noonMs + at * 1_000,
    enqueuedAtMs: noonMs,
    sequenceNumber: 1,
    content: '',
  };
}

/** The state of a person who left so many seconds after noon. */
export function exitedAt(at = 0): MembershipState {
  return { ...memberAt(at), status: 'exited', isMember: false };
}

/** A row whose destination took its state, unless told otherwise. */
export function rowOf(known: MembershipState, over: Partial<LedgerRecord> = {}): LedgerRecord {
  return { known, rowState: { is: 'delivered' }, attributes: {}, delivered: known, inDoubt: false, ...over };
}

/** A row of which its destination was never told. */
export function untoldRowOf(known: MembershipState, over: Partial<LedgerRecord> = {}): LedgerRecord {
  return { known, rowState: { is: 'noted' }, attributes: {}, inDoubt: false, ...over };
}

/** Writes a row, whatever is there. */
export async function putRow(ledger: Ledger, key: LedgerKey, record: LedgerRecord): Promise<void> {
  const { signal } = new AbortController();
  const [row] = await readable(ledger).read([key], signal);
  await ledger.write([{ key, record, expected: row?.version }], signal);
}
