import { randomUUID } from 'node:crypto';
import {
  odata,
  type TableClient,
  type TableEntity,
  type TableEntityResult,
  type TransactionAction,
} from '@azure/data-tables';
import {
  refuseUnkeepableWrites,
  type Ledger,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRow,
  type LedgerSelection,
  type LedgerWrite,
  type LedgerWriteResult,
} from '@activation-hub/membership';
import { inParallel } from './in-parallel.ts';
import {
  entityAddress,
  partitionKeyOf,
  partitionKeyPrefix,
  toEntity,
  toKey,
  toRow,
  type EntityAddress,
} from './ledger-entity.ts';
import { isEmulator, wasSentBefore } from './storage-connections.ts';
import { callStore, StoreFailure, type Store } from './store-call.ts';
import { storePages } from './store-pages.ts';

export interface TableLedgerOptions {
  /** How many requests one call keeps under way; 16 by default. */
  readonly concurrencyMax?: number;
  /** How long one operation may take, its retries included, in milliseconds; 15,000 by default. */
  readonly operationTimeoutMs?: number;
  /**
   * Up to how many rows of one identity are read one by one, in parallel, rather than by one query. 1 by default, so that
   * one request does; 100 for an emulator, because Azurite scans the whole table for every query.
   */
  readonly pointReadsMax?: number;
}

type Entity = TableEntityResult<Record<string, unknown>>;

/** A write on its way: which of the call's writes it is, and what is to be stored. */
interface PendingWrite {
  readonly index: number;
  readonly entity: TableEntity;
  readonly writeId: string;
  readonly expected: string | undefined;
}

/** More comparisons than 15 in one filter are refused ("Querying tables and entities"); one is the partition's. */
const filteredRowsMax = 14;
/** "Performing entity group transactions": at most 100 entities and 4 MiB, of which something is left for the frame. */
const transactionRowsMax = 100;
const transactionBytesMax = 3_500_000;

/**
 * The ledger in a table of Azure Table storage, of Azurite, or of Cosmos DB for Table. A row is an entity, its version the
 * entity's ETag; `ledger-entity.ts` says which columns it has and what they hold.
 *
 * A write whose reply was lost is retried by the SDK and then meets itself. It is known again by its id, so that
 * `written: false` always means that somebody else was first. Failures of the store are thrown as `StoreFailure`.
 */
export class TableLedger implements Ledger {
  readonly #client: TableClient;
  readonly #store: Store;
  readonly #concurrencyMax: number;
  readonly #pointReadsMax: number;

  constructor(client: TableClient, options: TableLedgerOptions = {}) {
    this.#client = client;
    this.#store = { name: 'table store', url: client.url, operationTimeoutMs: options.operationTimeoutMs ?? 15_000 };
    this.#concurrencyMax = options.concurrencyMax ?? 16;
    this.#pointReadsMax = options.pointReadsMax ?? (isEmulator(client) ? 100 : 1);
  }

  /** Makes the table when it is missing. The app calls it once at its start; no other method makes it. */
  async createTable(signal: AbortSignal): Promise<void> {
    await callStore(this.#store, 'create the ledger', signal, (abortSignal) =>
      this.#client.createTable({ abortSignal }),
    );
  }

  async read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly (LedgerRow | undefined)[]> {
    const addresses = keys.map(entityAddress);
    const entities = new Map<string, Entity>();
    const partitions = [...Map.groupBy(addresses, ({ partitionKey }) => partitionKey).values()];
    const reads = partitions.flatMap((rows) =>
      rows.length <= this.#pointReadsMax ? rows.map((row) => [row]) : [rows],
    );
    await inParallel(reads, this.#concurrencyMax, signal, async (rows, abortSignal) => {
      for (const entity of await this.#readRows(rows, abortSignal)) entities.set(entity.rowKey ?? '', entity);
    });
    return addresses.map(({ rowKey }) => {
      const entity = entities.get(rowKey);
      return entity === undefined ? undefined : toRow(entity);
    });
  }

  async write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    signal.throwIfAborted();
    refuseUnkeepableWrites(writes);
    const results = new Array<LedgerWriteResult>(writes.length);
    const pending = writes.map(({ key, record, expected }, index): PendingWrite => {
      const writeId = randomUUID();
      return { index, entity: toEntity(key, record, writeId), writeId, expected };
    });
    const alone: PendingWrite[] = [];
    await inParallel(transactions(pending), this.#concurrencyMax, signal, async (group, abortSignal) => {
      const versions = group.length > 1 ? await this.#writeTogether(group, abortSignal) : undefined;
      for (const [place, write] of group.entries()) {
        const version = versions?.[place];
        if (version === undefined) alone.push(write);
        else results[write.index] = { written: true, version };
      }
    });
    await inParallel(alone, this.#concurrencyMax, signal, async (write, abortSignal) => {
      results[write.index] = await this.#writeAlone(write, abortSignal);
    });
    return results;
  }

  /**
   * Removes a row as its port says. A removal leaves nothing behind by which it could be known again. When its reply was
   * lost and the repeated request finds no row, it counts as ours: the row is gone. When that finds a row of another
   * version, it is a lost race: there is a row that the caller has not seen.
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

  /** The rows as their port says, page by page. */
  async *rows(of: LedgerSelection, signal: AbortSignal): AsyncGenerator<LedgerEntry, void> {
    const filter = selectionFilter(of);
    const queryOptions = filter === undefined ? {} : { filter };
    const pages = storePages(this.#store, 'list the ledger', signal, (abortSignal) =>
      this.#client.listEntities({ abortSignal, queryOptions }),
    );
    for await (const page of pages) {
      for (const entity of page) {
        signal.throwIfAborted();
        const key = toKey(entity);
        if (of.destination === undefined || key.destination === of.destination) yield { key, ...toRow(entity) };
      }
    }
  }

  /** The rows of one partition that are there. */
  async #readRows(rows: readonly EntityAddress[], signal: AbortSignal): Promise<Entity[]> {
    const [first, ...others] = rows;
    if (first === undefined) return [];
    if (others.length === 0) {
      const entity = await this.#readRow(first, signal);
      return entity === undefined ? [] : [entity];
    }
    const filter =
      rows.length <= filteredRowsMax
        ? filterOf(first.partitionKey, rows)
        : odata`PartitionKey eq ${first.partitionKey}`;
    return callStore(this.#store, 'read the ledger', signal, async (abortSignal) => {
      const entities: Entity[] = [];
      for await (const entity of this.#client.listEntities({ abortSignal, queryOptions: { filter } }))
        entities.push(entity);
      return entities;
    });
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

  /** Writes all rows of one partition or none. Gives their versions, or `undefined` when a row lost its race. */
  async #writeTogether(group: readonly PendingWrite[], signal: AbortSignal): Promise<readonly string[] | undefined> {
    const actions = group.map(({ entity, expected }): TransactionAction =>
      expected === undefined ? ['create', entity] : ['update', entity, 'Replace', { etag: expected }],
    );
    try {
      const { subResponses } = await callStore(this.#store, 'write the ledger', signal, (abortSignal) =>
        this.#client.submitTransaction(actions, { abortSignal }),
      );
      return group.map((_, place) => versionOf(subResponses[place]));
    } catch (error) {
      if (isLostRace(error)) return undefined;
      throw error;
    }
  }

  async #writeAlone({ entity, writeId, expected }: PendingWrite, signal: AbortSignal): Promise<LedgerWriteResult> {
    try {
      const written = await callStore(this.#store, 'write the ledger', signal, (abortSignal) =>
        expected === undefined
          ? this.#client.createEntity(entity, { abortSignal })
          : this.#client.updateEntity(entity, 'Replace', { etag: expected, abortSignal }),
      );
      return { written: true, version: versionOf(written) };
    } catch (error) {
      if (!isLostRace(error)) throw error;
    }
    const stored = await this.#readRow(entity, signal);
    return stored?.writeId === writeId ? { written: true, version: stored.etag } : { written: false };
  }
}

/** The writes of each partition, in groups that one transaction can take. */
function transactions(writes: readonly PendingWrite[]): PendingWrite[][] {
  const groups: PendingWrite[][] = [];
  for (const partition of Map.groupBy(writes, ({ entity }) => entity.partitionKey).values()) {
    let group: PendingWrite[] = [];
    let bytes = 0;
    for (const write of partition) {
      const bytesMax = transmittedBytesMax(write.entity);
      if (group.length > 0 && (group.length === transactionRowsMax || bytes + bytesMax > transactionBytesMax)) {
        groups.push(group);
        group = [];
        bytes = 0;
      }
      group.push(write);
      bytes += bytesMax;
    }
    groups.push(group);
  }
  return groups;
}

/** At least what an entity takes in a transaction: six bytes for every character, as JSON escapes the worst, and its frame. */
function transmittedBytesMax(entity: TableEntity): number {
  let characters = 0;
  for (const value of Object.values(entity)) characters += typeof value === 'string' ? value.length : 32;
  return 6 * characters + 4_096;
}

function filterOf(partitionKey: string, rows: readonly EntityAddress[]): string {
  return `${odata`PartitionKey eq ${partitionKey}`} and (${rows.map(({ rowKey }) => odata`RowKey eq ${rowKey}`).join(' or ')})`;
}

/** Partition keys begin with the destination, a dot and a digest, of which every character comes before `~`. */
function selectionFilter(of: LedgerSelection): string | undefined {
  if ('identity' in of) return odata`PartitionKey eq ${partitionKeyOf(of.destination, of.identity)}`;
  if (of.destination === undefined) return undefined;
  const prefix = partitionKeyPrefix(of.destination);
  return odata`PartitionKey ge ${prefix} and PartitionKey lt ${`${prefix}~`}`;
}

/** 409: there is a row where none was expected; 412: it has another version; 404: it is gone. */
function isLostRace(error: unknown): error is StoreFailure {
  if (!(error instanceof StoreFailure)) return false;
  const { statusCode, code } = error;
  if (code === 'TableNotFound' || code === 'TableBeingDeleted') return false;
  return statusCode === 409 || statusCode === 412 || statusCode === 404;
}

function versionOf(response: { readonly etag?: string } | undefined): string {
  if (response?.etag === undefined)
    throw new Error('Failed to write the ledger: the table store confirmed a row without an ETag.');
  return response.etag;
}
