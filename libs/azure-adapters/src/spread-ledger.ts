import {
  refuseUnkeepableWrites,
  type Ledger,
  type LedgerEntry,
  type LedgerKey,
  type LedgerSelection,
  type LedgerWrite,
  type LedgerWriteResult,
  type ReadRow,
  type UnreadableRow,
} from '@activation-hub/membership';
import { inParallel } from './in-parallel.ts';
import { identityRange } from './ledger-entity.ts';
import { LedgerLayout, type LayoutOptions } from './ledger-layout.ts';
import { accountOf, ledgerAccounts, ledgerTables, type LedgerTableNames, type LedgerTables } from './ledger-tables.ts';
import type { StorageConnection } from './storage-connections.ts';
import {
  checkExport,
  exportTables,
  importTables,
  refuseRows,
  type ExportOptions,
  type Imported,
  type ImportOptions,
} from './table-backup.ts';
import { TableLedger, type TableLedgerOptions } from './table-ledger.ts';

/**
 * The ledger of a connection, in each account that its table endpoint names. Nothing is sent yet.
 * Throws as `ledgerTables` does.
 */
export function openLedger(
  connection: StorageConnection,
  names?: LedgerTableNames,
  options?: LayoutOptions,
): SpreadLedger {
  return new SpreadLedger(ledgerTables(ledgerAccounts(connection), names), options);
}

/**
 * The ledger over the tables of one account or of several, each a `TableLedger`. A bit or more of
 * an identity's digest says in which account its rows are (`accountOf`); everything that goes over
 * many identities goes over all accounts.
 *
 * Before anything else, and again every thirty seconds, it compares what the accounts say of
 * themselves with the configuration, and throws when they are not those of one ledger, or when it
 * was closed (`LedgerLayout`).
 */
export class SpreadLedger implements Ledger {
  readonly #tables: readonly LedgerTables[];
  readonly #ledgers: readonly TableLedger[];
  readonly #layout: LedgerLayout;

  constructor(tables: readonly LedgerTables[], options: TableLedgerOptions & LayoutOptions = {}) {
    this.#tables = tables;
    this.#ledgers = tables.map(({ rows }) => new TableLedger(rows, options));
    this.#layout = new LedgerLayout(tables, options);
  }

  /**
   * Makes what is missing in the accounts. The app calls it at its start, and so does an import; no
   * other method makes anything.
   */
  async createTables(signal: AbortSignal): Promise<void> {
    await this.#layout.keep(signal);
  }

  async read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly ReadRow[]> {
    await this.#layout.check(signal);
    return this.#inAccounts(
      keys,
      (key) => key,
      signal,
      (ledger, ofAccount, either) => ledger.read(ofAccount, either),
    );
  }

  async write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    await this.#layout.check(signal);
    // Before the rows of any account.
    refuseUnkeepableWrites(writes);
    return this.#inAccounts(
      writes,
      ({ key }) => key,
      signal,
      (ledger, ofAccount, either) => ledger.write(ofAccount, either),
    );
  }

  async remove(key: LedgerKey, expected: string, signal: AbortSignal): Promise<boolean> {
    await this.#layout.check(signal);
    return this.#ledgerOf(key).remove(key, expected, signal);
  }

  async *rows(of: LedgerSelection, signal: AbortSignal): AsyncGenerator<LedgerEntry | UnreadableRow, void> {
    await this.#layout.check(signal);
    if ('identity' in of) return yield* this.#ledgerOf(of).rows(of, signal);
    if (of.startAt === undefined) {
      for (const ledger of this.#ledgers) yield* ledger.rows(of, signal);
      return;
    }
    // The account in which the walk begins, and where in it; the others follow whole.
    const place = of.startAt * this.#ledgers.length;
    const start = Math.floor(place);
    const from = { startAt: place - start };
    for (const ledger of [...this.#ledgers.slice(start), ...this.#ledgers.slice(0, start)])
      yield* ledger.rows(from, signal);
  }

  /** As `TableLedger` gives them; a destination once for each account that has rows of it. */
  async *destinations(signal: AbortSignal): AsyncGenerator<string, void> {
    await this.#layout.check(signal);
    for (const ledger of this.#ledgers) yield* ledger.destinations(signal);
  }

  /** As `TableLedger` gives them; those of one account after those of another. */
  async *rowsWrittenSince(sinceMs: number, signal: AbortSignal): AsyncGenerator<LedgerEntry | UnreadableRow, void> {
    await this.#layout.check(signal);
    for (const ledger of this.#ledgers) yield* ledger.rowsWrittenSince(sinceMs, signal);
  }

  /**
   * Closes the ledger before it is moved. When this resolves no process writes it any more, however
   * long it has been open there; until then a minute passes. An import opens it again.
   */
  async close(signal: AbortSignal): Promise<void> {
    await this.#layout.close(signal);
  }

  /** Every row as lines of JSON, as `exportTables` says; also of a ledger that was closed. */
  async *exported(options: ExportOptions): AsyncGenerator<string, void> {
    await this.#layout.checkForExport(options.signal);
    yield* exportTables(
      this.#tables.map(({ rows }) => rows),
      options,
    );
  }

  /**
   * Writes the lines of an export, as `importTables` says, of however many accounts it was: each
   * row goes where it belongs in these. `lines` is called twice. First all are read, and a file
   * that is no whole export is refused before anything is written. From its first row until it has
   * ended, nothing else opens the ledger.
   */
  async import(lines: () => AsyncIterable<string>, options: ImportOptions): Promise<Imported> {
    const { signal, resume = false } = options;
    const tables = this.#tables.map(({ rows }) => rows);
    await checkExport(lines(), signal);
    await this.#layout.keepForImport(signal);
    if (!resume) await refuseRows(tables, signal);
    await this.#layout.markImported(false, signal);
    const imported = await importTables(tables, lines(), options);
    await this.#layout.markImported(true, signal);
    return imported;
  }

  #ledgerOf({ destination, identity }: Pick<LedgerKey, 'destination' | 'identity'>): TableLedger {
    const account = accountOf(identityRange(destination, identity).rowKeyPrefix, this.#ledgers.length);
    const ledger = this.#ledgers[account];
    if (ledger === undefined) throw new RangeError(`Failed to place a row: there is no account ${account}.`);
    return ledger;
  }

  /** Does the work in each account that has items of it, and gives the results in their order. */
  async #inAccounts<Item, Result>(
    items: readonly Item[],
    keyOf: (item: Item) => LedgerKey,
    signal: AbortSignal,
    work: (ledger: TableLedger, items: readonly Item[], signal: AbortSignal) => Promise<readonly Result[]>,
  ): Promise<readonly Result[]> {
    const [only] = this.#ledgers;
    if (only !== undefined && this.#ledgers.length === 1) return work(only, items, signal);
    const byLedger = Map.groupBy(items.entries(), ([, item]) => this.#ledgerOf(keyOf(item)));
    const results: Result[] = [];
    await inParallel([...byLedger], byLedger.size, signal, async ([ledger, placed], either) => {
      const answers = await work(
        ledger,
        placed.map(([, item]) => item),
        either,
      );
      for (const [index, [place]] of placed.entries()) results[place] = answers[index] as Result;
    });
    return results;
  }
}
