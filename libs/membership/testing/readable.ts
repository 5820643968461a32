import { isUnreadableRow, type Ledger, type LedgerEntry, type LedgerKey, type LedgerRow } from '../src/index.ts';
import type { LedgerSelection, UnreadableRow } from '../src/index.ts';

interface ReadableLedger {
  read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly (LedgerRow | undefined)[]>;
  rows(of: LedgerSelection, signal: AbortSignal): AsyncGenerator<LedgerEntry>;
}

/** A ledger of which a test expects that each row can be read; throws at one that cannot. */
export function readable(ledger: Pick<Ledger, 'read' | 'rows'>): ReadableLedger {
  return {
    read: async (keys, signal) => (await ledger.read(keys, signal)).map(asReadable),
    async *rows(of, signal) {
      for await (const entry of ledger.rows(of, signal)) yield asReadable(entry);
    },
  };
}

function asReadable<Row extends object | undefined>(row: Row | UnreadableRow): Row {
  if (isUnreadableRow(row)) throw new Error(`The row cannot be read: ${row.unreadable}.`);
  return row;
}
