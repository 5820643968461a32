export { capLease, keep, lease, note, overtake, settle, settleLate, type DesiredState } from './lease.ts';
export {
  historyCharactersMax,
  historyOf,
  type AttemptOutcome,
  type Because,
  type Did,
  type Explanation,
  type History,
  type Occasion,
  type Transition,
} from './history.ts';
export {
  decide,
  decideFirst,
  decideRow,
  isInDoubt,
  isLive,
  isSameWish,
  leaseLeftMaxMs,
  type Cause,
  type Decision,
  type NewsDecision,
  type RowDecision,
} from './decide.ts';
export {
  identityText,
  linkDigest,
  otherIdentities,
  resolveIdentities,
  type FormIdentity,
  type Identity,
  type IdentityChoice,
} from './identity.ts';
export { isToBeRenewed, lapseOf, type Lapse } from './lapse.ts';
export { DryLedger } from './dry-ledger.ts';
export {
  areRememberable,
  forgetFormerOf,
  formerOfText,
  hasRoomFor,
  isAsOf,
  isFormerOf,
  rememberedRows,
  unlinked,
} from './former-of.ts';
export { InMemoryLedger } from './in-memory-ledger.ts';
export { linkDestination, linkOf, linkKey, linkRecord } from './link.ts';
export { sweepLedger } from './sweep-ledger.ts';
export { unlinkRemembered } from './unlink-remembered.ts';
export { areKeepable, refuseUnkeepableWrites } from './keepable-writes.ts';
export {
  attributesCharactersMax,
  formerOfCharactersMax,
  identityCharactersMax,
  ledgerKeyText,
  ledgerNameOf,
  ledgerParts,
  settledStates,
  shadowDestination,
  type Deferred,
  type FormerOf,
  type Lease,
  type Ledger,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerSelection,
  type LedgerWrite,
  type LedgerWriteResult,
  type ReadRow,
  type RowState,
  type SettledState,
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
export { isUnreadableRow, UnreadableRowCount, type UnreadableRow, type UnreadableRows } from './unreadable-row.ts';
