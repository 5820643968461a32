import {
  InMemoryLedger,
  type LedgerKey,
  type LedgerRow,
  type LedgerWrite,
  type LedgerWriteResult,
} from '@activation-hub/membership';

/**
 * A ledger in which something happens before a read or a write: another worker writes, or the store
 * fails.
 */
export class DisturbedLedger extends InMemoryLedger {
  /** Called before the `n`th read or write, counted from 1. */
  beforeRead: (n: number, keys: readonly LedgerKey[]) => void | Promise<void> = () => undefined;
  beforeWrite: (n: number, writes: readonly LedgerWrite[]) => void | Promise<void> = () => undefined;
  #reads = 0;
  #writes = 0;

  override async read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly (LedgerRow | undefined)[]> {
    this.#reads += 1;
    await this.beforeRead(this.#reads, keys);
    return await super.read(keys, signal);
  }

  override async write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    if (writes.length > 0) {
      this.#writes += 1;
      await this.beforeWrite(this.#writes, writes);
    }
    return await super.write(writes, signal);
  }

  /** Writes one row as another worker, whatever version is there. */
  async overwrite(key: LedgerKey, record: LedgerWrite['record']): Promise<void> {
    const { signal } = new AbortController();
    const [row] = await super.read([key], signal);
    await super.write([{ key, record, expected: row?.version }], signal);
  }
}
