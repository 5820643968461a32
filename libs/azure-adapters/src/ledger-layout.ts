import { randomUUID } from 'node:crypto';
import { systemClock, type Clock } from '@activation-hub/delivery';
import type { TableEntityResult } from '@azure/data-tables';
import type { LedgerTables } from './ledger-tables.ts';
import { callStore, StoreFailure, type Store } from './store-call.ts';
import { hasRows } from './table-backup.ts';

/** What an account of a ledger says of itself: which it is, of how many, and of which ledger. */
interface Layout {
  readonly account: number;
  readonly accounts: number;
  readonly ledgerId: string;
  /** Whether an import is under way. */
  readonly isUnended: boolean;
  /** Whether an import ended; where there was none, neither. */
  readonly isImported: boolean;
  /** When it was closed, in epoch milliseconds; absent while it is open. */
  readonly closedAtMs?: number;
}

/** A layout with its account, and the place of that in the configuration. */
interface StoredLayout extends Layout {
  readonly at: number;
  readonly tables: LedgerTables;
}

/** The one row of the table of the layout. */
const address = { partitionKey: 'layout', rowKey: 'ledger' } as const;
const operationTimeoutMs = 15_000;
/** For how long a process believes the accounts before it looks again. */
const believedMs = 30_000;
/**
 * How long after it was closed the last write can come: of a call that began before its process
 * looked again, and was tried again as long as one operation may take.
 */
const closingMs = believedMs + 2 * operationTimeoutMs;

export interface LayoutOptions {
  readonly clock?: Pick<Clock, 'now' | 'sleep'>;
  /**
   * The ledger is being moved here: nothing is made, and it is used only after an import, so that
   * an empty one never takes the place of that with the rows.
   */
  readonly isMoving?: boolean;
}

/**
 * Keeps apart what belongs apart. With another number of accounts, another order, or an account of
 * another ledger, rows would be looked for where they are not: then a destination counts as never
 * told of its members. So each account has a row that says which account of which ledger it is, in
 * a table of its own, and each process that uses the ledger compares it with the configuration
 * first, and again every thirty seconds. It refuses a ledger of which rows are missing, too: where
 * an import has not ended, where an account has lost its table, or all that it had; and one that
 * was closed because it is moved, for rows that are written after its export would be lost.
 *
 * A ledger from before there were layouts is one of a single account.
 */
export class LedgerLayout {
  readonly #accounts: readonly LedgerTables[];
  readonly #isMoving: boolean;
  readonly #clock: Pick<Clock, 'now' | 'sleep'>;
  /** -Infinity before the first check, and after one that failed. */
  #believedUntilMs = -Infinity;

  constructor(accounts: readonly LedgerTables[], { isMoving = false, clock = systemClock }: LayoutOptions = {}) {
    this.#accounts = accounts;
    this.#isMoving = isMoving;
    this.#clock = clock;
  }

  /**
   * Makes the tables and the layout of accounts that have none. Throws a sentence when the accounts
   * are not those of one ledger, in their order, or when rows are missing; throws `StoreFailure`.
   */
  async keep(signal: AbortSignal): Promise<void> {
    if (!this.#isMoving) await this.#make(signal);
    this.#believedUntilMs = -Infinity;
    await this.check(signal);
  }

  /** Makes what is missing for an import, also where an account has lost what it had. */
  async keepForImport(signal: AbortSignal): Promise<void> {
    await this.#make(signal, { isImport: true });
  }

  /**
   * Closes the ledger, for its last export: no process uses it any more when this resolves, those
   * included that had it open. An import opens it again.
   */
  async close(signal: AbortSignal): Promise<void> {
    await this.#make(signal);
    const nowMs = this.#clock.now();
    const stored = (await this.#compared(signal)).filter((layout) => layout !== undefined);
    for (const { tables, closedAtMs = nowMs } of stored) {
      const { layout } = tables;
      const closedAt = new Date(closedAtMs).toISOString();
      await callStore(storeAt(layout.url), 'close the ledger', signal, (abortSignal) =>
        layout.updateEntity({ ...address, closedAt }, 'Merge', { abortSignal }),
      );
    }
    const lastMs = Math.max(...stored.map(({ closedAtMs = nowMs }) => closedAtMs));
    const leftMs = lastMs + closingMs - this.#clock.now();
    if (leftMs > 0) await this.#clock.sleep(leftMs, signal);
    signal.throwIfAborted();
  }

  /** Says in each account that an import is under way (`false`), or has ended; both open it. */
  async markImported(imported: boolean, signal: AbortSignal): Promise<void> {
    for (const { layout } of this.#accounts) {
      await callStore(storeAt(layout.url), 'import the ledger', signal, (abortSignal) =>
        layout.updateEntity({ ...address, imported, closedAt: '' }, 'Merge', { abortSignal }),
      );
    }
  }

  /**
   * Compares what the accounts say with the configuration, unless it did so lately. Throws a
   * sentence when they differ, when several accounts say nothing yet, when rows are missing, or
   * when it was closed; throws `StoreFailure`.
   */
  async check(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.now();
    if (nowMs < this.#believedUntilMs) return;
    // Of later calls none waits for this one.
    if (this.#believedUntilMs > -Infinity) this.#believedUntilMs = nowMs + believedMs;
    try {
      const known = await this.#checkNow(signal);
      if (known.some(({ closedAtMs }) => closedAtMs !== undefined)) throw new Error(closed);
      this.#believedUntilMs = nowMs + believedMs;
    } catch (error) {
      this.#believedUntilMs = -Infinity;
      throw error;
    }
  }

  /** As `check`; a ledger that was closed may be exported. */
  async checkForExport(signal: AbortSignal): Promise<void> {
    await this.#checkNow(signal);
  }

  async #checkNow(signal: AbortSignal): Promise<readonly StoredLayout[]> {
    const stored = await this.#compared(signal);
    const known = stored.filter((layout) => layout !== undefined);
    if (known.some(({ isUnended }) => isUnended)) throw new Error(importUnended);
    if (this.#isMoving && !stored.every((layout) => layout?.isImported)) throw new Error(notImported);
    const [silent] = this.#without(stored);
    if (silent !== undefined && this.#accounts.length > 1) {
      throw new Error(
        `Failed to open the ledger: the account at ${hostOf(silent)} does not say yet which account of the ledger it is. Start the function app, or import a ledger.`,
      );
    }
    await Promise.all(known.map(({ tables }) => refuseLostTable(tables, signal)));
    return known;
  }

  /**
   * A table of rows is made only before its layout, or by an import: one that is gone since has
   * taken its rows with it, and is not made anew.
   */
  async #make(signal: AbortSignal, { isImport = false } = {}): Promise<void> {
    const stored = await this.#compared(signal);
    const silent = this.#without(stored);
    const made = isImport ? this.#accounts : silent;
    await Promise.all(made.flatMap(({ rows, layout }) => [rows, layout]).map((table) => createTable(table, signal)));
    if (this.#accounts.length > 1) {
      await this.#refuseRowsWithout(silent, signal);
      if (!isImport) await this.#refuseLostAccount(silent, signal);
    }
    let ledgerId = stored.find((layout) => layout !== undefined)?.ledgerId;
    // One after the other: of two processes that start at once, the first account decides whose id
    // counts.
    for (const [account, tables] of this.#accounts.entries()) {
      if (stored[account] !== undefined) continue;
      const written = await this.#write(tables, { account, ledgerId: ledgerId ?? randomUUID() }, signal);
      ledgerId ??= written;
    }
  }

  /** What the accounts say; throws a sentence when they are not those of one ledger. */
  async #compared(signal: AbortSignal): Promise<readonly (StoredLayout | undefined)[]> {
    const all = await this.#read(signal);
    const stored = all.filter((layout) => layout !== undefined);
    const accounts = this.#accounts.length;
    for (const { at, tables, account, accounts: of, ledgerId } of stored) {
      if (of !== accounts) throw new Error(otherCount(of, accounts));
      if (account !== at) {
        throw new Error(
          `Failed to open the ledger: the account at ${hostOf(tables)} is number ${account + 1} of the ledger, and is configured as number ${at + 1}. Configure the accounts in their order.`,
        );
      }
      const other = stored.find((each) => each.ledgerId !== ledgerId);
      if (other !== undefined) {
        throw new Error(
          `Failed to open the ledger: the account at ${hostOf(other.tables)} belongs to another ledger than the one at ${hostOf(tables)}. Configure the accounts of one ledger.`,
        );
      }
    }
    return all;
  }

  #read(signal: AbortSignal): Promise<readonly (StoredLayout | undefined)[]> {
    return Promise.all(this.#accounts.map((tables, at) => readLayout(tables, at, signal)));
  }

  /** The accounts that say nothing. */
  #without(stored: readonly (StoredLayout | undefined)[]): readonly LedgerTables[] {
    return this.#accounts.filter((_, account) => stored[account] === undefined);
  }

  /** Writes the layout of an account; gives the id in that of another process when it was first. */
  async #write(tables: LedgerTables, of: Pick<Layout, 'account' | 'ledgerId'>, signal: AbortSignal): Promise<string> {
    const { layout } = tables;
    const entity = { ...address, ...of, accounts: this.#accounts.length };
    try {
      await callStore(storeAt(layout.url), 'create the ledger', signal, (abortSignal) =>
        layout.createEntity(entity, { abortSignal }),
      );
      return of.ledgerId;
    } catch (error) {
      const other = hasStatus(error, 409) ? await readLayout(tables, of.account, signal) : undefined;
      if (other === undefined) throw error;
      return other.ledgerId;
    }
  }

  /** Refuses accounts with rows and without a layout: each is a ledger of one account. */
  async #refuseRowsWithout(silent: readonly LedgerTables[], signal: AbortSignal): Promise<void> {
    if (await haveRows(silent, signal)) throw new Error(otherCount(1, this.#accounts.length));
  }

  /**
   * Refuses an account without a layout beside accounts with rows: a start that was broken off
   * leaves none.
   */
  async #refuseLostAccount(silent: readonly LedgerTables[], signal: AbortSignal): Promise<void> {
    if (silent.length === 0 || !(await haveRows(this.#accounts, signal))) return;
    // Another process that starts may have written the layout meanwhile, and rows after it.
    const [lost] = this.#without(await this.#read(signal));
    if (lost === undefined) return;
    throw new Error(
      `Failed to open the ledger: the account at ${hostOf(lost)} does not say which account of the ledger it is, and others have rows: it has lost its own, or is another account. ${restore}`,
    );
  }
}

function hostOf({ rows }: LedgerTables): string {
  return new URL(rows.url).host;
}

function hasStatus(error: unknown, statusCode: number): boolean {
  return error instanceof StoreFailure && error.statusCode === statusCode;
}

/** Whether one of the accounts has rows. */
async function haveRows(accounts: readonly LedgerTables[], signal: AbortSignal): Promise<boolean> {
  const answers = await Promise.all(accounts.map(({ rows }) => hasRows(rows, 'read the ledger', signal)));
  return answers.includes(true);
}

async function refuseLostTable(tables: LedgerTables, signal: AbortSignal): Promise<void> {
  try {
    await haveRows([tables], signal);
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
    throw new Error(
      `Failed to open the ledger: the account at ${hostOf(tables)} has lost its table of rows. ${restore}`,
      { cause: error },
    );
  }
}

async function readLayout(tables: LedgerTables, at: number, signal: AbortSignal): Promise<StoredLayout | undefined> {
  const { layout } = tables;
  try {
    const entity = await callStore(storeAt(layout.url), 'read the ledger', signal, (abortSignal) =>
      layout.getEntity(address.partitionKey, address.rowKey, { abortSignal }),
    );
    return { at, tables, ...layoutIn(entity) };
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

const restore =
  'Destinations would count as never told of their members. Import the newest export (docs/operating/disaster.md).';
const importUnended =
  'Failed to open the ledger: an import into it has not ended. Go on with it: activation ledger import --resume.';
const closed =
  'Failed to open the ledger: it was closed, because it is moved, and what is written here now would be lost. Use it where it was moved to; or import its last export here with --resume, which opens it again (docs/operating/scale.md).';
const notImported =
  'Failed to open the ledger: it is being moved, and nothing was imported here yet. Import it (docs/operating/scale.md), or take back moveLedger where nothing moves.';

function otherCount(stored: number, configured: number): string {
  return (
    `Failed to open the ledger: it is spread over ${stored} ${stored === 1 ? 'account' : 'accounts'}, and ${configured} ${configured === 1 ? 'is' : 'are'} configured. ` +
    'With another number no row would be found, and members would be lost. Configure as many as before, or move the ledger (docs/operating/scale.md).'
  );
}

async function createTable(table: LedgerTables['rows'], signal: AbortSignal): Promise<void> {
  await callStore(storeAt(table.url), 'create the ledger', signal, (abortSignal) => table.createTable({ abortSignal }));
}

function layoutIn({ closedAt, ...row }: TableEntityResult<Record<string, unknown>>): Layout {
  const { account, accounts, ledgerId, imported } = row;
  if (typeof account === 'number' && typeof accounts === 'number' && typeof ledgerId === 'string') {
    // What is no time is that of none.
    const closedAtMs = Date.parse(String(closedAt));
    return {
      account,
      accounts,
      ledgerId,
      isUnended: imported === false,
      isImported: imported === true,
      ...(Number.isNaN(closedAtMs) ? {} : { closedAtMs }),
    };
  }
  throw new Error(
    'Failed to open the ledger: the row in the table of its layout is not what the ledger writes. Restore the row, or delete it where the ledger is empty.',
  );
}

const storeAt = (url: string): Store => ({ name: 'table store', url, operationTimeoutMs });
