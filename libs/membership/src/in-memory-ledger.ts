import {
  ledgerKeyText,
  type Ledger,
  type LedgerKey,
  type LedgerRow,
  type LedgerWrite,
  type LedgerWriteResult,
} from './ledger.ts';

/** A ledger that lives as long as the process: for tests, benchmarks and dry runs. It grows with its keys, without bound. */
export class InMemoryLedger implements Ledger {
  readonly #rows = new Map<string, LedgerRow>();
  #versions = 0;

  /** How many rows it holds. */
  get size(): number {
    return this.#rows.size;
  }

  read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly (LedgerRow | undefined)[]> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return Promise.resolve(keys.map((key) => this.#rows.get(ledgerKeyText(key))));
  }

  write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return Promise.resolve(writes.map((write) => this.#write(write)));
  }

  #write({ key, record, expected }: LedgerWrite): LedgerWriteResult {
    const text = ledgerKeyText(key);
    if (this.#rows.get(text)?.version !== expected) return { written: false };
    this.#versions += 1;
    const version = String(this.#versions);
    this.#rows.set(text, { record, version });
    return { written: true, version };
  }
}
