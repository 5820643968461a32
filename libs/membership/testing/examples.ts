import type { LedgerKey, LedgerRecord } from '../src/ledger.ts';
import type { MembershipState } from '../src/state.ts';

/** A member as of noon, unless told otherwise. */
export function exampleState(over: Partial<MembershipState> = {}): MembershipState {
  const qualifiedAtMs = over.qualifiedAtMs ?? Date.UTC(2026, 0, 1, 12);
  return {
    status: 'realized',
    isMember: (over.status ?? 'realized') === 'realized',
    qualifiedAtMs,
    enqueuedAtMs: qualifiedAtMs + 60_000,
    sequenceNumber: 1,
    content: '',
    ...over,
  };
}

/** A row that was told `known`, unless told otherwise. */
export function exampleRecord(over: Partial<LedgerRecord> = {}): LedgerRecord {
  const known = over.known ?? exampleState();
  return { known, rowState: { is: 'delivered' }, attributes: {}, delivered: known, inDoubt: false, ...over };
}

/** A key of its own for every number. */
export function exampleKey(number: number, over: Partial<LedgerKey> = {}): LedgerKey {
  return {
    destination: 'crm',
    identity: { namespace: 'crmid', value: `person-${number}` },
    audience: { namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02' },
    ...over,
  };
}
