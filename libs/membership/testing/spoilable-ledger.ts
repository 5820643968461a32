import {
  InMemoryLedger,
  ledgerKeyText,
  type Ledger,
  type LedgerEntry,
  type LedgerKey,
  type LedgerSelection,
  type LedgerWrite,
  type LedgerWriteResult,
  type UnreadableRow,
} from '../src/index.ts';

/** A ledger in which rows can be spoiled, as a newer release that was rolled back leaves them. */
export class SpoilableLedger implements Ledger {
  readonly under: InMemoryLedger;
  readonly #spoiled = new Map<string, UnreadableRow>();

  constructor(under = new InMemoryLedger()) {
    this.under = under;
  }

  /** Makes a row one that cannot be read; gives what stands in its place. */
  async spoil(key: LedgerKey): Promise<UnreadableRow> {
    const { signal } = new AbortController();
    const [row] = await this.under.read([key], signal);
    if (row === undefined) throw new Error('Failed to spoil a row: there is none.');
    // It was written by another process, and has a version that no process of this release knows.
    await this.under.write([{ key, record: row.record, expected: row.version }], signal);
    const spoiled = { unreadable: `column rowState of row ${key.destination}.0/${this.#spoiled.size}` };
    this.#spoiled.set(ledgerKeyText(key), spoiled);
    return spoiled;
  }

  /** The release that can read the rows is back. */
  mend(): void {
    this.#spoiled.clear();
  }

  async read(keys: readonly LedgerKey[], signal: AbortSignal) {
    const rows = await this.under.read(keys, signal);
    return keys.map((key, index) => this.#spoiled.get(ledgerKeyText(key)) ?? rows[index]);
  }

  write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    return this.under.write(writes, signal);
  }

  remove(key: LedgerKey, expected: string, signal: AbortSignal): Promise<boolean> {
    return this.under.remove(key, expected, signal);
  }

  async *rows(of: LedgerSelection, signal: AbortSignal): AsyncGenerator<LedgerEntry | UnreadableRow> {
    for await (const entry of this.under.rows(of, signal)) yield this.#spoiled.get(ledgerKeyText(entry.key)) ?? entry;
  }
}
