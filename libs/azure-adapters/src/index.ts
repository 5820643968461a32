export { BlobControls, type BlobControlsOptions } from './blob-controls.ts';
export { BlobDeadLetters, type BlobDeadLettersOptions } from './blob-dead-letters.ts';
export { measureLag, type LagOptions, type PartitionLag } from './event-hub-lag.ts';
export { readDeadLetter } from './dead-letter-document.ts';
export {
  containerClient,
  queueClient,
  tableClient,
  type BlobConnection,
  type StorageConnection,
} from './storage-connections.ts';
export { StorageRetryQueue, type StorageRetryQueueOptions } from './storage-retry-queue.ts';
export { roleOfStore } from './store-advice.ts';
export { StoreFailure } from './store-call.ts';
export type { Imported } from './table-backup.ts';
export { openLedger, SpreadLedger } from './spread-ledger.ts';
export { ledgerTables, type LedgerTables } from './ledger-tables.ts';
export { exportLedgerToBlob, type ExportedBlob } from './table-to-blob.ts';
export { TableLedger, type TableLedgerOptions } from './table-ledger.ts';
