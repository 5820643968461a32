import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { TableClient } from '@azure/data-tables';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { SpreadLedger } from './spread-ledger.ts';
import { importTables } from './table-backup.ts';
import { exportLedgerToBlob } from './table-to-blob.ts';

const { signal } = new AbortController();
const nowMs = Date.UTC(2026, 0, 31, 4);
let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

const openTable = (name = `ledger${randomUUID().replaceAll('-', '')}`): TableClient =>
  TableClient.fromConnectionString(azurite.connectionString, name, { allowInsecureConnection: true });
const ledgerOf = (rows: TableClient): SpreadLedger => new SpreadLedger([{ rows, layout: openTable() }]);
const newContainer = (): ContainerClient => new ContainerClient(azurite.connectionString, `c${randomUUID()}`);
const blobsIn = async (container: ContainerClient): Promise<readonly string[]> =>
  (await container.exists()) ? (await Array.fromAsync(container.listBlobsFlat())).map(({ name }) => name) : [];

/** Begins to read when the caller asks for the first line: lines read before that would be lost. */
async function* linesOf(body: NodeJS.ReadableStream): AsyncGenerator<string, void> {
  yield* createInterface({ input: body });
}

async function filledTable(rows: number): Promise<TableClient> {
  const table = openTable();
  await table.createTable();
  for (let start = 0; start < rows; start += 100) {
    const actions = Array.from(
      { length: Math.min(100, rows - start) },
      (_, index) => ['create', { partitionKey: 'p', rowKey: `r${start + index}`, text: 'Zoë\n"quoted"' }] as const,
    );
    await table.submitTransaction([...actions].map(([action, entity]) => [action, entity]));
  }
  return table;
}

test('every row is in a blob that is named after the moment, and an import brings them back', async () => {
  const [table, container, target] = [await filledTable(1_250), newContainer(), openTable()];
  const exported = await exportLedgerToBlob(ledgerOf(table), container, { nowMs, signal });
  expect(exported).toEqual({ blob: 'ledger-2026-01-31T04-00-00Z.jsonl', rows: 1_250 });
  const { readableStreamBody } = await container.getBlobClient(exported.blob).download();
  if (readableStreamBody === undefined) throw new Error('Failed to download the blob: it has no body.');
  await target.createTable();
  expect(await importTables([target], linesOf(readableStreamBody), { signal })).toEqual({
    rows: 1_250,
    written: 1_250,
    leftAlone: 0,
    isSealed: true,
  });
});

test('an empty table is an export too: its heading and its ending', async () => {
  const [table, container] = [await filledTable(0), newContainer()];
  expect((await exportLedgerToBlob(ledgerOf(table), container, { nowMs, signal })).rows).toBe(0);
  expect(await blobsIn(container)).toHaveLength(1);
});

test('an export that is broken off leaves no blob', async () => {
  const container = newContainer();
  const gone = openTable();
  await expect(exportLedgerToBlob(ledgerOf(gone), container, { nowMs, signal })).rejects.toThrow(
    /^Failed to export the ledger: the table store at .* answered 404/,
  );
  const stopped = AbortSignal.abort(new Error('the night is over'));
  await expect(
    exportLedgerToBlob(ledgerOf(await filledTable(1)), container, { nowMs, signal: stopped }),
  ).rejects.toThrow('the night is over');
  expect(await blobsIn(container)).toEqual([]);
});
