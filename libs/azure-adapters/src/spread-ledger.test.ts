import { randomUUID } from 'node:crypto';
import {
  attributesCharactersMax,
  isUnreadableRow,
  type Ledger,
  type LedgerKey,
  type LedgerSelection,
} from '@activation-hub/membership';
import {
  describeLedgerContract,
  describeUnreadableRowContract,
  exampleKey,
  exampleRecord,
  readable,
} from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy } from '../testing/storage-proxy.ts';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { entityAddress } from './ledger-entity.ts';
import { accountOf, ledgerTables, type LedgerTables } from './ledger-tables.ts';
import { openLedger as openLedgerOf, SpreadLedger } from './spread-ledger.ts';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite({ accounts: 4 });
});
afterAll(() => azurite.stop());

const newNames = () => {
  const id = randomUUID().replaceAll('-', '');
  return { rows: `ledger${id}`, layout: `layout${id}` };
};
/** New tables in so many accounts of the emulator. */
function newTables(accounts = 4): readonly LedgerTables[] {
  return ledgerTables(
    azurite.connectionStrings.slice(0, accounts).map((connectionString) => ({ connectionString })),
    newNames(),
  );
}

const tablesOf = new WeakMap<Ledger, readonly LedgerTables[]>();
async function openLedger(same?: Ledger, accounts = 4): Promise<SpreadLedger> {
  const tables = (same && tablesOf.get(same)) ?? newTables(accounts);
  const ledger = new SpreadLedger(tables);
  tablesOf.set(ledger, tables);
  await ledger.createTables(signal);
  return ledger;
}

/** Gives a row a state that only a newer release knows. */
async function spoil(ledger: Ledger, key: LedgerKey): Promise<void> {
  const { partitionKey, rowKey } = entityAddress(key);
  const tables = tablesOf.get(ledger) ?? [];
  const table = tables[accountOf(rowKey, tables.length)];
  await table?.rows.updateEntity({ partitionKey, rowKey, rowState: 'of-tomorrow' }, 'Merge');
}

describeLedgerContract('the ledger over four accounts', (same) => openLedger(same));
describeLedgerContract('the ledger over one account', (same) => openLedger(same, 1));
describeUnreadableRowContract('the ledger over four accounts', () => openLedger(), spoil);

const people = (count: number): LedgerKey[] => Array.from({ length: count }, (_, n) => exampleKey(n + 1));
const record = exampleRecord();
const write = (ledger: Ledger, keys: readonly LedgerKey[]) =>
  ledger.write(
    keys.map((key) => ({ key, record, expected: undefined })),
    signal,
  );
const listed = async (ledger: Ledger, of: LedgerSelection): Promise<readonly LedgerKey[]> =>
  (await Array.fromAsync(readable(ledger).rows(of, signal))).map(({ key }) => key);
const sorted = (keys: readonly LedgerKey[]): readonly string[] => keys.map((key) => JSON.stringify(key)).toSorted();

test('all rows of one identity are in one account, where every process finds them', async () => {
  const ledger = await openLedger();
  const audiences = Array.from({ length: 20 }, (_, n) =>
    exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }),
  );
  await write(ledger, audiences);
  const rowsIn = await Promise.all(
    (tablesOf.get(ledger) ?? []).map(async ({ rows }) => (await Array.fromAsync(rows.listEntities())).length),
  );
  expect(rowsIn.toSorted((left, right) => left - right)).toEqual([0, 0, 0, 20]);
  const other = await openLedger(ledger);
  expect(sorted(await listed(other, { destination: 'crm', identity: exampleKey(1).identity }))).toEqual(
    sorted(audiences),
  );
});

test('what goes over many identities goes over all accounts', async () => {
  const ledger = await openLedger();
  const keys = people(60);
  await write(ledger, keys);
  for (const { rows } of tablesOf.get(ledger) ?? [])
    expect((await Array.fromAsync(rows.listEntities())).length).toBeGreaterThan(5);
  expect(sorted(await listed(ledger, {}))).toEqual(sorted(keys));
  expect(sorted(await listed(ledger, { destination: 'crm' }))).toEqual(sorted(keys));
  const parts = await Promise.all(Array.from({ length: 8 }, (_, part) => listed(ledger, { destination: 'crm', part })));
  expect(sorted(parts.flat())).toEqual(sorted(keys));
  const written = await Array.fromAsync(ledger.rowsWrittenSince(0, signal));
  expect(sorted(written.flatMap((row) => (isUnreadableRow(row) ? [] : [row.key])))).toEqual(sorted(keys));
});

test('it names the destinations of every account', async () => {
  const ledger = await openLedger();
  await write(ledger, people(8));
  await write(ledger, [exampleKey(1, { destination: 'ads' })]);
  expect(new Set(await Array.fromAsync(ledger.destinations(signal)))).toEqual(new Set(['ads', 'crm']));
});

test('a walk that begins elsewhere begins in an account, and there in a bucket, and goes round', async () => {
  const ledger = await openLedger();
  await write(ledger, people(60));
  const [first = [], second = [], third = [], fourth = []] = await Promise.all(
    (tablesOf.get(ledger) ?? []).map(({ rows }) => listed(new TableLedger(rows), { startAt: 0.5 })),
  );
  const round = await listed(ledger, { startAt: 0.625 });
  expect(round).toEqual([third, fourth, first, second].flat());
  expect(round).not.toEqual(await listed(ledger, { startAt: 0.5 }));
});

test('a call that writes to several accounts answers in the order of its writes, and lost races alone', async () => {
  const ledger = await openLedger();
  const keys = people(40);
  await write(ledger, keys.slice(10, 20));
  const results = await write(ledger, keys);
  expect(results.map(({ written }) => written)).toEqual(keys.map((_, n) => n < 10 || n >= 20));
  const rows = await readable(ledger).read(keys, signal);
  for (const [n, result] of results.entries()) if (result.written) expect(rows[n]?.version).toBe(result.version);
});

test('a write that cannot be kept is refused before the first row of the call, in whichever account', async () => {
  const ledger = await openLedger();
  const [last, ...others] = people(20).toReversed() as [LedgerKey, ...LedgerKey[]];
  const tooLong = { ...record, attributes: { text: 'x'.repeat(attributesCharactersMax) } };
  const writes = [...others.map((key) => ({ key, record })), { key: last, record: tooLong }];
  await expect(
    ledger.write(
      writes.map((each) => ({ ...each, expected: undefined })),
      signal,
    ),
  ).rejects.toThrow(RangeError);
  expect(await listed(ledger, {})).toEqual([]);
});

test('an account that cannot be reached fails the calls that need it, and is named', async () => {
  const proxy = await startStorageProxy(azurite.tablePort);
  onTestFinished(() => proxy.stop());
  const [first = '', second = ''] = azurite.connectionStrings;
  const accounts = [first, second.replace(`:${azurite.tablePort}/`, `:${proxy.port}/`)];
  const tables = ledgerTables(
    accounts.map((connectionString) => ({ connectionString })),
    newNames(),
  );
  const ledger = new SpreadLedger(tables);
  await ledger.createTables(signal);
  const keys = people(40);
  const { identity } = people(80).findLast((key) => accountOf(entityAddress(key).rowKey, 2) === 0) ?? exampleKey(1);
  const inFirst = keys.filter((key) => accountOf(entityAddress(key).rowKey, 2) === 0);
  await proxy.stop();
  await expect(write(ledger, keys)).rejects.toThrow(`the table store at 127.0.0.1:${proxy.port} could not be reached`);
  expect((await readable(ledger).read(inFirst, signal)).length).toBe(inFirst.length);
  expect(await listed(ledger, { destination: 'crm', identity })).toEqual([]);
});

test('the ledger of a connection is in its account, in the tables that every program uses', async () => {
  const [, , connectionString = ''] = azurite.connectionStrings;
  for (const { rows, layout } of ledgerTables([{ connectionString }]))
    for (const table of [rows, layout]) await table.deleteTable();
  const ledger = openLedgerOf({ connectionString });
  await ledger.createTables(signal);
  await write(ledger, people(1));
  expect(await listed(new SpreadLedger(ledgerTables([{ connectionString }])), {})).toEqual(people(1));
});

test('a call of no rows does nothing', async () => {
  const ledger = await openLedger();
  expect([await readable(ledger).read([], signal), await ledger.write([], signal)]).toEqual([[], []]);
});

test('an export of one account is imported into four, each row where it is looked for, and back', async () => {
  const [one, four, back] = [
    await openLedger(undefined, 1),
    new SpreadLedger(newTables(4)),
    new SpreadLedger(newTables(1)),
  ];
  const keys = people(50);
  await write(one, keys);
  const nowMs = Date.UTC(2026, 0, 31);
  const lines = await Array.fromAsync(one.exported({ nowMs, signal }));
  expect(await four.import(() => ReadableStream.from(lines), { signal })).toMatchObject({ rows: 50, written: 50 });
  expect((await four.read(keys, signal)).every((row) => row !== undefined)).toBe(true);
  const again = await Array.fromAsync(four.exported({ nowMs, signal }));
  expect(again.slice(0, -1).toSorted()).toEqual(lines.slice(0, -1).toSorted());
  await back.import(() => ReadableStream.from(again), { signal });
  expect(sorted(await listed(back, {}))).toEqual(sorted(keys));
  await expect(four.import(() => ReadableStream.from(lines), { signal })).rejects.toThrow(
    'Failed to import the ledger: it has rows.',
  );
});

test('until an import has ended nothing else opens the ledger, and one that broke off is resumed', async () => {
  const source = await openLedger(undefined, 1);
  const keys = people(20);
  await write(source, keys);
  const lines = await Array.fromAsync(source.exported({ nowMs: 0, signal }));
  const tables = newTables(2);
  let passes = 0;
  const brokenOff = async function* (): AsyncGenerator<string, void> {
    passes += 1;
    yield* lines.slice(0, 11);
    if (passes === 2) {
      await expect(new SpreadLedger(tables).read(keys, signal)).rejects.toThrow('an import');
      throw new Error('The file is not there any more.');
    }
    yield* lines.slice(11);
  };
  await expect(new SpreadLedger(tables).import(brokenOff, { signal })).rejects.toThrow('not there any more');
  await write(new TableLedger(tables[0]?.rows ?? expect.unreachable()), [exampleKey(500)]);
  const resumed = await new SpreadLedger(tables).import(() => ReadableStream.from(lines), { signal, resume: true });
  expect(resumed.rows).toBe(20);
  expect((await new SpreadLedger(tables).read(keys, signal)).every((row) => row !== undefined)).toBe(true);
});

test('a ledger that was closed is not written any more', async () => {
  const tables = newTables(2);
  let nowMs = Date.UTC(2026, 0, 31);
  const sleep = (ms: number): Promise<void> => {
    nowMs += ms;
    return Promise.resolve();
  };
  const ledger = new SpreadLedger(tables, { clock: { now: () => nowMs, sleep } });
  await ledger.createTables(signal);
  await ledger.close(signal);
  await expect(write(ledger, people(1))).rejects.toThrow('it was closed');
});
