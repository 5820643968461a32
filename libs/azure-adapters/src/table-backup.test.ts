import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { exportTables, importTables, refuseRows } from './table-backup.ts';

const { signal } = new AbortController();
const nowMs = Date.UTC(2026, 0, 31, 12);
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function openTable(): Promise<TableClient> {
  const name = `ledger${randomUUID().replaceAll('-', '')}`;
  const client = TableClient.fromConnectionString(azurite.connectionString, name, { allowInsecureConnection: true });
  await client.createTable();
  return client;
}

const exported = (client: TableClient): Promise<string[]> => Array.fromAsync(exportTables([client], { nowMs, signal }));
const from = (lines: readonly string[]): AsyncIterable<string> => ReadableStream.from(lines);

/** A row with a column of every type that a table has. */
const everyType = {
  text: 'Zoë\n"quoted"',
  empty: '',
  flag: true,
  whole: 5,
  double: { type: 'Double', value: '5.0' },
  long: 9_007_199_254_740_993n,
  time: new Date('2026-01-31T12:00:00.001Z'),
  id: { type: 'Guid', value: '7b4c0f3e-5d0a-4f6c-9a57-0e4c4f6d1a02' },
  bytes: new Uint8Array([0, 255, 7]),
} as const;

test('a table comes back as it was, every type of column included', async () => {
  const [source, target] = [await openTable(), await openTable()];
  await source.createEntity({ partitionKey: 'crm.a', rowKey: '1', ...everyType });
  for (const rowKey of ['2', '3']) await source.createEntity({ partitionKey: 'crm.b', rowKey, told: 'x' });
  const lines = await exported(source);
  expect(lines).toHaveLength(4);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    export: 'activation-hub-ledger',
    format: 2,
    exportedAt: '2026-01-31T12:00:00.000Z',
  });
  expect(await importTables([target], from(lines), { signal })).toEqual({ rows: 3, written: 3, leftAlone: 0 });
  expect(await exported(target)).toEqual(lines);
  const { long, time, double, bytes } = await target.getEntity('crm.a', '1');
  expect({ long, time, double, bytes: new Uint8Array(bytes as Uint8Array) }).toEqual({
    long: everyType.long,
    time: everyType.time,
    double: 5,
    bytes: everyType.bytes,
  });
});

test('a table that has rows is refused, beside one that has none too', async () => {
  const [empty, full] = [await openTable(), await openTable()];
  await refuseRows([empty, empty], signal);
  await full.createEntity({ partitionKey: 'crm.b', rowKey: '1' });
  await expect(refuseRows([empty, full], signal)).rejects.toThrow('Failed to import the ledger: it has rows.');
});

test('an import that was stopped goes on; what is there is left alone', async () => {
  const [source, target] = [await openTable(), await openTable()];
  for (let row = 0; row < 5; row += 1) {
    await source.createEntity({ partitionKey: 'crm.a', rowKey: String(row), told: 'old' });
  }
  await target.createEntity({ partitionKey: 'crm.a', rowKey: '3', told: 'there' });
  const resumed = () => exported(source).then((lines) => importTables([target], from(lines), { signal }));
  expect(await resumed()).toEqual({ rows: 5, written: 4, leftAlone: 1 });
  expect(await resumed()).toEqual({ rows: 5, written: 0, leftAlone: 5 });
  expect((await target.getEntity('crm.a', '3')).told).toBe('there');
});

test('more rows than a transaction takes, and than are read ahead, are all written', async () => {
  const target = await openTable();
  const rows = Array.from({ length: 1_250 }, (_, row) =>
    JSON.stringify({ partitionKey: `crm.${row % 3}`, rowKey: String(row), text: 'x'.repeat(2_000) }),
  );
  const seen: number[] = [];
  const lines = [JSON.stringify({ export: 'activation-hub-ledger', format: 2, exportedAt: '' }), ...rows];
  const imported = await importTables([target], from(lines), { signal, onProgress: (count) => seen.push(count) });
  expect(imported).toEqual({ rows: 1_250, written: 1_250, leftAlone: 0 });
  expect(seen).toEqual([1_000, 1_250]);
  expect((await exported(target)).length).toBe(1_251);
});

const heading = JSON.stringify({ export: 'activation-hub-ledger', format: 2, exportedAt: '' });

test.each([
  ['an empty file', [], 'the file is empty'],
  ['another file', ['{"event":"listed"}'], 'the first line is not that of an export of this version'],
  ['a later format', [heading.replace('2', '3')], 'the first line is not that of an export of this version'],
  [
    'an earlier format, whose rows had other keys',
    [heading.replace('2', '1')],
    'the first line is not that of an export of this version',
  ],
  ['a line that was cut off', [heading, '{"partitionKey":"Ada@exam'], 'line 2 is not JSON'],
  ['a line that is no row', [heading, '{"partitionKey":"a"}'], 'line 2 is no row'],
])('%s is refused with words that quote nobody', async (_what, lines, words) => {
  const refused = importTables([await openTable()], from(lines), { signal });
  await expect(refused).rejects.toThrow(words);
  await expect(refused).rejects.not.toThrow('Ada');
});

test('a table that is not there is a failure of the store', async () => {
  const client = TableClient.fromConnectionString(azurite.connectionString, 'nothing', {
    allowInsecureConnection: true,
  });
  await expect(exported(client)).rejects.toThrow('Failed to export the ledger: the table store');
  const row = JSON.stringify({ partitionKey: 'a', rowKey: 'b' });
  await expect(importTables([client], from([heading, row]), { signal })).rejects.toThrow('Failed to import the ledger');
});
