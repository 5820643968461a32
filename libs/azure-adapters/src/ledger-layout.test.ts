import { randomUUID } from 'node:crypto';
import { RestError } from '@azure/data-tables';
import { exampleKey, exampleRecord, readable } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy } from '../testing/storage-proxy.ts';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { exportLines } from './export-lines.ts';
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
/** The ids of the ledger that the accounts say. */
const idsIn = async (tables: readonly LedgerTables[]): Promise<readonly unknown[]> =>
  Promise.all(tables.map(async ({ layout }) => (await layout.getEntity('layout', 'ledger')).ledgerId));
const host = (): string => `127.0.0.1:${azurite.tablePort}`;
const put = (ledger: Pick<SpreadLedger, 'write'>, person = 1) =>
  ledger.write([{ key: exampleKey(person), record: exampleRecord(), expected: undefined }], signal);
const uses = (ledger: SpreadLedger): readonly (() => Promise<unknown>)[] => [
  () => readable(ledger).read([exampleKey(1)], signal),
  () => put(ledger),
  () => ledger.remove(exampleKey(1), 'version', signal),
  () => Array.fromAsync(readable(ledger).rows({}, signal)),
  () => Array.fromAsync(ledger.rowsWrittenSince(0, signal)),
  () => Array.fromAsync(ledger.exported({ nowMs: 0, signal })),
  () => ledger.createTables(signal),
  () => ledger.import(exportOf([]), { signal }),
];

const row = (rowKey: string): object => ({ partitionKey: 'crm.0', rowKey });
/** What an import reads, as often as it likes. */
const exportOf =
  (rows: readonly object[]): (() => AsyncIterable<string>) =>
  () =>
    exportLines(ReadableStream.from(rows), 0);

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

test('of two processes that start at once the one that comes second at the first account takes the id of the other', async () => {
  const tables = tablesIn([0, 1]);
  const [first] = tables as [LedgerTables];
  const create = first.layout.createEntity.bind(first.layout);
  first.layout.createEntity = async (...args) => {
    first.layout.createEntity = create;
    await open(tables);
    return create(...args);
  };
  await open(tables);
  expect(new Set(await idsIn(tables)).size).toBe(1);
});

test('of two processes that start at once with other accounts the second is refused', async () => {
  const names = newNames();
  const [two, one] = [tablesIn([0, 1], names), tablesIn([0], names)];
  const [first] = two as [LedgerTables];
  const create = first.layout.createEntity.bind(first.layout);
  first.layout.createEntity = async (...args) => {
    await open(one);
    return create(...args);
  };
  await expect(open(two)).rejects.toThrow('it is spread over 1 account, and 2 are configured.');
});

test.each([403, 409])('an account that does not take its layout fails the start (%i)', async (statusCode) => {
  const tables = tablesIn([0]);
  const [only] = tables as [LedgerTables];
  only.layout.createEntity = () => Promise.reject(new RestError('No.', { statusCode }));
  await expect(open(tables)).rejects.toThrow(
    `Failed to create the ledger: the table store at ${host()} answered ${statusCode}.`,
  );
});

/** Tables in two accounts, of which the second is behind a proxy. */
async function behindProxy(names = newNames()) {
  const proxy = await startStorageProxy(azurite.tablePort);
  onTestFinished(() => proxy.stop());
  const [first = '', second = ''] = azurite.connectionStrings;
  const accounts = [first, second.replace(`:${azurite.tablePort}/`, `:${proxy.port}/`)];
  const tables = ledgerTables(
    accounts.map((connectionString) => ({ connectionString })),
    names,
  );
  return { proxy, tables };
}

test('an account that cannot be reached is not taken for one that says nothing', async () => {
  const names = newNames();
  await open(tablesIn([0, 1], names));
  const { proxy, tables } = await behindProxy(names);
  await proxy.stop();
  await expect(new SpreadLedger(tables).read([exampleKey(1)], signal)).rejects.toThrow(
    `Failed to read the ledger: the table store at 127.0.0.1:${proxy.port} could not be reached`,
  );
});

const requests = [
  ['make a table', 'create', 'POST', /Tables/],
  ['read a layout', 'read', 'GET', /layout\w+\(Part/],
  ['look for rows', 'read', 'GET', /ledger\w+\(\)/],
  ['write a layout', 'create', 'POST', /layout\w+(\?|$)/],
] as const;

test.each(requests)(
  'a start whose request to %s is never answered ends with the caller',
  async (_, __, method, url) => {
    const { proxy, tables } = await behindProxy();
    // The rows are looked for in ledgers of several accounts alone.
    const asked = url.test('/ledger0()') ? tables : tables.slice(1);
    const caller = new AbortController();
    proxy.treat = (request) => {
      if (request.method !== method || !url.test(request.url ?? '')) return 'pass';
      caller.abort(new Error('the app stops'));
      return 'hang';
    };
    await expect(new SpreadLedger(asked).createTables(caller.signal)).rejects.toThrow('the app stops');
  },
);

test.each(requests)('a start whose request to %s meets a broken connection says so', async (_, doing, method, url) => {
  const { proxy, tables } = await behindProxy();
  proxy.treat = async (request) => {
    if (request.method === method && url.test(request.url ?? '')) await proxy.stop();
    return 'pass' as const;
  };
  await expect(open(tables)).rejects.toThrow(
    `Failed to ${doing} the ledger: the table store at 127.0.0.1:${proxy.port} could not be reached`,
  );
});

test('the accounts are asked once what they say, however often the ledger is used', async () => {
  const tables = tablesIn([0, 1]);
  await open(tables);
  const ledger = new SpreadLedger(tables);
  await readable(ledger).read([exampleKey(1)], signal);
  for (const { layout } of tables) await layout.deleteEntity('layout', 'ledger');
  expect(await readable(ledger).read([exampleKey(1)], signal)).toEqual([undefined]);
});

test('a refusal says what would be lost, and what to do', async () => {
  const names = newNames();
  await open(tablesIn([0], names));
  await expect(open(tablesIn([0, 1], names))).rejects.toThrow(
    'Failed to open the ledger: it is spread over 1 account, and 2 are configured. With another number no row would be found, and members would be lost. ' +
      'Configure as many as before, or move the ledger (docs/operating/scale.md).',
  );
});

test.each([
  ['more', [0, 1], [0, 1, 2, 3], 'it is spread over 2 accounts, and 4 are configured.'],
  ['fewer', [0, 1, 2, 3], [0, 1], 'it is spread over 4 accounts, and 2 are configured.'],
  ['one of several', [0, 1, 2, 3], [2], 'it is spread over 4 accounts, and 1 is configured.'],
  ['several instead of one', [0], [0, 1], 'it is spread over 1 account, and 2 are configured.'],
  ['another order', [0, 1], [1, 0], ' is number 2 of the ledger, and is configured as number 1.'],
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
    await expect(use()).rejects.toThrow(
      `the account at ${host()} belongs to another ledger than the one at ${host()}. Configure the accounts of one ledger.`,
    );
});

test('a ledger from before there were layouts is one of one account, and keeps its rows', async () => {
  const names = newNames();
  const [only] = tablesIn([0], names) as [LedgerTables];
  const before = new TableLedger(only.rows);
  await before.createTable(signal);
  await put(before);
  await expect(open(tablesIn([0, 1], names))).rejects.toThrow('it is spread over 1 account, and 2 are configured.');
  const ledger = new SpreadLedger([only]);
  expect(await readable(ledger).read([exampleKey(1)], signal)).toHaveLength(1);
  await ledger.createTables(signal);
  expect((await readable(ledger).read([exampleKey(1)], signal))[0]?.record).toEqual(exampleRecord());
});

test('several accounts that say nothing yet are used by nothing but the start and an import', async () => {
  const ledger = new SpreadLedger(tablesIn([0, 1]));
  const [read, write] = uses(ledger) as [() => Promise<unknown>, () => Promise<unknown>];
  for (const use of [read, write])
    await expect(use()).rejects.toThrow(
      `the account at ${host()} does not say yet which account of the ledger it is. Start the function app, or import a ledger.`,
    );
  await ledger.createTables(signal);
  await read();
});

test.each([0, 1])('a start that was broken off before account %d is finished by the next', async (silent) => {
  const tables = tablesIn([0, 1]);
  await open(tables);
  const ids = await idsIn(tables);
  await tables[silent]?.layout.deleteEntity('layout', 'ledger');
  await open(tables);
  expect(await idsIn(tables)).toEqual(ids);
  for (let person = 0; person < 10; person += 1) await put(new SpreadLedger(tables), person);
  await open(tables);
});

test('a table of rows that is gone is not made anew: an empty ledger would take members for strangers', async () => {
  for (const accounts of [[0], [0, 1]]) {
    const tables = tablesIn(accounts);
    await open(tables);
    await put(new SpreadLedger(tables));
    await tables.at(-1)?.rows.deleteTable();
    const words = `the account at ${host()} has lost its table of rows. Destinations would count as never told of their members. Import the newest export (docs/operating/disaster.md).`;
    await expect(open(tables)).rejects.toMatchObject({
      message: `Failed to open the ledger: ${words}`,
      cause: { statusCode: 404 },
    });
    await expect(new SpreadLedger(tables).read([exampleKey(1)], signal)).rejects.toThrow(words);
    await new SpreadLedger(tables).import(exportOf([]), { signal, resume: true });
    await open(tables);
  }
});

test('an account that lost all that it had is refused beside accounts with rows, but by an import', async () => {
  const tables = tablesIn([0, 1]);
  await open(tables);
  const ledger = new SpreadLedger(tables);
  for (let person = 1; person <= 20; person += 1) await put(ledger, person);
  const lines = await Array.fromAsync(ledger.exported({ nowMs: 0, signal }));
  for (const table of Object.values(tables[1] ?? {})) await (table as LedgerTables['rows']).deleteTable();
  await expect(open(tables)).rejects.toThrow('does not say which account of the ledger it is, and others have rows');
  const { leftAlone, written } = await new SpreadLedger(tables).import(() => ReadableStream.from(lines), {
    signal,
    resume: true,
  });
  expect([leftAlone, written].every((count) => count > 3)).toBe(true);
  await open(tables);
  expect(await Array.fromAsync(new SpreadLedger(tables).rows({}, signal))).toHaveLength(20);
});

test('a ledger of which an import has not ended is used by nothing but the import', async () => {
  const tables = tablesIn([0, 1]);
  const begun = new AbortController();
  const stopped = new SpreadLedger(tables).import(exportOf([row('a')]), {
    signal: begun.signal,
    onProgress: () => begun.abort(new Error('stopped')),
  });
  await expect(stopped).rejects.toThrow('stopped');
  for (const use of uses(new SpreadLedger(tables)).slice(0, -1))
    await expect(use()).rejects.toThrow('an import into it has not ended. Go on with it: activation ledger import');
  await new SpreadLedger(tables).import(exportOf([row('a')]), { signal, resume: true });
  await open(tables);
});

test('an import that is refused before its first row changes nothing', async () => {
  const tables = tablesIn([0]);
  await open(tables);
  await put(new SpreadLedger(tables));
  await expect(new SpreadLedger(tables).import(exportOf([]), { signal })).rejects.toThrow('it has rows');
  await open(tables);
});

test('a file that is no whole export changes nothing, and makes nothing', async () => {
  const tables = tablesIn([0]);
  const lines = await Array.fromAsync(exportOf([row('a')])());
  const refused = (of: readonly string[]) =>
    expect(new SpreadLedger(tables).import(() => ReadableStream.from(of), { signal, resume: true })).rejects;
  await refused(['{}']).toThrow('the first line is not that of an export');
  await refused(lines.slice(0, -1)).toThrow('it was cut off');
  await refused([...lines.slice(0, -1), 'cut o']).toThrow('line 3 is not JSON');
  await expect(Array.fromAsync(tables[0]?.rows.listEntities() ?? [])).rejects.toThrow('TableNotFound');
  await open(tables);
});

test('a file that is cut between its check and its import leaves the import unended', async () => {
  const tables = tablesIn([0]);
  const lines = await Array.fromAsync(exportOf([row('a'), row('b')])());
  let reads = 0;
  const cut = (): AsyncIterable<string> => ReadableStream.from(reads++ === 0 ? lines : lines.slice(0, 2));
  await expect(new SpreadLedger(tables).import(cut, { signal })).rejects.toThrow('it was cut off');
  await expect(open(tables)).rejects.toThrow('an import into it has not ended');
});

test('while a ledger is moved, nothing makes an empty one in its place: it is used after an import', async () => {
  for (const accounts of [[0], [0, 1]]) {
    const tables = tablesIn(accounts);
    const moving = () => new SpreadLedger(tables, { isMoving: true });
    const words = 'it is being moved, and nothing was imported here yet';
    for (const use of uses(moving()).slice(0, -1)) await expect(use()).rejects.toThrow(words);
    for (const table of tables.flatMap(({ rows, layout }) => [rows, layout]))
      await expect(Array.fromAsync(table.listEntities())).rejects.toThrow('TableNotFound');
    await new SpreadLedger(tables).import(exportOf([row('a')]), { signal });
    await moving().createTables(signal);
    await put(moving());
  }
});

test.each([
  [false, 'an import into it has not ended'],
  ['', 'it is being moved, and nothing was imported here yet'],
])(
  'one account of two whose import is not said to have ended (%j) is enough to refuse both',
  async (imported, words) => {
    const tables = tablesIn([0, 1]);
    await new SpreadLedger(tables).import(exportOf([row('a')]), { signal });
    await tables[1]?.layout.updateEntity({ partitionKey: 'layout', rowKey: 'ledger', imported }, 'Merge');
    const ledger = new SpreadLedger(tables, { isMoving: true });
    await expect(readable(ledger).read([exampleKey(1)], signal)).rejects.toThrow(words);
  },
);

test('a ledger that was made where it is moved to, without an import, is refused too', async () => {
  const tables = tablesIn([0]);
  await open(tables);
  await expect(new SpreadLedger(tables, { isMoving: true }).createTables(signal)).rejects.toThrow('it is being moved');
});

test.each([{ accounts: 'two' }, { account: 'first' }, { ledgerId: 7 }])(
  'a layout that is not what the ledger writes is refused: %o',
  async (column) => {
    const tables = tablesIn([0]);
    await open(tables);
    await tables[0]?.layout.updateEntity({ partitionKey: 'layout', rowKey: 'ledger', ...column }, 'Merge');
    await expect(open(tables)).rejects.toThrow('the row in the table of its layout is not what the ledger writes');
  },
);
