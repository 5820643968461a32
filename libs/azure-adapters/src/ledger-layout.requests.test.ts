import { randomUUID } from 'node:crypto';
import { RestError } from '@azure/data-tables';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy, type StorageProxy } from '../testing/storage-proxy.ts';
import { exportLines } from './export-lines.ts';
import { entityAddress } from './ledger-entity.ts';
import { accountOf, ledgerTables, type LedgerTables } from './ledger-tables.ts';
import { SpreadLedger } from './spread-ledger.ts';

const { signal } = new AbortController();
let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite({ accounts: 2 });
});
afterAll(() => azurite.stop());

/** A ledger in two accounts behind a proxy, which passes everything. */
async function openLedger(): Promise<{ proxy: StorageProxy; tables: readonly [LedgerTables, LedgerTables] }> {
  const proxy = await startStorageProxy(azurite.tablePort);
  onTestFinished(() => proxy.stop());
  const accounts = azurite.connectionStrings.map((each) => each.replace(`:${azurite.tablePort}/`, `:${proxy.port}/`));
  const id = randomUUID().replaceAll('-', '');
  const [first, second] = ledgerTables(
    accounts.map((connectionString) => ({ connectionString })),
    { rows: `ledger${id}`, layout: `layout${id}` },
  );
  if (first === undefined || second === undefined) return expect.unreachable();
  await new SpreadLedger([first, second]).createTables(signal);
  return { proxy, tables: [first, second] };
}

const read = (ledger: SpreadLedger, of = signal) => ledger.read([exampleKey(1)], of);
const writesLayout = (method = '', url = '') => method === 'PATCH' && url.includes('/layout');
const readsLayout = (method = '', url = '') => method === 'GET' && url.includes('/layout');
const looksForRows = (method = '', url = '') => method === 'GET' && /\/ledger\w+\(\)/.test(url);

const calls = [
  ['close', 'close the ledger', writesLayout, (ledger: SpreadLedger, of: AbortSignal) => ledger.close(of)],
  [
    'import',
    'import the ledger',
    writesLayout,
    (ledger: SpreadLedger, of: AbortSignal) =>
      ledger.import(() => exportLines(ReadableStream.from([]), 0), { signal: of, resume: true }),
  ],
  ['look at the layout', 'read the ledger', readsLayout, read],
  ['look for the rows', 'read the ledger', looksForRows, read],
] as const;

test.each(calls)('a %s that meets a broken connection says so', async (_, doing, meets, call) => {
  const { proxy, tables } = await openLedger();
  proxy.treat = async ({ method, url }) => {
    if (meets(method, url)) await proxy.stop();
    return 'pass' as const;
  };
  await expect(call(new SpreadLedger(tables), signal)).rejects.toThrow(
    `Failed to ${doing}: the table store at 127.0.0.1:${proxy.port} could not be reached`,
  );
});

test.each(calls)(
  'a %s that is never answered ends with the caller, for whatever reason',
  async (_, __, meets, call) => {
    const { proxy, tables } = await openLedger();
    const caller = new AbortController();
    // As another store says that something is gone.
    const reason = new RestError('the app stops', { statusCode: 404 });
    proxy.treat = ({ method, url }) => {
      if (!meets(method, url)) return 'pass';
      caller.abort(reason);
      return 'hang';
    };
    await expect(call(new SpreadLedger(tables), caller.signal)).rejects.toBe(reason);
  },
);

test('a start looks once into the table of each account that says what it is', async () => {
  const { proxy, tables } = await openLedger();
  const before = proxy.requests.length;
  await new SpreadLedger(tables).createTables(signal);
  const looks = proxy.requests.slice(before).filter((request) => request.includes('()'));
  expect(looks).toHaveLength(2);
});

test('before the first look at the accounts no call goes on', async () => {
  const { tables } = await openLedger();
  await tables[0].layout.updateEntity({ partitionKey: 'layout', rowKey: 'ledger', imported: false }, 'Merge');
  const ledger = new SpreadLedger(tables);
  const both = await Promise.allSettled([read(ledger), read(ledger)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('an account whose layout another process writes meanwhile has not lost its rows', async () => {
  const { tables } = await openLedger();
  const inFirst = Array.from({ length: 20 }, (_, n) => exampleKey(n)).filter(
    (key) => accountOf(entityAddress(key).rowKey, 2) === 0,
  );
  const writes = inFirst.map((key) => ({ key, record: exampleRecord(), expected: undefined }));
  await new SpreadLedger(tables).write(writes, signal);
  const { layout } = tables[1];
  const get = layout.getEntity.bind(layout);
  layout.getEntity = () => {
    layout.getEntity = get;
    return Promise.reject(new RestError('Not yet.', { statusCode: 404 }));
  };
  await new SpreadLedger(tables).createTables(signal);
});
