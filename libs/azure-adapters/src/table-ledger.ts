import { randomUUID } from 'node:crypto';
import {
  odata,
  type TableClient,
  type TableEntity,
  type TableEntityQueryOptions,
  type TableEntityResult,
} from '@azure/data-tables';
import {
  isUnreadableRow,
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
import { GroupCommit, type CommitAnswer, type GroupedWrite } from './group-commit.ts';
import { inParallel } from './in-parallel.ts';
import {
  entityAddress,
  identityRange,
  partitionKeyPrefix,
  rowKeyPrefixOf,
  settlingColumns,
  toEntity,
  toKey,
  toRow,
  type EntityAddress,
} from './ledger-entity.ts';
import { isCosmos, isEmulator, wasSentBefore } from './storage-connections.ts';
import { callStore, StoreFailure, type Store } from './store-call.ts';
import { storePages } from './store-pages.ts';
import { submitTransaction, type RowWrite } from './table-transaction.ts';
import { orUnreadable } from './unreadable-row.ts';

export interface TableLedgerOptions {
  /** How many reads one call keeps under way; 64 by default. */
  readonly readsMax?: number;
  /** How many transactions all calls together keep under way; 16 by default. */
  readonly transactionsMax?: number;
  /** How long one operation may take, its retries included, in milliseconds; 15,000 by default. */
  readonly operationTimeoutMs?: number;
  /**
   * Up to how many rows of one identity are read one by one, in parallel, rather than by one query.
   * 1 by default, so that one request does; 100 for an emulator, because Azurite scans the whole
   * table for every query.
   */
  readonly pointReadsMax?: number;
}

type Entity = TableEntityResult<Record<string, unknown>>;

/** A row on its way into the table. */
interface PendingWrite extends GroupedWrite, RowWrite {
  readonly writeId: string;
}

/**
 * "Performing entity group transactions": at most 100 entities and 4 MiB; of Cosmos DB for Table 2
 * MiB ("Frequently asked questions about Azure Cosmos DB for Table"). Something is left for the
 * frame.
 */
const transactionRowsMax = 100;
/** What one call keeps under way of reads, and all calls of transactions, by default. */
export const requestsOfTable = { readsMax: 64, transactionsMax: 16, transactionRowsMax } as const;
const transactionBytesMax = { storage: 3_500_000, cosmos: 1_750_000 } as const;

/**
 * The ledger in a table of Azure Table storage, of Azurite, or of Cosmos DB for Table. A row is an
 * entity, its version the entity's ETag; `ledger-entity.ts` says which columns it has and what they
 * hold.
 *
 * Writes of all calls share transactions (`GroupCommit`), each write under its own condition. A row
 * that lost its race is taken out of its transaction, and the others go on. A write whose reply was
 * lost is retried by the SDK and then meets itself. It is known again by its id, so that
 * `written: false` always means that another process was first. Failures of the store are thrown as
 * `StoreFailure`.
 */
export class TableLedger implements Ledger {
  readonly #client: TableClient;
  readonly #store: Store;
  readonly #readsMax: number;
  readonly #pointReadsMax: number;
  readonly #writes: GroupCommit<PendingWrite, LedgerWriteResult>;

  constructor(client: TableClient, options: TableLedgerOptions = {}) {
    this.#client = client;
    this.#store = { name: 'table store', url: client.url, operationTimeoutMs: options.operationTimeoutMs ?? 15_000 };
    this.#readsMax = options.readsMax ?? requestsOfTable.readsMax;
    this.#pointReadsMax = options.pointReadsMax ?? (isEmulator(client) ? 100 : 1);
    this.#writes = new GroupCommit({
      commit: (group, signal) => this.#commit(group, signal),
      concurrencyMax: options.transactionsMax ?? requestsOfTable.transactionsMax,
      rowsMax: transactionRowsMax,
      bytesMax: transactionBytesMax[isCosmos(client) ? 'cosmos' : 'storage'],
    });
  }

  /**
   * Makes the table when it is missing. The app calls it once at its start; no other method makes
   * it.
   */
  async createTable(signal: AbortSignal): Promise<void> {
    await callStore(this.#store, 'create the ledger', signal, (abortSignal) =>
      this.#client.createTable({ abortSignal }),
    );
  }

  async read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly ReadRow[]> {
    const addresses = keys.map(entityAddress);
    const entities = new Map<string | undefined, Entity | undefined>();
    const identities = [...Map.groupBy(addresses, ({ rowKey }) => rowKeyPrefixOf(rowKey)).values()];
    const reads = identities.flatMap((rows) =>
      rows.length <= this.#pointReadsMax
        ? rows.map((row) => async (abortSignal: AbortSignal) => [await this.#readRow(row, abortSignal)])
        : rows.slice(0, 1).map((row) => (abortSignal: AbortSignal) => this.#readIdentity(row, abortSignal)),
    );
    await inParallel(reads, this.#readsMax, signal, async (read, abortSignal) => {
      for (const entity of await read(abortSignal)) entities.set(entity?.rowKey, entity);
    });
    return addresses.map(({ rowKey }) => {
      const entity = entities.get(rowKey);
      return entity === undefined ? undefined : orUnreadable(() => toRow(entity));
    });
  }

  async write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    signal.throwIfAborted();
    refuseUnkeepableWrites(writes);
    return await this.#writes.write(writes.map(pendingWrite), signal);
  }

  /**
   * Removes a row as its port says. A removal leaves nothing behind by which it could be known
   * again. When its reply was lost and the repeated request finds no row, it counts as ours: the
   * row is gone. When that finds a row of another version, it is a lost race: there is a row that
   * the caller has not seen.
   */
  async remove(key: LedgerKey, expected: string, signal: AbortSignal): Promise<boolean> {
    const { partitionKey, rowKey } = entityAddress(key);
    try {
      await callStore(this.#store, 'remove a row of the ledger', signal, (abortSignal) =>
        this.#client.deleteEntity(partitionKey, rowKey, { etag: expected, abortSignal }),
      );
      return true;
    } catch (error) {
      if (!isLostRace(error)) throw error;
      return error.statusCode === 404 && wasSentBefore(error.cause);
    }
  }

  /** The rows as their port says, page by page; those of a bucket after those of another. */
  async *rows(of: LedgerSelection, signal: AbortSignal): AsyncGenerator<LedgerEntry | UnreadableRow, void> {
    if (of.startAt !== undefined) {
      const buckets = await Array.fromAsync(this.#buckets(signal));
      const start = Math.floor(of.startAt * buckets.length);
      for (const bucket of [...buckets.slice(start), ...buckets.slice(0, start)])
        for await (const entity of this.#listed({ filter: odata`PartitionKey eq ${bucket}` }, signal))
          yield toEntry(entity);
      return;
    }
    // Destinations may share a range of the table (`partitionKeyPrefix`).
    const isOfAnother = (entity: Entity): boolean =>
      of.destination !== undefined &&
      entity.destination !== of.destination &&
      !isUnreadableRow(orUnreadable(() => toKey(entity)));
    for await (const entity of this.#listed(selectionOf(of), signal)) if (!isOfAnother(entity)) yield toEntry(entity);
  }

  /**
   * The rows that were written at that time or later, by the clock of the store, for a watcher. The
   * store scans every row for that and returns only these, page by page.
   */
  async *rowsWrittenSince(sinceMs: number, signal: AbortSignal): AsyncGenerator<LedgerEntry | UnreadableRow, void> {
    for await (const entity of this.#listed({ filter: odata`Timestamp ge ${new Date(sinceMs)}` }, signal))
      yield toEntry(entity);
  }

  /**
   * The destinations that have rows, shadow rows or links, each by the name that these have: with
   * one request for each, and none for their rows. Of names that share a range of the table, which
   * no activation file has, it gives one.
   */
  async *destinations(signal: AbortSignal): AsyncGenerator<string, void> {
    for (let from = ''; ;) {
      const next = await this.#listed({ filter: odata`PartitionKey ge ${from}` }, signal).next();
      if (next.done === true) return;
      const key = orUnreadable(() => toKey(next.value));
      const range = String(next.value.partitionKey).slice(0, -1);
      // What a name becomes there is the name itself for every one that a file has.
      yield isUnreadableRow(key) ? range.slice(0, -1) : key.destination;
      // Without the bucket, and behind all of them.
      from = `${range}~`;
    }
  }

  /** The keys of all partitions that have rows, each by the first row behind the one before. */
  async *#buckets(signal: AbortSignal): AsyncGenerator<string | undefined, void> {
    for (let last: string | undefined = ''; ;) {
      const behind = await this.#listed({ filter: odata`PartitionKey gt ${last}` }, signal).next();
      if (behind.done === true) return;
      last = behind.value.partitionKey;
      yield last;
    }
  }

  async *#listed(queryOptions: TableEntityQueryOptions, signal: AbortSignal): AsyncGenerator<Entity, void> {
    const pages = storePages(this.#store, 'list the ledger', signal, (abortSignal) =>
      this.#client.listEntities({ abortSignal, queryOptions }),
    );
    for await (const page of pages) {
      for (const entity of page) {
        signal.throwIfAborted();
        yield entity;
      }
    }
  }

  /** All rows of the identity of a row. */
  async #readIdentity({ partitionKey, rowKey }: EntityAddress, signal: AbortSignal): Promise<Entity[]> {
    const filter = rangeFilter(partitionKey, rowKeyPrefixOf(rowKey));
    return callStore(this.#store, 'read the ledger', signal, (abortSignal) =>
      Array.fromAsync(this.#client.listEntities({ abortSignal, queryOptions: { filter } })),
    );
  }

  async #readRow({ partitionKey, rowKey }: EntityAddress, signal: AbortSignal): Promise<Entity | undefined> {
    try {
      return await callStore(this.#store, 'read the ledger', signal, (abortSignal) =>
        this.#client.getEntity(partitionKey, rowKey, { abortSignal }),
      );
    } catch (error) {
      if (error instanceof StoreFailure && error.statusCode === 404 && error.code !== 'TableNotFound') return undefined;
      throw error;
    }
  }

  /** Sends one transaction, and returns the outcome of each of its rows. */
  async #commit(
    group: readonly PendingWrite[],
    signal: AbortSignal,
  ): Promise<readonly CommitAnswer<LedgerWriteResult>[]> {
    try {
      const versions = await callStore(this.#store, 'write the ledger', signal, (abortSignal) =>
        this.#send(group, abortSignal),
      );
      return versions.map((version) => ({ result: { written: true, version } }));
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      const answers = failedAnswers(group, error);
      // An earlier attempt, whose reply was lost, may have written every row: then this one met its
      // own rows.
      const own = isLostRace(error) && wasSentBefore(error.cause) ? await this.#ownVersions(group, signal) : undefined;
      return (
        own?.map((version) => ({ result: version === undefined ? lost : ({ written: true, version } as const) })) ??
        answers
      );
    }
  }

  /** Writes all rows or none, and gives their versions. One row needs no transaction. */
  async #send(group: readonly PendingWrite[], abortSignal: AbortSignal): Promise<readonly string[]> {
    const [only] = group.length === 1 ? group : [];
    if (only !== undefined) {
      const { entity, isMerge, expected } = only;
      const written =
        expected === undefined
          ? await this.#client.createEntity(entity, { abortSignal })
          : await this.#client.updateEntity(entity, isMerge ? 'Merge' : 'Replace', { etag: expected, abortSignal });
      return [versionOf(written)];
    }
    return submitTransaction(this.#client, group, { abortSignal });
  }

  /**
   * The versions of those rows that this very write wrote; `undefined` for a row that another
   * process has written since. Nothing when no row is its own: a transaction writes all of its rows
   * or none.
   */
  async #ownVersions(
    group: readonly PendingWrite[],
    signal: AbortSignal,
  ): Promise<readonly (string | undefined)[] | undefined> {
    const versions = await inParallel(group, this.#readsMax, signal, async ({ entity, writeId }, abortSignal) => {
      const stored = await this.#readRow(entity, abortSignal);
      return stored?.writeId === writeId ? stored.etag : undefined;
    });
    return versions.some((version) => version !== undefined) ? versions : undefined;
  }
}

const lost = { written: false } as const;

function toEntry(entity: Entity): LedgerEntry | UnreadableRow {
  return orUnreadable(() => ({ key: toKey(entity), ...toRow(entity) }));
}

function pendingWrite({ key, record, expected, over }: LedgerWrite): PendingWrite {
  const writeId = randomUUID();
  const merged = over === undefined ? undefined : settlingColumns(key, record, over, writeId);
  const entity = merged ?? toEntity(key, record, writeId);
  const { partitionKey, rowKey } = entity;
  const bytes = transmittedBytesMax(entity);
  return { entity, isMerge: merged !== undefined, writeId, expected, partitionKey, rowKey, bytes };
}

/**
 * What a failed transaction means for each of its rows. The service names the row for which it
 * failed by its place, in front of the message: `3:The update condition …` ("Performing entity
 * group transactions", sample error response; Azurite and Cosmos DB do the same). Where it names
 * none, as Azure Storage does for the first row, or where the whole is too large (413), all go
 * again, in smaller transactions. Throws what is no answer about a row.
 */
function failedAnswers(group: readonly PendingWrite[], error: StoreFailure): CommitAnswer<LedgerWriteResult>[] {
  const isLost: boolean = isLostRace(error);
  const place = group.length === 1 ? 0 : failedPlace(error);
  const isRefused = error.statusCode === 413 || (error.statusCode === 400 && place !== undefined);
  if (!isLost && !isRefused) throw error;
  const answer: CommitAnswer<LedgerWriteResult> = isLost ? { result: lost } : { failure: error };
  return group.map((_, index) => (index === place ? answer : 'again'));
}

function failedPlace({ cause }: StoreFailure): number | undefined {
  const place = /^(\d+):/.exec((cause as Error).message)?.[1];
  return place === undefined ? undefined : Number(place);
}

/**
 * At least what an entity takes in a transaction: six bytes for every character, as JSON escapes
 * the worst, and its frame.
 */
function transmittedBytesMax(entity: TableEntity): number {
  let characters = 0;
  for (const value of Object.values(entity)) characters += typeof value === 'string' ? value.length : 32;
  return 6 * characters + 4_096;
}

/** Keys in front of `~`: every character of a digest comes before it. */
function rangeFilter(partitionKey: string, rowKeyPrefix: string): string {
  return odata`PartitionKey eq ${partitionKey} and RowKey ge ${rowKeyPrefix} and RowKey lt ${`${rowKeyPrefix}~`}`;
}

function selectionOf(of: LedgerSelection): TableEntityQueryOptions {
  if ('identity' in of) {
    const { partitionKey, rowKeyPrefix } = identityRange(of.destination, of.identity);
    return { filter: rangeFilter(partitionKey, rowKeyPrefix) };
  }
  if (of.destination === undefined) return {};
  const prefix = partitionKeyPrefix(of.destination);
  if ('part' in of) return { filter: odata`PartitionKey eq ${`${prefix}${of.part}`}` };
  return { filter: odata`PartitionKey ge ${prefix} and PartitionKey lt ${`${prefix}~`}` };
}

/** 409: there is a row where none was expected; 412: it has another version; 404: it is gone. */
const lostRaces: ReadonlySet<number | undefined> = new Set([409, 412, 404]);

function isLostRace(error: unknown): error is StoreFailure {
  return error instanceof StoreFailure && isOfRow(error) && lostRaces.has(error.statusCode);
}

function isOfRow({ code }: StoreFailure): boolean {
  return code !== 'TableNotFound' && code !== 'TableBeingDeleted';
}

function versionOf({ etag }: { readonly etag?: string }): string {
  if (etag === undefined)
    throw new Error('Failed to write the ledger: the table store confirmed a row without an ETag.');
  return etag;
}
