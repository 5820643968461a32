export { lease, note, settle, type Demand } from './lease.ts';
export { decide, isSameDemand, type Asking, type Decision } from './decide.ts';
export { resolveIdentities, type FormIdentity, type Identity, type IdentityChoice } from './identity.ts';
export { InMemoryLedger } from './in-memory-ledger.ts';
export { sweepLedger } from './sweep-ledger.ts';
export { refuseUnkeepableWrites } from './keepable-writes.ts';
export {
  attributesCharactersMax,
  identityCharactersMax,
  ledgerKeyText,
  shadowDestination,
  type Ledger,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerSelection,
  type LedgerWrite,
  type LedgerWriteResult,
  type RowState,
} from './ledger.ts';
export {
  areSameAttributes,
  changeId,
  compareStates,
  contentDigest,
  saysTheSame,
  type Attributes,
  type MembershipState,
  type UndigestedState,
} from './state.ts';
