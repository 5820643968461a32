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
  /** Whether an import ended; false while one is under way, and absent where there was none. */
  readonly imported?: boolean;
  /** When it was closed, in epoch milliseconds; absent while it is open. */
  readonly closedAtMs?: number;
}

/** A layout with the place of its account in the configuration. */
interface StoredLayout extends Layout {
  readonly at: number;
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
    if (!this.#isMoving) await this.#make({ isImport: false }, signal);
    this.#believedUntilMs = -Infinity;
    await this.check(signal);
  }

  /** Makes what is missing for an import, also where an account has lost what it had. */
  async keepForImport(signal: AbortSignal): Promise<void> {
    await this.#make({ isImport: true }, signal);
  }

  /**
   * Closes the ledger, for its last export: no process uses it any more when this resolves, those
   * included that had it open. An import opens it again.
   */
  async close(signal: AbortSignal): Promise<void> {
    await this.#make({ isImport: false }, signal);
    const stored = (await this.#compared(signal)).filter((layout) => layout !== undefined);
    const closedAtMs = stored.map((layout) => layout.closedAtMs ?? this.#clock.now());
    for (const [account, { layout }] of this.#accounts.entries()) {
      const closedAt = new Date(closedAtMs[account] ?? this.#clock.now()).toISOString();
      await callStore(storeAt(layout.url), 'close the ledger', signal, (abortSignal) =>
        layout.updateEntity({ ...address, closedAt }, 'Merge', { abortSignal }),
      );
    }
    const leftMs = Math.max(...closedAtMs) + closingMs - this.#clock.now();
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
    if (known.some(({ imported }) => imported === false)) throw new Error(importUnended);
    if (this.#isMoving && (known.length < stored.length || known.some(({ imported }) => imported !== true)))
      throw new Error(notImported);
    const silent = stored.indexOf(undefined);
    if (silent !== -1 && this.#accounts.length > 1) {
      throw new Error(
        `Failed to open the ledger: the account at ${this.#host(silent)} does not say yet which account of the ledger it is. Start the function app, or import a ledger.`,
      );
    }
    await Promise.all(known.map(({ at }) => this.#refuseLostTable(at, signal)));
    return known;
  }

  /**
   * A table of rows is made only before its layout, or by an import: one that is gone since has
   * taken its rows with it, and is not made anew.
   */
  async #make({ isImport }: { readonly isImport: boolean }, signal: AbortSignal): Promise<void> {
    const stored = await this.#compared(signal);
    const silent = this.#accounts.filter((_, account) => stored[account] === undefined);
    const made = isImport ? this.#accounts : silent;
    await Promise.all(made.flatMap(({ rows, layout }) => [rows, layout]).map((table) => createTable(table, signal)));
    if (this.#accounts.length > 1) await this.#refuseRowsWithout(silent, signal);
    if (!isImport && silent.length < this.#accounts.length) await this.#refuseLostAccount(stored, signal);
    let ledgerId = stored.find((layout) => layout !== undefined)?.ledgerId;
    // One after the other: of two processes that start at once, the first account decides whose id
    // counts.
    for (const account of this.#accounts.keys()) {
      if (stored[account] !== undefined) continue;
      const written = await this.#write(account, ledgerId ?? randomUUID(), signal);
      ledgerId ??= written.ledgerId;
    }
  }

  /** What the accounts say; throws a sentence when they are not those of one ledger. */
  async #compared(signal: AbortSignal): Promise<readonly (StoredLayout | undefined)[]> {
    const all = await this.#read(signal);
    const stored = all.filter((layout) => layout !== undefined);
    const accounts = this.#accounts.length;
    for (const { at, account, accounts: of, ledgerId } of stored) {
      if (of !== accounts) throw new Error(otherCount(of, accounts));
      if (account !== at) {
        throw new Error(
          `Failed to open the ledger: the account at ${this.#host(at)} is number ${account + 1} of the ledger, and is configured as number ${at + 1}. Configure the accounts in their order.`,
        );
      }
      if (ledgerId !== stored[0]?.ledgerId) {
        throw new Error(
          `Failed to open the ledger: the account at ${this.#host(at)} belongs to another ledger than the one at ${this.#host(stored[0]?.at ?? 0)}. Configure the accounts of one ledger.`,
        );
      }
    }
    return all;
  }

  async #read(signal: AbortSignal): Promise<readonly (StoredLayout | undefined)[]> {
    return Promise.all(
      this.#accounts.map(async ({ layout }, at) => {
        try {
          const entity = await callStore(storeAt(layout.url), 'read the ledger', signal, (abortSignal) =>
            layout.getEntity(address.partitionKey, address.rowKey, { abortSignal }),
          );
          return { at, ...layoutIn(entity) };
        } catch (error) {
          if (error instanceof StoreFailure && error.statusCode === 404) return undefined;
          throw error;
        }
      }),
    );
  }

  /** Writes the layout of one account; gives that of another process when it was first. */
  async #write(account: number, ledgerId: string, signal: AbortSignal): Promise<Pick<Layout, 'ledgerId'>> {
    const layout = this.#accounts[account]?.layout;
    if (layout === undefined) return { ledgerId };
    const entity = { ...address, account, accounts: this.#accounts.length, ledgerId };
    try {
      await callStore(storeAt(layout.url), 'create the ledger', signal, (abortSignal) =>
        layout.createEntity(entity, { abortSignal }),
      );
      return { ledgerId };
    } catch (error) {
      if (!(error instanceof StoreFailure) || error.statusCode !== 409) throw error;
      return (await this.#read(signal))[account] ?? { ledgerId };
    }
  }

  /** Refuses accounts with rows and without a layout: each is a ledger of one account. */
  async #refuseRowsWithout(silent: readonly LedgerTables[], signal: AbortSignal): Promise<void> {
    const haveRows = await Promise.all(silent.map(({ rows }) => hasRows(rows, 'read the ledger', signal)));
    if (haveRows.includes(true)) throw new Error(otherCount(1, this.#accounts.length));
  }

  /**
   * Refuses an account without a layout beside accounts with rows: a start that was broken off
   * leaves none.
   */
  async #refuseLostAccount(stored: readonly (StoredLayout | undefined)[], signal: AbortSignal): Promise<void> {
    if (!stored.includes(undefined)) return;
    const kept = this.#accounts.filter((_, account) => stored[account] !== undefined);
    const haveRows = await Promise.all(kept.map(({ rows }) => hasRows(rows, 'read the ledger', signal)));
    if (!haveRows.includes(true)) return;
    // Another process that starts may have written the layout meanwhile, and rows after it.
    const lost = (await this.#read(signal)).indexOf(undefined);
    if (lost === -1) return;
    throw new Error(
      `Failed to open the ledger: the account at ${this.#host(lost)} does not say which account of the ledger it is, and others have rows: it has lost its own, or is another account. ${restore}`,
    );
  }

  async #refuseLostTable(account: number, signal: AbortSignal): Promise<void> {
    const { rows } = this.#accounts[account] ?? {};
    try {
      if (rows !== undefined) await hasRows(rows, 'read the ledger', signal);
    } catch (error) {
      if (!(error instanceof StoreFailure) || error.statusCode !== 404) throw error;
      throw new Error(
        `Failed to open the ledger: the account at ${this.#host(account)} has lost its table of rows. ${restore}`,
        { cause: error },
      );
    }
  }

  #host(account: number): string {
    return new URL(this.#accounts[account]?.rows.url ?? '').host;
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
    const closedAtMs = typeof closedAt === 'string' ? Date.parse(closedAt) : NaN;
    return {
      account,
      accounts,
      ledgerId,
      ...(typeof imported === 'boolean' ? { imported } : {}),
      ...(Number.isNaN(closedAtMs) ? {} : { closedAtMs }),
    };
  }
  throw new Error(
    'Failed to open the ledger: the row in the table of its layout is not what the ledger writes. Restore the row, or delete it where the ledger is empty.',
  );
}

const storeAt = (url: string): Store => ({ name: 'table store', url, operationTimeoutMs });
