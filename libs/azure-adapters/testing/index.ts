export { PacedLedger } from './paced-ledger.ts';
export { startStorageProxy, type StorageProxy, type Treatment } from './storage-proxy.ts';
