import { randomUUID } from 'node:crypto';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { ledgerTables, type LedgerTables } from './ledger-tables.ts';
import { SpreadLedger } from './spread-ledger.ts';
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
/** The tables of these accounts, counted from 0. */
const tablesIn = (accounts: readonly number[], names = newNames()): readonly LedgerTables[] =>
  ledgerTables(
    accounts.map((account) => ({ connectionString: azurite.connectionStrings[account] ?? '' })),
    names,
  );
const open = (tables: readonly LedgerTables[]): Promise<void> => new SpreadLedger(tables).createTables(signal);
const put = (ledger: Pick<SpreadLedger, 'write'>, person = 1) =>
  ledger.write([{ key: exampleKey(person), record: exampleRecord(), expected: undefined }], signal);
const uses = (ledger: SpreadLedger): readonly (() => Promise<unknown>)[] => [
  () => ledger.read([exampleKey(1)], signal),
  () => put(ledger),
  () => ledger.remove(exampleKey(1), 'version', signal),
  () => Array.fromAsync(ledger.rows({}, signal)),
  () => Array.fromAsync(ledger.rowsWrittenSince(0, signal)),
  () => Array.fromAsync(ledger.exported({ nowMs: 0, signal })),
  () => ledger.createTables(signal),
  () => ledger.import(ReadableStream.from([]), { signal }),
];

test('a ledger is opened again with the accounts that it was made with, by several processes at once', async () => {
  const tables = tablesIn([0, 1, 2, 3]);
  await Promise.all([open(tables), open(tables), open(tables)]);
  await open(tables);
  const rows = await Promise.all(tables.map(({ layout }) => Array.fromAsync(layout.listEntities())));
  expect(rows.map((each) => each.map(({ account, accounts }) => [account, accounts]))).toEqual([
    [[0, 4]],
    [[1, 4]],
    [[2, 4]],
    [[3, 4]],
  ]);
  expect(new Set(rows.flat().map(({ ledgerId }) => ledgerId)).size).toBe(1);
});

test.each([
  ['more', [0, 1], [0, 1, 2, 3], 'it is spread over 2 accounts, and 4 are configured.'],
  ['fewer', [0, 1, 2, 3], [0, 1], 'it is spread over 4 accounts, and 2 are configured.'],
  ['one of several', [0, 1, 2, 3], [2], 'it is spread over 4 accounts, and 1 is configured.'],
  ['several instead of one', [0], [0, 1], 'it is spread over 1 account, and 2 are configured.'],
  ['another order', [0, 1], [1, 0], 'is number 2 of the ledger, and is configured as number 1.'],
])('%s is refused in words, by everything that uses the ledger', async (_what, made, configured, words) => {
  const names = newNames();
  await open(tablesIn(made, names));
  for (const use of uses(new SpreadLedger(tablesIn(configured, names)))) await expect(use()).rejects.toThrow(words);
});

test('an account of another ledger is refused', async () => {
  const names = newNames();
  await open(tablesIn([0, 1], names));
  await open(tablesIn([2, 3], names));
  for (const use of uses(new SpreadLedger(tablesIn([0, 3], names))))
    await expect(use()).rejects.toThrow('belongs to another ledger than the one at');
});

test('a ledger from before there were layouts is one of one account, and keeps its rows', async () => {
  const names = newNames();
  const [only] = tablesIn([0], names) as [LedgerTables];
  const before = new TableLedger(only.rows);
  await before.createTable(signal);
  await put(before);
  await expect(open(tablesIn([0, 1], names))).rejects.toThrow('it is spread over 1 account, and 2 are configured.');
  const ledger = new SpreadLedger([only]);
  expect(await ledger.read([exampleKey(1)], signal)).toHaveLength(1);
  await ledger.createTables(signal);
  expect((await ledger.read([exampleKey(1)], signal))[0]?.record).toEqual(exampleRecord());
});

test('several accounts that say nothing yet are used by nothing but the start and an import', async () => {
  const ledger = new SpreadLedger(tablesIn([0, 1]));
  const [read, write] = uses(ledger) as [() => Promise<unknown>, () => Promise<unknown>];
  for (const use of [read, write])
    await expect(use()).rejects.toThrow(
      'does not say yet which account of the ledger it is. Start the function app, or import a ledger.',
    );
  await ledger.createTables(signal);
  await read();
});

test('a start that was broken off between two accounts is finished by the next', async () => {
  const tables = tablesIn([0, 1]);
  await open(tables);
  await tables[1]?.layout.deleteEntity('layout', 'ledger');
  await open(tables);
  await put(new SpreadLedger(tables));
});

test.each([0, 3, 5, 64])('%d accounts are none that a ledger can be spread over', (accounts) => {
  expect(() => tablesIn(Array.from({ length: accounts }, () => 0))).toThrow(
    `a ledger cannot be spread over ${accounts} accounts. Give 1, 2, 4, 8, 16, 32 of them.`,
  );
});

test('a layout that is not what the ledger writes is refused', async () => {
  const tables = tablesIn([0, 1]);
  await open(tables);
  await tables[0]?.layout.updateEntity({ partitionKey: 'layout', rowKey: 'ledger', accounts: 'two' }, 'Merge');
  await expect(open(tables)).rejects.toThrow('the row in the table of its layout is not what the ledger writes');
});
