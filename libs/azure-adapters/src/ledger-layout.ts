import { randomUUID } from 'node:crypto';
import type { TableEntityResult } from '@azure/data-tables';
import type { LedgerTables } from './ledger-tables.ts';
import { callStore, StoreFailure, type Store } from './store-call.ts';

/** What an account of a ledger says of itself: which it is, of how many, and of which ledger. */
interface Layout {
  readonly account: number;
  readonly accounts: number;
  readonly ledgerId: string;
}

/** A layout with the place of its account in the configuration. */
interface StoredLayout extends Layout {
  readonly at: number;
}

/** The one row of the table of the layout. */
const address = { partitionKey: 'layout', rowKey: 'ledger' } as const;
const operationTimeoutMs = 15_000;

/**
 * Keeps apart what belongs apart. With another number of accounts, another order, or an account of
 * another ledger, rows would be looked for where they are not: then a destination counts as never
 * told of its members. So each account has a row that says which account of which ledger it is, in
 * a table of its own, and each process that uses the ledger compares it with the configuration
 * first.
 *
 * A ledger from before there were layouts is one of a single account.
 */
export class LedgerLayout {
  readonly #accounts: readonly LedgerTables[];
  #isChecked = false;

  constructor(accounts: readonly LedgerTables[]) {
    this.#accounts = accounts;
  }

  /**
   * Makes the tables that are missing, and writes the layout where there is none. Throws a sentence
   * when the accounts are not those of one ledger, in their order; throws `StoreFailure`.
   */
  async keep(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#accounts.flatMap(({ rows, layout }) => [rows, layout]).map((table) => createTable(table, signal)),
    );
    const stored = await this.#read(signal);
    this.#compare(stored.filter((layout) => layout !== undefined));
    if (this.#accounts.length > 1) await this.#refuseRowsWithout(stored, signal);
    let ledgerId = stored.find((layout) => layout !== undefined)?.ledgerId;
    // One after the other: of two processes that start at once, the first account decides whose id
    // counts.
    for (const account of this.#accounts.keys()) {
      if (stored[account] !== undefined) continue;
      const written = await this.#write(account, ledgerId ?? randomUUID(), signal);
      ledgerId ??= written.ledgerId;
    }
    this.#isChecked = false;
    await this.check(signal);
  }

  /**
   * Compares once what the accounts say with the configuration. Throws a sentence when they differ,
   * or when several accounts say nothing yet; throws `StoreFailure`.
   */
  async check(signal: AbortSignal): Promise<void> {
    if (this.#isChecked) return;
    const stored = await this.#read(signal);
    this.#compare(stored.filter((layout) => layout !== undefined));
    const silent = stored.indexOf(undefined);
    if (silent !== -1 && this.#accounts.length > 1) {
      throw new Error(
        `Failed to open the ledger: the account at ${this.#host(silent)} does not say yet which account of the ledger it is. Start the function app, or import a ledger.`,
      );
    }
    this.#isChecked = true;
  }

  #compare(stored: readonly StoredLayout[]): void {
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
  async #refuseRowsWithout(stored: readonly (StoredLayout | undefined)[], signal: AbortSignal): Promise<void> {
    const silent = this.#accounts.filter((_, account) => stored[account] === undefined);
    await Promise.all(
      silent.map(async ({ rows }) => {
        const page = await callStore(storeAt(rows.url), 'read the ledger', signal, (abortSignal) =>
          rows.listEntities({ abortSignal }).byPage({ maxPageSize: 1 }).next(),
        );
        if (page.done !== true && page.value.length > 0) throw new Error(otherCount(1, this.#accounts.length));
      }),
    );
  }

  #host(account: number): string {
    return new URL(this.#accounts[account]?.rows.url ?? '').host;
  }
}

function otherCount(stored: number, configured: number): string {
  return (
    `Failed to open the ledger: it is spread over ${stored} ${stored === 1 ? 'account' : 'accounts'}, and ${configured} ${configured === 1 ? 'is' : 'are'} configured. ` +
    'With another number no row would be found, and members would be lost. Configure as many as before, or move the ledger (docs/operating/scale.md).'
  );
}

async function createTable(table: LedgerTables['rows'], signal: AbortSignal): Promise<void> {
  await callStore(storeAt(table.url), 'create the ledger', signal, (abortSignal) => table.createTable({ abortSignal }));
}

function layoutIn({ account, accounts, ledgerId }: TableEntityResult<Record<string, unknown>>): Layout {
  if (typeof account === 'number' && typeof accounts === 'number' && typeof ledgerId === 'string')
    return { account, accounts, ledgerId };
  throw new Error(
    'Failed to open the ledger: the row in the table of its layout is not what the ledger writes. Restore the row, or delete it where the ledger is empty.',
  );
}

const storeAt = (url: string): Store => ({ name: 'table store', url, operationTimeoutMs });
