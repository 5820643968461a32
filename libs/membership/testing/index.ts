export { describeLedgerContract } from './ledger-contract.ts';
export { describeUnreadableRowContract } from './unreadable-row-contract.ts';
export { exampleKey, exampleRecord, exampleState } from './examples.ts';
export { SpoilableLedger } from './spoilable-ledger.ts';
export { readable } from './readable.ts';
