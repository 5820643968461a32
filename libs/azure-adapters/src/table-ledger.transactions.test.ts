import { randomUUID } from 'node:crypto';
import type { LedgerKey, LedgerWrite } from '@activation-hub/membership';
import { exampleKey, exampleRecord, readable } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy } from '../testing/storage-proxy.ts';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { entityAddress } from './ledger-entity.ts';
import { tableClient } from './storage-connections.ts';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

/**
 * A ledger behind a proxy, and how many transactions and single rows were sent since it was opened.
 */
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

test('a line separator in a row, which JSON leaves as it is, harms no row of its transaction', async () => {
  const { ledger, sent } = await open();
  await ledger.createTable(signal);
  const attributes = { text: 'one\u2028text\u2029of\u0085three lines' };
  const writes = creations(3, attributes);
  expect(await ledger.write(writes, signal)).toMatchObject([{ written: true }, { written: true }, { written: true }]);
  expect(sent()).toEqual({ transactions: 1, rows: 0 });
  const rows = await readable(ledger).read(
    writes.map(({ key }) => key),
    signal,
  );
  expect(rows.map((row) => row?.record)).toEqual(writes.map(({ record }) => record));
});

test('large rows travel in as few transactions as their bytes allow', async () => {
  const { ledger, sent } = await open();
  await ledger.createTable(signal);
  await ledger.write(creations(12, { text: 'x'.repeat(100_000) }), signal);
  expect(sent()).toEqual({ transactions: 3, rows: 0 });
});

test('what frames a row counts as bytes of its transaction', async () => {
  const { ledger, sent } = await open();
  await ledger.createTable(signal);
  await ledger.write(creations(100, { text: 'x'.repeat(5_200) }), signal);
  expect(sent()).toEqual({ transactions: 2, rows: 0 });
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

test('rows of many people of one bucket travel in one transaction, those of other buckets in others', async () => {
  const { ledger, sent } = await open();
  await ledger.createTable(signal);
  const writes = ofBucket('crm.0', 40);
  expect((await ledger.write(writes, signal)).every(({ written }) => written)).toBe(true);
  expect(sent()).toEqual({ transactions: 1, rows: 0 });
  await ledger.write([...ofBucket('crm.1', 40), ...ofBucket('crm.2', 40)], signal);
  expect(sent()).toEqual({ transactions: 3, rows: 0 });
});

test('what several calls write while a transaction is under way goes together in the next', async () => {
  const { ledger, proxy, sent } = await open();
  await ledger.createTable(signal);
  const [first, ...others] = ofBucket('crm.0', 41);
  if (first === undefined) throw new Error('unreachable');
  const release = Promise.withResolvers<undefined>();
  proxy.treat = () => release.promise.then(() => 'pass');
  const calls = [first, ...others].map((write) => ledger.write([write], signal));
  release.resolve(undefined);
  expect((await Promise.all(calls)).every(([result]) => result?.written)).toBe(true);
  expect(sent()).toEqual({ transactions: 1, rows: 1 });
});

test('a call that gives up while it shares a transaction leaves the other call its result', async () => {
  const { ledger, proxy, sent } = await open();
  await ledger.createTable(signal);
  const [first, second, third] = ofBucket('crm.0', 3);
  if (first === undefined || second === undefined || third === undefined) throw new Error('unreachable');
  const arrived = Promise.withResolvers<undefined>();
  const release = Promise.withResolvers<undefined>();
  proxy.treat = ({ url = '' }) => {
    if (!url.includes('$batch')) return 'pass';
    arrived.resolve(undefined);
    return release.promise.then(() => 'pass');
  };
  const controller = new AbortController();
  const begun = ledger.write([first], signal);
  const stays = ledger.write([second], signal);
  const givesUp = ledger.write([third], controller.signal);
  await arrived.promise;
  controller.abort(new Error('deadline'));
  await expect(givesUp).rejects.toThrow('deadline');
  release.resolve(undefined);
  expect((await stays)[0]?.written).toBe(true);
  await begun;
  expect(sent()).toEqual({ transactions: 1, rows: 1 });
});

test('one lost race among a hundred rows of a hundred people costs two requests more, and is told alone', async () => {
  const { ledger, sent } = await open();
  await ledger.createTable(signal);
  const writes = ofBucket('crm.0', 100);
  const taken = writes[37];
  if (taken === undefined) throw new Error('unreachable');
  await ledger.write([taken], signal);
  const results = await ledger.write(writes, signal);
  expect(results.flatMap(({ written }, index) => (written ? [] : [index]))).toEqual([37]);
  // The one that failed, 50, and 49.
  expect(sent()).toEqual({ transactions: 3, rows: 1 });
});

test('when every race is lost, each row is told so, in ever smaller transactions and without a read', async () => {
  const { ledger, proxy, sent } = await open();
  await ledger.createTable(signal);
  const writes = ofBucket('crm.0', 20);
  await ledger.write(writes, signal);
  const bytes: number[] = [];
  proxy.treat = ({ headers }) => {
    bytes.push(Number(headers['content-length']));
    return 'pass';
  };
  expect((await ledger.write(writes, signal)).some(({ written }) => written)).toBe(false);
  expect(bytes).toHaveLength(20);
  expect(bytes[1]).toBeLessThan((bytes[0] ?? 0) * 0.6);
  expect(sent().transactions + sent().rows).toBe(21);
  expect(proxy.requests.filter((request) => request.startsWith('GET'))).toEqual([]);
});

test('a row that the store refuses fails the call that wrote it, and no other in the same transaction', async () => {
  const { ledger, proxy } = await open();
  await ledger.createTable(signal);
  const [first, second, third] = ofBucket('crm.0', 3);
  if (first === undefined || second === undefined || third === undefined) throw new Error('unreachable');
  const release = Promise.withResolvers<undefined>();
  proxy.treat = () => release.promise.then(() => 'pass');
  const before = ledger.write([first], signal);
  // The port has no bound for this column, and the table has one: 32,768 characters.
  const refused = { ...second, record: { ...second.record, linkDigest: 'x'.repeat(40_000) } };
  const calls = [ledger.write([third], signal), ledger.write([refused], signal)];
  release.resolve(undefined);
  await before;
  await expect(calls[1]).rejects.toThrow('answered 400 PropertyValueTooLarge');
  expect((await calls[0])?.[0]?.written).toBe(true);
});

test.each([2, 100])(
  '%i rows of one identity are read by one query of their range, which names none of them',
  async (count) => {
    const { ledger, proxy } = await open(1);
    await ledger.createTable(signal);
    const writes = creations(count);
    await ledger.write([...writes, ...ofBucket('crm.0', 20)], signal);
    const keys = writes.map(({ key }) => key);
    const rows = await readable(ledger).read(keys, signal);
    expect(rows.filter((row) => row !== undefined)).toHaveLength(count);
    const [query = '', ...others] = proxy.requests.filter((request) => request.startsWith('GET'));
    expect(others).toEqual([]);
    const filter = decodeURIComponent(query.replaceAll('+', ' ')).replace(/.*\$filter=/, '');
    // With "or" it would be a scan of the bucket ("Design for querying", of Azure's table design
    // guide).
    expect(filter).toMatch(/^PartitionKey eq 'crm\.[0-7]' and RowKey ge '[\w-]{43}\.' and RowKey lt '[\w-]{43}\.~'/);
  },
);

/** New rows of as many people, all of one bucket. */
function ofBucket(partitionKey: string, count: number): LedgerWrite[] {
  const writes: LedgerWrite[] = [];
  for (let person = 1; writes.length < count; person += 1) {
    const key = exampleKey(person);
    if (entityAddress(key).partitionKey !== partitionKey) continue;
    writes.push({ key, record: exampleRecord(), expected: undefined });
  }
  return writes;
}
