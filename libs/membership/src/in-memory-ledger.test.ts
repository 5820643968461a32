import { describeLedgerContract } from '../testing/index.ts';
import { InMemoryLedger } from './in-memory-ledger.ts';

describeLedgerContract('the in-memory ledger', (same) => Promise.resolve(same ?? new InMemoryLedger()));
