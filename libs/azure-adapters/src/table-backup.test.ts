import { createHash, randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { exportLines } from './export-lines.ts';
import { checkExport, exportTables, importTables, refuseRows } from './table-backup.ts';

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
  expect(lines).toHaveLength(5);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    export: 'activation-hub-ledger',
    format: 3,
    exportedAt: '2026-01-31T12:00:00.000Z',
  });
  expect(JSON.parse(lines[4] ?? '')).toEqual({
    end: 'activation-hub-ledger',
    rows: 3,
    sha256: createHash('sha256')
      .update(`${lines.slice(0, -1).join('\n')}\n`)
      .digest('hex'),
  });
  expect(await importTables([target], from(lines), { signal })).toEqual({
    rows: 3,
    written: 3,
    leftAlone: 0,
    isSealed: true,
  });
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

test('a table whose first page is empty, as that of a service that goes on elsewhere, has rows all the same', async () => {
  const pages = [[], [], [{ partitionKey: 'crm.b', rowKey: '1' }]].map((rows, page) =>
    Object.assign(rows, { continuationToken: page < 2 ? String(page + 1) : undefined }),
  );
  const asked: unknown[] = [];
  const client = await openTable();
  client.listEntities = ((): unknown => ({
    byPage: (settings: { readonly continuationToken?: string }) => {
      asked.push(settings);
      return { next: () => Promise.resolve({ done: false, value: pages[Number(settings.continuationToken ?? 0)] }) };
    },
  })) as TableClient['listEntities'];
  await expect(refuseRows([client], signal)).rejects.toThrow('it has rows');
  expect(asked).toEqual([
    { maxPageSize: 1 },
    { maxPageSize: 1, continuationToken: '1' },
    { maxPageSize: 1, continuationToken: '2' },
  ]);
});

test('an import that was stopped goes on; what is there is left alone', async () => {
  const [source, target] = [await openTable(), await openTable()];
  for (let row = 0; row < 5; row += 1) {
    await source.createEntity({ partitionKey: 'crm.a', rowKey: String(row), told: 'old' });
  }
  await target.createEntity({ partitionKey: 'crm.a', rowKey: '3', told: 'there' });
  const resumed = () => exported(source).then((lines) => importTables([target], from(lines), { signal }));
  expect(await resumed()).toMatchObject({ rows: 5, written: 4, leftAlone: 1 });
  expect(await resumed()).toMatchObject({ rows: 5, written: 0, leftAlone: 5 });
  expect((await target.getEntity('crm.a', '3')).told).toBe('there');
});

test('more rows than a transaction takes, and than are read ahead, are all written', async () => {
  const target = await openTable();
  const lines = await linesOf(
    Array.from({ length: 1_250 }, (_, row) => ({
      partitionKey: `crm.${row % 3}`,
      rowKey: String(row),
      text: 'x'.repeat(2_000),
    })),
  );
  const seen: number[] = [];
  const imported = await importTables([target], from(lines), { signal, onProgress: (count) => seen.push(count) });
  expect(imported).toEqual({ rows: 1_250, written: 1_250, leftAlone: 0, isSealed: true });
  expect(seen).toEqual([1_000, 1_250]);
  expect((await exported(target)).length).toBe(1_252);
});

test('an export of release 0.1.0, which has no ending, is imported, and is not said to be whole', async () => {
  const target = await openTable();
  const lines = [heading.replace('3', '2'), JSON.stringify({ partitionKey: 'a', rowKey: 'b' })];
  expect(await importTables([target], from(lines), { signal })).toEqual({
    rows: 1,
    written: 1,
    leftAlone: 0,
    isSealed: false,
  });
});

const rows = ['1', '2', '3'].map((rowKey) => ({ partitionKey: 'Ada@example.com', rowKey }));
const linesOf = (of: readonly object[]): Promise<string[]> =>
  Array.fromAsync(exportLines(ReadableStream.from(of), nowMs));
const [heading = '', , second = '', third = '', ending = ''] = await linesOf(rows);
const whole = await linesOf(rows);

test('a whole export passes the check, with blank lines too', async () => {
  await checkExport(from(whole), signal);
  await checkExport(from([...whole, '', '']), signal);
  await checkExport(from(await linesOf([])), signal);
});

test.each([
  ['an empty file', [], 'the file is empty'],
  ['another file', ['{"event":"listed"}'], 'the first line is not that of an export of this version'],
  ['a later format', [heading.replace('3', '4')], 'the first line is not that of an export of this version'],
  [
    'an earlier format, whose rows had other keys',
    [heading.replace('3', '1')],
    'the first line is not that of an export of this version',
  ],
  ['a line that was cut off', [heading, '{"partitionKey":"Ada@exam'], 'line 2 is not JSON'],
  ['a line that is no row', [heading, '{"partitionKey":"a"}'], 'line 2 is no row'],
  ['a file that was cut at the end of a line', whole.slice(0, -1), 'the file ends after 3 rows without the last line'],
  ['a file that was cut after its first line', [heading], 'the file ends after 0 rows without the last line'],
  ['a file that has lost a line', [heading, second, third, ending], 'the file has 2 rows, and its last line says 3'],
  [
    'a file in which a line was changed',
    whole.with(2, second.replace('2', '4')),
    'the file was changed after it was exported',
  ],
  ['two exports in one file', [...whole, ...whole], 'line 6 comes after the last line of an export'],
])('%s is refused with words that quote nobody', async (_what, lines, words) => {
  const refused = checkExport(from(lines), signal);
  await expect(refused).rejects.toThrow(words);
  await expect(refused).rejects.not.toThrow('Ada');
  await expect(importTables([await openTable()], from(lines), { signal })).rejects.toThrow(words);
});

test('a table that is not there is a failure of the store', async () => {
  const client = TableClient.fromConnectionString(azurite.connectionString, 'nothing', {
    allowInsecureConnection: true,
  });
  await expect(exported(client)).rejects.toThrow('Failed to export the ledger: the table store');
  await expect(importTables([client], from(whole), { signal })).rejects.toThrow('Failed to import the ledger');
});
