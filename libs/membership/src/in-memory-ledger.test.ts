import { describeLedgerContract, describeUnreadableRowContract, SpoilableLedger } from '../testing/index.ts';
import { InMemoryLedger } from './in-memory-ledger.ts';
import type { Ledger } from './ledger.ts';

describeLedgerContract('the in-memory ledger', (same) => Promise.resolve(same ?? new InMemoryLedger()));

describeLedgerContract('a ledger whose rows can be spoiled', (same) => Promise.resolve(same ?? new SpoilableLedger()));

const opened = new WeakMap<Ledger, SpoilableLedger>();
describeUnreadableRowContract(
  'a ledger whose rows can be spoiled',
  () => {
    const ledger = new SpoilableLedger();
    opened.set(ledger, ledger);
    return Promise.resolve(ledger);
  },
  (ledger, key) => opened.get(ledger)?.spoil(key) ?? Promise.reject(new Error('It is another ledger.')),
);
