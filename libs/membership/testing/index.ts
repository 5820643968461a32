export { describeLedgerContract } from './ledger-contract.ts';
export { exampleKey, exampleRecord, exampleState } from './examples.ts';
