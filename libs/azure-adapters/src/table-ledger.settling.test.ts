import { randomUUID } from 'node:crypto';
import { lease, settle, type LedgerKey, type LedgerRecord, type LedgerWrite } from '@activation-hub/membership';
import { exampleKey, exampleState, readable } from '@activation-hub/membership/testing';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy } from '../testing/storage-proxy.ts';
import { tableClient } from './storage-connections.ts';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
const outcomes = ['delivered', 'rejected', { is: 'deferred', chainId: 'chain', linkDigest: 'links' }] as const;
const how = { atMs: 1_767_268_800_000, deliveredAtMs: 1_767_268_799_000, linkDigest: 'followed' };
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function openLedger() {
  const proxy = await startStorageProxy(azurite.tablePort);
  onTestFinished(() => proxy.stop());
  const connectionString = azurite.connectionString.replace(`:${azurite.tablePort}/`, `:${proxy.port}/`);
  const client = tableClient({ connectionString }, `ledger${randomUUID().replaceAll('-', '')}`);
  const ledger = new TableLedger(client);
  await ledger.createTable(signal);
  return { ledger, proxy, client };
}

/** Rows of one person, one per audience. */
function audiences(count: number): LedgerKey[] {
  return Array.from({ length: count }, (_, n) =>
    exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }),
  );
}

function leaseOf(before: LedgerRecord | undefined, sequenceNumber: number): LedgerRecord {
  const desired = {
    state: exampleState({ qualifiedAtMs: 1_767_268_700_000 + sequenceNumber, sequenceNumber }),
    attributes: { name: `Zoë ${sequenceNumber}` },
    linkDigest: `digest ${sequenceNumber}`,
  };
  const kind = before === undefined ? 'entered' : 'updated';
  const by = { holder: 'worker', expiresAtMs: 1_767_268_900_000 };
  return lease(before, desired, by, { atMs: 1_767_268_800_000, because: 'export', kind });
}

async function written(ledger: TableLedger, writes: readonly LedgerWrite[]): Promise<string[]> {
  const results = await ledger.write(writes, signal);
  return results.map((result) => (result.written ? result.version : ''));
}

test.each([1, 3])('%i rows read as what they were leased and settled as, time after time', async (count) => {
  const { ledger } = await openLedger();
  const keys = audiences(count);
  let known: LedgerRecord | undefined;
  let versions: readonly (string | undefined)[] = keys.map(() => undefined);
  for (const [round, outcome] of [...outcomes, ...outcomes].entries()) {
    const record = leaseOf(known, round);
    versions = await written(
      ledger,
      keys.map((key, n) => ({ key, record, expected: versions[n] })),
    );
    const settled = settle(record, outcome, round > 2, how);
    versions = await written(
      ledger,
      keys.map((key, n) => ({ key, record: settled, expected: versions[n], over: record })),
    );
    expect(await readable(ledger).read(keys, signal)).toEqual(
      versions.map((version) => ({ record: settled, version })),
    );
    known = settled;
  }
});

test.each([1, 3])(
  'a settling of %i rows leaves what it does not change, and loses under an outdated version',
  async (count) => {
    const { ledger, client } = await openLedger();
    const keys = audiences(count);
    const record = leaseOf(undefined, 1);
    const versions = await written(
      ledger,
      keys.map((key) => ({ key, record, expected: undefined })),
    );
    for await (const { partitionKey = '', rowKey = '' } of client.listEntities())
      await client.updateEntity({ partitionKey, rowKey, ofAnother: 'kept' }, 'Merge');
    const settled = settle(record, 'delivered', false, how);
    const writes = keys.map((key) => ({ key, record: settled, over: record }));
    expect(
      await ledger.write(
        writes.map((write, n) => ({ ...write, expected: versions[n] })),
        signal,
      ),
    ).toEqual(keys.map(() => ({ written: false })));
    const rows = await readable(ledger).read(keys, signal);
    expect(rows.map((row) => row?.record)).toEqual(keys.map(() => record));
    await written(
      ledger,
      writes.map((write, n) => ({ ...write, expected: rows[n]?.version })),
    );
    for await (const entity of client.listEntities()) expect(entity.ofAnother).toBe('kept');
    expect((await readable(ledger).read(keys, signal)).map((row) => row?.record)).toEqual(keys.map(() => settled));
  },
);

test.each([1, 3])('a settling of %i rows whose reply was lost is known again as written', async (count) => {
  const { ledger, proxy } = await openLedger();
  const keys = audiences(count);
  const record = leaseOf(undefined, 1);
  const versions = await written(
    ledger,
    keys.map((key) => ({ key, record, expected: undefined })),
  );
  let isLost = false;
  proxy.treat = ({ method }) => {
    if (isLost || method === 'GET') return 'pass';
    isLost = true;
    return 'lose-reply';
  };
  const settled = settle(record, 'delivered', false, how);
  const results = await ledger.write(
    keys.map((key, n) => ({ key, record: settled, expected: versions[n], over: record })),
    signal,
  );
  const rows = await readable(ledger).read(keys, signal);
  expect(isLost).toBe(true);
  expect(results).toEqual(rows.map((row) => ({ written: true, version: row?.version })));
  expect(rows.map((row) => row?.record)).toEqual(keys.map(() => settled));
});
