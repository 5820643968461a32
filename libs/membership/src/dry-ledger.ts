import { beginningAt, isSelected } from './in-memory-ledger.ts';
import { refuseUnkeepableWrites } from './keepable-writes.ts';
import {
  ledgerKeyText,
  type Ledger,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRow,
  type LedgerSelection,
  type LedgerWrite,
  type LedgerWriteResult,
  type ReadRow,
} from './ledger.ts';
import { isUnreadableRow, type UnreadableRow } from './unreadable-row.ts';

/**
 * A ledger that reads another one, and keeps what is written in this process alone: for dry runs,
 * which go the whole way and change nothing. Grows with what is written, without bound.
 */
export class DryLedger implements Ledger {
  readonly #under: Pick<Ledger, 'read' | 'rows'>;
  /** By the text of its key, each row that was written here; undefined when it was removed. */
  readonly #own = new Map<string, LedgerEntry | undefined>();
  #versions = 0;

  constructor(under: Pick<Ledger, 'read' | 'rows'>) {
    this.#under = under;
  }

  async read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly ReadRow[]> {
    signal.throwIfAborted();
    const asked = keys.filter((key) => !this.#own.has(ledgerKeyText(key)));
    const rows = asked.length === 0 ? [] : await this.#under.read(asked, signal);
    const found = new Map(asked.map((key, index) => [ledgerKeyText(key), rows[index]]));
    return keys.map((key) => {
      const text = ledgerKeyText(key);
      return this.#own.has(text) ? rowOf(this.#own.get(text)) : found.get(text);
    });
  }

  async write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    signal.throwIfAborted();
    refuseUnkeepableWrites(writes);
    const rows = await this.read(
      writes.map(({ key }) => key),
      signal,
    );
    return writes.map((write, index) => this.#write(write, rows[index]));
  }

  async remove(key: LedgerKey, expected: string, signal: AbortSignal): Promise<boolean> {
    const [row] = await this.read([key], signal);
    if (versionOf(row) !== expected) return false;
    this.#own.set(ledgerKeyText(key), undefined);
    return true;
  }

  async *rows(of: LedgerSelection, signal: AbortSignal): AsyncGenerator<LedgerEntry | UnreadableRow> {
    // No write is made here to a row that cannot be read.
    for await (const entry of this.#under.rows(of, signal))
      if (isUnreadableRow(entry) || !this.#own.has(ledgerKeyText(entry.key))) yield entry;
    for (const entry of beginningAt(of, [...this.#own.values()])) {
      signal.throwIfAborted();
      if (entry !== undefined && isSelected(entry.key, of)) yield entry;
    }
  }

  #write({ key, record, expected }: LedgerWrite, row: ReadRow): LedgerWriteResult {
    const text = ledgerKeyText(key);
    // Another write may have come while the row was read.
    const version = this.#own.has(text) ? this.#own.get(text)?.version : versionOf(row);
    if (version !== expected) return { written: false };
    this.#versions += 1;
    const next = `dry-${this.#versions}`;
    this.#own.set(text, { key, record, version: next });
    return { written: true, version: next };
  }
}

/** No write meets the version of a row that cannot be read. */
const unreadableVersion = Symbol('unreadable');

function versionOf(row: ReadRow): string | undefined | typeof unreadableVersion {
  return isUnreadableRow(row) ? unreadableVersion : row?.version;
}

function rowOf(entry: LedgerEntry | undefined): LedgerRow | undefined {
  return entry === undefined ? undefined : { record: entry.record, version: entry.version };
}
