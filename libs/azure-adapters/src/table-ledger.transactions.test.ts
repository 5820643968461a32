import { randomUUID } from 'node:crypto';
import type { LedgerKey, LedgerWrite } from '@activation-hub/membership';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy } from '../testing/storage-proxy.ts';
import { startAzurite, type Azurite } from './azurite.ts';
import { tableClient } from './storage-connections.ts';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

/** A ledger behind a proxy, and how many transactions and single rows were sent since it was opened. */
async function open(pointReadsMax?: number) {
  const proxy = await startStorageProxy(azurite.tablePort);
  onTestFinished(() => proxy.stop());
  const connectionString = azurite.connectionString.replace(`:${azurite.tablePort}/`, `:${proxy.port}/`);
  const client = tableClient({ connectionString }, `ledger${randomUUID().replaceAll('-', '')}`);
  const sent = () => {
    const posts = proxy.requests.filter((request) => request.startsWith('POST') && !request.includes('/Tables'));
    const transactions = posts.filter((request) => request.includes('$batch')).length;
    return { transactions, rows: posts.length - transactions };
  };
  return { ledger: new TableLedger(client, pointReadsMax === undefined ? {} : { pointReadsMax }), proxy, sent };
}

/** Rows of one person, one per audience. */
function creations(count: number, attributes = {}): LedgerWrite[] {
  const keys = Array.from({ length: count }, (_, n): LedgerKey =>
    exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }),
  );
  return keys.map((key) => ({ key, record: exampleRecord({ attributes }), expected: undefined }));
}

test.each([
  [1, 0, 1],
  [2, 1, 0],
  [100, 1, 0],
  [101, 1, 1],
  [201, 2, 1],
])('%i rows of one identity travel in %i transactions and %i rows alone', async (count, transactions, rows) => {
  const { ledger, sent } = await open();
  await ledger.createTable(signal);
  expect((await ledger.write(creations(count), signal)).every(({ written }) => written)).toBe(true);
  expect(sent()).toEqual({ transactions, rows });
});

test('large rows travel in as few transactions as their bytes allow', async () => {
  const { ledger, sent } = await open();
  await ledger.createTable(signal);
  await ledger.write(creations(12, { text: 'x'.repeat(100_000) }), signal);
  expect(sent()).toEqual({ transactions: 3, rows: 0 });
});

test('rows that are too large for one transaction are written all the same', async () => {
  const { ledger } = await open();
  await ledger.createTable(signal);
  const attributes = { text: 'x'.repeat(190_000) };
  const writes = creations(12, attributes).map(({ record, ...write }): LedgerWrite => ({
    ...write,
    record: { ...record, deliveredAttributes: attributes },
  }));
  const results = await ledger.write(writes, signal);
  expect(results.every(({ written }) => written)).toBe(true);
});

test('a transaction that fails is not followed by its rows one by one', async () => {
  const { ledger, sent } = await open();
  await expect(ledger.write(creations(3), signal)).rejects.toThrow('answered 404 TableNotFound');
  expect(sent()).toEqual({ transactions: 1, rows: 0 });
});

test.each([
  [14, 14],
  [15, 0],
])(
  'of %i rows of one identity %i are named in the query, for a filter has at most 15 comparisons',
  async (count, named) => {
    const { ledger, proxy } = await open(1);
    await ledger.createTable(signal);
    const writes = creations(count);
    await ledger.write(writes, signal);
    const rows = await ledger.read(
      writes.map(({ key }) => key),
      signal,
    );
    expect(rows.filter((row) => row !== undefined)).toHaveLength(count);
    const [query = '', ...others] = proxy.requests.filter((request) => request.startsWith('GET'));
    expect(others).toEqual([]);
    expect(query.split('RowKey').length - query.split('PartitionKey').length + 1).toBe(named);
  },
);
