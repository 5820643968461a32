import {
  InMemoryLedger,
  type Ledger,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRow,
  type LedgerSelection,
  type LedgerWrite,
  type LedgerWriteResult,
} from '@activation-hub/membership';
import { GroupCommit } from '../src/group-commit.ts';
import { inParallel } from '../src/in-parallel.ts';
import { entityAddress, rowKeyPrefixOf } from '../src/ledger-entity.ts';
import { requestsOfTable } from '../src/table-ledger.ts';

interface PacedWrite {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly bytes: number;
  readonly write: LedgerWrite;
}

/**
 * A ledger in memory that makes the requests of a `TableLedger`, grouped by the same code, and
 * waits for `request` at each: what the requests cost in virtual time.
 */
export class PacedLedger implements Ledger {
  readonly #rows = new InMemoryLedger();
  readonly #request: () => Promise<void>;
  readonly #writes: GroupCommit<PacedWrite, LedgerWriteResult>;
  reads = 0;
  transactions = 0;

  constructor(request: () => Promise<void>) {
    this.#request = request;
    this.#writes = new GroupCommit({
      commit: async (group, signal) => {
        this.transactions += 1;
        await request();
        const results = await this.#rows.write(
          group.map(({ write }) => write),
          signal,
        );
        return results.map((result) => ({ result }));
      },
      concurrencyMax: requestsOfTable.transactionsMax,
      rowsMax: requestsOfTable.transactionRowsMax,
      bytesMax: Infinity,
    });
  }

  async read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly (LedgerRow | undefined)[]> {
    const identities = new Set(keys.map((key) => rowKeyPrefixOf(entityAddress(key).rowKey)));
    await inParallel([...identities], requestsOfTable.readsMax, signal, async () => {
      this.reads += 1;
      await this.#request();
    });
    return this.#rows.read(keys, signal);
  }

  write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    return this.#writes.write(
      writes.map((write) => ({ ...entityAddress(write.key), bytes: 0, write })),
      signal,
    );
  }

  async remove(key: LedgerKey, expected: string, signal: AbortSignal): Promise<boolean> {
    await this.#request();
    return this.#rows.remove(key, expected, signal);
  }

  rows(of: LedgerSelection, signal: AbortSignal): AsyncIterable<LedgerEntry> {
    return this.#rows.rows(of, signal);
  }
}
