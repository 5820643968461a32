import type { TableClient, TableEntity, TransactionAction } from '@azure/data-tables';
import { exportLines, ExportReader, type WholeEntity } from './export-lines.ts';
import { inParallel } from './in-parallel.ts';
import { accountOf } from './ledger-tables.ts';
import { callStore, StoreFailure, type Store } from './store-call.ts';
import { storePages } from './store-pages.ts';

/** The outcomes of the rows of an import. */
export interface Imported {
  readonly rows: number;
  readonly written: number;
  /** They were there, from an import that was stopped, and were left alone. */
  readonly leftAlone: number;
  /** False for an export of release 0.1.0, of which a part cannot be told from the whole. */
  readonly isSealed: boolean;
}

/**
 * What one transaction takes ("Performing entity group transactions"): 100 rows of one partition, 4
 * MiB.
 */
const transactionRowsMax = 100;
const transactionCharactersMax = 512 * 1024;
const operationTimeoutMs = 30_000;
const concurrencyMax = 8;
/** Rows that are read ahead before they are written together. */
const rowsAheadMax = 1_000;

export interface ExportOptions {
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * Every row of the tables as lines of JSON: a heading, then a row a line, whole, whatever its
 * columns mean, and an ending that says how many. Rows written meanwhile may be missed, since a
 * table has no snapshot; each row is whole. Lines hold personal data. Throws `StoreFailure`.
 */
export function exportTables(
  tables: readonly TableClient[],
  { nowMs, signal }: ExportOptions,
): AsyncGenerator<string, void> {
  return exportLines(entitiesOf(tables, signal), nowMs);
}

async function* entitiesOf(tables: readonly TableClient[], signal: AbortSignal): AsyncGenerator<object, void> {
  for (const client of tables) {
    const pages = storePages(storeOf(client), 'export the ledger', signal, (abortSignal) =>
      client.listEntities({ abortSignal, disableTypeConversion: true }),
    );
    for await (const page of pages) yield* page;
  }
}

export interface ImportOptions {
  readonly signal: AbortSignal;
  /** Goes on with an import that was stopped: rows that are there are left alone. */
  readonly resume?: boolean;
  readonly onProgress?: (rows: number) => void;
}

/**
 * Throws a sentence when one of the tables has rows. Those that the function wrote over an empty
 * ledger must be gone before an import: they say of people whom a destination knows that it never
 * heard of them. Throws `StoreFailure`.
 */
export async function refuseRows(tables: readonly TableClient[], signal: AbortSignal): Promise<void> {
  const haveRows = await Promise.all(tables.map((client) => hasRows(client, 'import the ledger', signal)));
  if (!haveRows.includes(true)) return;
  throw new Error(
    'Failed to import the ledger: it has rows. Stop the function app and empty the ledger first; or go on with an import that was stopped (--resume).',
  );
}

/**
 * Throws a sentence, which names the line where there is one, unless the lines are a whole export.
 */
export async function checkExport(lines: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  const reader = new ExportReader();
  for await (const line of lines) {
    signal.throwIfAborted();
    reader.take(line);
  }
  reader.end();
}

/**
 * Writes the rows of an export into tables, one in each account of the ledger. Rows that are there
 * are left alone. Throws as `checkExport` does, and then has written some rows; throws
 * `StoreFailure`.
 */
export async function importTables(
  tables: readonly TableClient[],
  lines: AsyncIterable<string>,
  { signal, onProgress }: Omit<ImportOptions, 'resume'>,
): Promise<Imported> {
  const counts = { written: 0, leftAlone: 0 };
  let ahead: WholeEntity[] = [];
  const write = async (): Promise<void> => {
    const rows = ahead;
    ahead = [];
    const groups = tables.flatMap((client, account) =>
      groupsOf(rows.filter(({ rowKey }) => accountOf(rowKey, tables.length) === account)).map((group) => ({
        client,
        group,
      })),
    );
    await inParallel(groups, concurrencyMax, signal, async ({ client, group }, abortSignal) => {
      const written = await createRows(client, group, abortSignal);
      counts.written += written;
      counts.leftAlone += group.length - written;
    });
    onProgress?.(counts.written + counts.leftAlone);
  };
  const reader = new ExportReader();
  for await (const line of lines) {
    signal.throwIfAborted();
    const row = reader.take(line);
    if (row !== undefined) ahead.push(row);
    if (ahead.length === rowsAheadMax) await write();
  }
  await write();
  return { ...counts, ...reader.end() };
}

/**
 * Whether the table has a row. A page may be empty, and the rows come with the next ("Query timeout
 * and pagination"). Throws `StoreFailure`, also where there is no such table.
 */
export async function hasRows(client: TableClient, doing: string, signal: AbortSignal): Promise<boolean> {
  const pages = storePages(storeOf(client), doing, signal, (abortSignal) => ({
    byPage: (from) => client.listEntities({ abortSignal }).byPage({ maxPageSize: 1, ...from }),
  }));
  for await (const page of pages) if (page.length > 0) return true;
  return false;
}

function storeOf(client: TableClient): Store {
  return { name: 'table store', url: client.url, operationTimeoutMs };
}

/** Rows of one partition together, as many as one transaction takes. */
function groupsOf(rows: readonly WholeEntity[]): readonly (readonly WholeEntity[])[] {
  const groups: WholeEntity[][] = [];
  for (const partition of Map.groupBy(rows, ({ partitionKey }) => partitionKey).values()) {
    let group: WholeEntity[] = [];
    let characters = 0;
    for (const row of partition) {
      const length = JSON.stringify(row).length;
      if (group.length > 0 && (group.length === transactionRowsMax || characters + length > transactionCharactersMax)) {
        groups.push(group);
        group = [];
        characters = 0;
      }
      group.push(row);
      characters += length;
    }
    groups.push(group);
  }
  return groups;
}

/** How many of the rows were written; the others were there. */
async function createRows(client: TableClient, rows: readonly WholeEntity[], signal: AbortSignal): Promise<number> {
  if (rows.length > 1) {
    const actions = rows.map((row): TransactionAction => ['create', row as TableEntity]);
    const isWritten = await wasCreated(client, signal, (abortSignal) =>
      client.submitTransaction(actions, { abortSignal }),
    );
    if (isWritten) return rows.length;
  }
  let written = 0;
  for (const row of rows) {
    const isWritten = await wasCreated(client, signal, (abortSignal) => client.createEntity(row, { abortSignal }));
    if (isWritten) written += 1;
  }
  return written;
}

async function wasCreated(
  client: TableClient,
  signal: AbortSignal,
  create: (signal: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  try {
    await callStore(storeOf(client), 'import the ledger', signal, create);
    return true;
  } catch (error) {
    if (error instanceof StoreFailure && error.statusCode === 409 && error.code === 'EntityAlreadyExists') return false;
    throw error;
  }
}
