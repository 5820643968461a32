import { hash } from 'node:crypto';
import type { Identity } from './identity.ts';
import { refuseUnkeepableWrites } from './keepable-writes.ts';
import {
  ledgerKeyText,
  ledgerParts,
  type Ledger,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRow,
  type LedgerSelection,
  type LedgerWrite,
  type LedgerWriteResult,
} from './ledger.ts';

/**
 * A ledger that lives as long as the process: for tests, benchmarks and dry runs. It grows with its
 * keys, without bound.
 */
export class InMemoryLedger implements Ledger {
  readonly #rows = new Map<string, LedgerEntry>();
  #versions = 0;

  /** How many rows it holds. */
  get size(): number {
    return this.#rows.size;
  }

  read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly (LedgerRow | undefined)[]> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return Promise.resolve(
      keys.map((key) => {
        const entry = this.#rows.get(ledgerKeyText(key));
        return entry === undefined ? undefined : { record: entry.record, version: entry.version };
      }),
    );
  }

  async write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    signal.throwIfAborted();
    refuseUnkeepableWrites(writes);
    return await Promise.resolve(writes.map((write) => this.#write(write)));
  }

  remove(key: LedgerKey, expected: string, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const text = ledgerKeyText(key);
    return Promise.resolve(this.#rows.get(text)?.version === expected && this.#rows.delete(text));
  }

  async *rows(of: LedgerSelection, signal: AbortSignal): AsyncGenerator<LedgerEntry> {
    for (const entry of beginningAt(of, [...this.#rows.values()])) {
      signal.throwIfAborted();
      if (isSelected(entry.key, of)) yield await Promise.resolve(entry);
    }
  }

  #write({ key, record, expected }: LedgerWrite): LedgerWriteResult {
    const text = ledgerKeyText(key);
    if (this.#rows.get(text)?.version !== expected) return { written: false };
    this.#versions += 1;
    const version = String(this.#versions);
    this.#rows.set(text, { key, record, version });
    return { written: true, version };
  }
}

/** Whether a row is among those that the filter names. */
export function isSelected({ destination, identity }: LedgerKey, of: LedgerSelection): boolean {
  if (of.destination !== undefined && of.destination !== destination) return false;
  if ('part' in of) return of.part === partOf(identity);
  if (!('identity' in of)) return true;
  return of.identity.namespace === identity.namespace && of.identity.value === identity.value;
}

function partOf({ namespace, value }: Identity): number {
  return hash('sha256', JSON.stringify([namespace, value]), 'buffer').readUInt8(0) % ledgerParts;
}

/** The entries in the order in which a walk of that selection gives them. */
export function beginningAt<Entry>(of: LedgerSelection, entries: readonly Entry[]): readonly Entry[] {
  const start = Math.floor(('startAt' in of ? (of.startAt ?? 0) : 0) * entries.length);
  return [...entries.slice(start), ...entries.slice(0, start)];
}
