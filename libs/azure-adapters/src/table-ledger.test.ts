import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { TableClient } from '@azure/data-tables';
import {
  attributesCharactersMax,
  identityCharactersMax,
  isUnreadableRow,
  type Ledger,
  type LedgerKey,
  type LedgerSelection,
  type LedgerWrite,
} from '@activation-hub/membership';
import {
  describeLedgerContract,
  describeUnreadableRowContract,
  exampleKey,
  exampleRecord,
  exampleState,
  readable,
} from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy, type StorageProxy } from '../testing/storage-proxy.ts';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { entityAddress } from './ledger-entity.ts';
import { tableClient } from './storage-connections.ts';
import { StoreFailure } from './store-call.ts';
import { TableLedger, type TableLedgerOptions } from './table-ledger.ts';

const { signal } = new AbortController();
const clients = new WeakMap<Ledger, TableClient>();
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function openLedger(
  options: TableLedgerOptions = {},
  same?: Ledger,
  port = azurite.tablePort,
  tableName = `ledger${randomUUID().replaceAll('-', '')}`,
): Promise<TableLedger> {
  const client = (same && clients.get(same)) ?? tableClient(through(port), tableName);
  const ledger = new TableLedger(client, options);
  clients.set(ledger, client);
  await ledger.createTable(signal);
  return ledger;
}

function through(port: number): { connectionString: string } {
  return { connectionString: azurite.connectionString.replace(`:${azurite.tablePort}/`, `:${port}/`) };
}

async function openProxy(): Promise<StorageProxy> {
  const proxy = await startStorageProxy(azurite.tablePort);
  onTestFinished(() => proxy.stop());
  return proxy;
}

/** Rows of one person, one per audience. */
function audiences(count: number): LedgerKey[] {
  return Array.from({ length: count }, (_, n) =>
    exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }),
  );
}

function creations(keys: readonly LedgerKey[]): LedgerWrite[] {
  return keys.map((key, n) => ({
    key,
    record: exampleRecord({ known: exampleState({ sequenceNumber: n }) }),
    expected: undefined,
  }));
}

async function create(ledger: Ledger, key: LedgerKey): Promise<string> {
  const [result] = await ledger.write(creations([key]), signal);
  if (result?.written !== true) throw new Error('The row was there before.');
  return result.version;
}

async function listed(ledger: Ledger, of: LedgerSelection): Promise<LedgerKey[]> {
  const keys: LedgerKey[] = [];
  for await (const { key } of readable(ledger).rows(of, signal)) keys.push(key);
  return keys;
}

/** The next request that `matches` loses its reply, and only that. */
function loseOneReply(proxy: StorageProxy, matches: (method: string | undefined) => boolean): void {
  let lost = false;
  proxy.treat = ({ method }) => {
    if (lost || !matches(method)) return 'pass';
    lost = true;
    return 'lose-reply';
  };
}

/** Gives a row a state that only a newer release knows. */
async function spoil(ledger: Ledger, key: LedgerKey): Promise<void> {
  await clients.get(ledger)?.updateEntity({ ...entityAddress(key), rowState: 'of-tomorrow' }, 'Merge');
}

describeLedgerContract('the table ledger, read as from an emulator', (same) => openLedger({}, same));
describeLedgerContract('the table ledger, read as from Azure', (same) => openLedger({ pointReadsMax: 1 }, same));
describeUnreadableRowContract('the table ledger, read as from an emulator', () => openLedger(), spoil);
describeUnreadableRowContract('the table ledger, read as from Azure', () => openLedger({ pointReadsMax: 1 }), spoil);

test('a creation whose reply was lost is known again as written', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({}, undefined, proxy.port);
  loseOneReply(proxy, (method) => method === 'POST');
  const [result] = await ledger.write(creations([exampleKey(1)]), signal);
  const [row] = await readable(ledger).read([exampleKey(1)], signal);
  expect(result).toEqual({ written: true, version: row?.version });
  expect(proxy.requests.filter((request) => request.startsWith('POST') && !request.includes('/Tables'))).toHaveLength(
    2,
  );
});

test('an update whose reply was lost is known again as written', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({}, undefined, proxy.port);
  const [created] = await ledger.write(creations([exampleKey(1)]), signal);
  loseOneReply(proxy, (method) => method === 'PUT');
  const update = {
    key: exampleKey(1),
    record: exampleRecord({ inDoubt: true }),
    expected: created?.written === true ? created.version : undefined,
  };
  const [result] = await ledger.write([update], signal);
  const [row] = await readable(ledger).read([exampleKey(1)], signal);
  expect(result).toEqual({ written: true, version: row?.version });
  expect(row?.record.inDoubt).toBe(true);
  expect(proxy.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(2);
});

test('a transaction whose reply was lost is known again as written', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({}, undefined, proxy.port);
  loseOneReply(proxy, (method) => method === 'POST');
  const results = await ledger.write(creations(audiences(3)), signal);
  const rows = await readable(ledger).read(audiences(3), signal);
  expect(results).toEqual(rows.map((row) => ({ written: true, version: row?.version })));
  expect(proxy.requests.filter((request) => request.includes('$batch'))).toHaveLength(2);
});

test.each([2, 3])('a transaction of %i updates whose reply was lost is known again as written', async (count) => {
  const proxy = await openProxy();
  const ledger = await openLedger({}, undefined, proxy.port);
  const keys = audiences(count);
  const versions = await ledger.write(creations(keys), signal);
  loseOneReply(proxy, (method) => method === 'POST');
  const updates = keys.map((key, n): LedgerWrite => {
    const created = versions[n];
    return {
      key,
      record: exampleRecord({ inDoubt: true }),
      expected: created?.written === true ? created.version : undefined,
    };
  });
  const results = await ledger.write(updates, signal);
  const rows = await readable(ledger).read(keys, signal);
  expect(results).toEqual(rows.map((row) => ({ written: true, version: row?.version })));
  expect(rows.map((row) => row?.record.inDoubt)).toEqual(keys.map(() => true));
});

test('of a transaction whose reply was lost the row that another process wrote since is a lost race', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({}, undefined, proxy.port);
  const other = await openLedger({}, undefined, azurite.tablePort, clients.get(ledger)?.tableName);
  const keys = audiences(3);
  const [, second] = keys;
  if (second === undefined) throw new Error('unreachable');
  const newer = exampleRecord({ known: exampleState({ content: 'newer' }) });
  let batches = 0;
  proxy.treat = async ({ url = '' }) => {
    if (!url.includes('$batch')) return 'pass';
    batches += 1;
    if (batches === 1) return 'lose-reply';
    if (batches === 2) {
      const [row] = await readable(other).read([second], signal);
      await other.write([{ key: second, record: newer, expected: row?.version }], signal);
    }
    return 'pass';
  };
  const results = await ledger.write(creations(keys), signal);
  expect(results.map(({ written }) => written)).toEqual([true, false, true]);
  expect((await readable(other).read([second], signal))[0]?.record.known.content).toBe('newer');
  expect(batches).toBe(2);
});

test('a transaction that never arrived is sent again, and the row that another process wrote before loses alone', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({}, undefined, proxy.port);
  const other = await openLedger({}, undefined, azurite.tablePort, clients.get(ledger)?.tableName);
  const keys = audiences(3);
  await other.write(creations(keys.slice(1, 2)), signal);
  let batches = 0;
  proxy.treat = ({ url = '', socket }) => {
    if (!url.includes('$batch')) return 'pass';
    batches += 1;
    if (batches > 1) return 'pass';
    socket.destroy();
    return 'hang';
  };
  const results = await ledger.write(creations(keys), signal);
  expect(results.map(({ written }) => written)).toEqual([true, false, true]);
  expect((await readable(ledger).read(keys, signal)).every((row) => row !== undefined)).toBe(true);
});

test('a removal whose reply was lost is known as done, though the row is not found again', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({}, undefined, proxy.port);
  const version = await create(ledger, exampleKey(1));
  loseOneReply(proxy, (method) => method === 'DELETE');
  expect(await ledger.remove(exampleKey(1), version, signal)).toBe(true);
  expect(await readable(ledger).read([exampleKey(1)], signal)).toEqual([undefined]);
  expect(proxy.requests.filter((request) => request.startsWith('DELETE'))).toHaveLength(2);
});

test('a removal whose reply was lost is no removal of the row that came after it', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({}, undefined, proxy.port);
  const other = await openLedger({}, undefined, azurite.tablePort, clients.get(ledger)?.tableName);
  const version = await create(ledger, exampleKey(1));
  const created = Promise.withResolvers<undefined>();
  let removals = 0;
  proxy.treat = ({ method }) => {
    if (method !== 'DELETE') return 'pass';
    removals += 1;
    return removals === 1 ? 'lose-reply' : created.promise.then(() => 'pass');
  };
  const removed = ledger.remove(exampleKey(1), version, signal);
  await expect.poll(() => removals).toBe(2);
  const newer = await create(other, exampleKey(1));
  created.resolve(undefined);
  expect(await removed).toBe(false);
  expect((await readable(other).read([exampleKey(1)], signal))[0]?.version).toBe(newer);
});

test('of 20 who remove one row exactly one is told that it did', async () => {
  const ledger = await openLedger();
  const version = await create(ledger, exampleKey(1));
  const removed = await Promise.all(Array.from({ length: 20 }, () => ledger.remove(exampleKey(1), version, signal)));
  expect(removed.filter(Boolean)).toHaveLength(1);
});

test('the same record written by another process is a lost race, not a lost reply', async () => {
  const ledger = await openLedger();
  const [write] = creations([exampleKey(1)]);
  if (write === undefined) throw new Error('unreachable');
  expect((await ledger.write([write], signal))[0]?.written).toBe(true);
  expect(await ledger.write([write], signal)).toEqual([{ written: false }]);
});

test('of 20 writers to one row exactly one wins, in every round', async () => {
  const ledger = await openLedger();
  let expected: string | undefined;
  for (let round = 0; round < 5; round += 1) {
    const before = expected;
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, writer) => {
        const record = exampleRecord({ known: exampleState({ sequenceNumber: writer }) });
        return ledger.write([{ key: exampleKey(1), record, expected: before }], signal);
      }),
    );
    const winners = results.flatMap(([result], writer) =>
      result?.written === true ? [{ writer, version: result.version }] : [],
    );
    const [row] = await readable(ledger).read([exampleKey(1)], signal);
    expect(winners).toEqual([{ writer: row?.record.known.sequenceNumber, version: row?.version }]);
    expected = row?.version;
  }
});

test.each([1, 100])(
  'an identity with more rows than a page is read whole, with point reads for up to %i',
  async (pointReadsMax) => {
    const ledger = await openLedger({ pointReadsMax });
    const keys = audiences(1_005);
    await ledger.write(creations(keys), signal);
    const rows = await readable(ledger).read(keys, signal);
    expect(rows.map((row) => row?.record.known.sequenceNumber)).toEqual(keys.map((_, n) => n));
  },
);

test('more rows than a page are listed, each once', async () => {
  const ledger = await openLedger();
  const keys = [...audiences(1_005), ...Array.from({ length: 10 }, (_, n) => exampleKey(n + 2))];
  await ledger.write(creations(keys), signal);
  const texts = (listed: readonly LedgerKey[]): string[] => listed.map((key) => JSON.stringify(key)).sort();
  for (const selection of [{}, { destination: 'crm' }]) {
    expect(texts(await listed(ledger, selection))).toEqual(texts(keys));
  }
  const identity = { namespace: 'crmid', value: 'person-1' };
  expect(texts(await listed(ledger, { destination: 'crm', identity }))).toEqual(texts(audiences(1_005)));
});

test('rows of destinations that share a range of the table are told apart', async () => {
  const ledger = await openLedger();
  const keys = ['a b', 'a_b', 'a/b'].map((destination) => exampleKey(1, { destination }));
  await ledger.write(creations(keys), signal);
  for (const key of keys) expect(await listed(ledger, { destination: key.destination })).toEqual([key]);
});

test('a row that cannot be read is named in a walk over its destination, and in no other of the same range', async () => {
  const ledger = await openLedger();
  const [sound, broken] = ['a b', 'a_b'].map((destination) => exampleKey(1, { destination })) as [LedgerKey, LedgerKey];
  await ledger.write(creations([sound, broken]), signal);
  const change = (columns: object) =>
    clients.get(ledger)?.updateEntity({ ...entityAddress(broken), ...columns }, 'Merge');
  await change({ knownStatus: 'elsewhere' });
  expect(await listed(ledger, { destination: sound.destination })).toEqual([sound]);
  const { partitionKey, rowKey } = entityAddress(broken);
  const ofBroken = async () => await Array.fromAsync(ledger.rows({ destination: broken.destination }, signal));
  const spoiled = { unreadable: `column knownStatus of row ${partitionKey}/${rowKey}` };
  expect(await ofBroken()).toEqual([spoiled]);
  expect(await Array.fromAsync(ledger.rowsWrittenSince(0, signal))).toContainEqual(spoiled);
  await change({ destination: 'c' });
  expect(await ofBroken()).toEqual([{ unreadable: `column RowKey of row ${partitionKey}/${rowKey}` }]);
  await change({ destination: 7 });
  expect(await ofBroken()).toEqual([{ unreadable: `column destination of row ${partitionKey}/${rowKey}` }]);
});

test('a list that is aborted between two rows ends with the reason', async () => {
  const ledger = await openLedger();
  await ledger.write(creations(audiences(3)), signal);
  const controller = new AbortController();
  const rows = readable(ledger).rows({}, controller.signal)[Symbol.asyncIterator]();
  expect((await rows.next()).done).toBe(false);
  controller.abort(new Error('deadline'));
  await expect(rows.next()).rejects.toThrow('deadline');
});

test('the largest row that the port allows is one entity', async () => {
  const ledger = await openLedger();
  const key = exampleKey(1, { identity: { namespace: 'crmid', value: '\ud835'.repeat(identityCharactersMax) } });
  const record = exampleRecord({ attributes: { text: 'x'.repeat(attributesCharactersMax - '{"text":""}'.length) } });
  const [result] = await ledger.write([{ key, record, expected: undefined }], signal);
  expect(result?.written).toBe(true);
  expect(await listed(ledger, {})).toEqual([key]);
  expect((await readable(ledger).read([key], signal))[0]?.record).toEqual(record);
});

test('no identity is in a url', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({ pointReadsMax: 1 }, undefined, proxy.port);
  await ledger.write(creations([...audiences(3), exampleKey(2)]), signal);
  await readable(ledger).read([...audiences(3), exampleKey(2)], signal);
  await listed(ledger, { destination: 'crm', identity: exampleKey(2).identity });
  await ledger.remove(exampleKey(2), '*', signal);
  expect(proxy.requests.length).toBeGreaterThan(3);
  expect(proxy.requests.filter((request) => request.includes('person'))).toEqual([]);
});

test('a store that cannot be reached is named, and no person', async () => {
  const proxy = await startStorageProxy(azurite.tablePort);
  const ledger = await openLedger({}, undefined, proxy.port);
  await proxy.stop();
  const startedAtMs = performance.now();
  const failed = await ledger.write(creations(audiences(2)), signal).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(StoreFailure);
  expect((failed as StoreFailure).message).toBe(
    `Failed to write the ledger: the table store at 127.0.0.1:${proxy.port} could not be reached (ECONNREFUSED). ` +
      'Nothing listens at that address. Start the store, or check the port.',
  );
  expect(performance.now() - startedAtMs).toBeLessThan(60_000);
  expect(inspect(failed, { depth: 20 })).not.toContain('person');
});

test('a store that does not answer is given up after the time of an operation', async () => {
  const proxy = await openProxy();
  const ledger = await openLedger({ operationTimeoutMs: 2_000 }, undefined, proxy.port);
  proxy.treat = () => 'hang';
  await expect(readable(ledger).read([exampleKey(1)], signal)).rejects.toThrow(
    `Failed to read the ledger: the table store at 127.0.0.1:${proxy.port} did not answer within 2000 ms.`,
  );
});

test('a table that was never made is an error, not a ledger without rows', async () => {
  const ledger = new TableLedger(tableClient(azurite, 'nevermade'));
  await expect(readable(ledger).read([exampleKey(1)], signal)).rejects.toThrow('answered 404 TableNotFound');
  await expect(readable(ledger).read(audiences(3), signal)).rejects.toThrow('answered 404 TableNotFound');
  await expect(ledger.write(creations([exampleKey(1)]), signal)).rejects.toThrow('answered 404 TableNotFound');
  await expect(ledger.remove(exampleKey(1), '*', signal)).rejects.toThrow('answered 404 TableNotFound');
  await expect(listed(ledger, {})).rejects.toThrow('answered 404 TableNotFound');
  const failed = await ledger.write(creations(audiences(3)), signal).catch((error: unknown) => error);
  expect((failed as Error).message).toContain('answered 404 TableNotFound');
  expect(inspect(failed, { depth: 20 })).not.toContain('person');
});

test.each(['read', 'write'] as const)(
  'a %s that is aborted in the middle ends with the reason, and starts nothing more',
  async (kind) => {
    const proxy = await openProxy();
    const ledger = await openLedger({ readsMax: 4, transactionsMax: 4 }, undefined, proxy.port);
    const controller = new AbortController();
    const { promise: full, resolve } = Promise.withResolvers<undefined>();
    let held = 0;
    proxy.treat = () => {
      held += 1;
      if (held === 4) resolve(undefined);
      return 'hang';
    };
    const keys = Array.from({ length: 40 }, (_, n) => exampleKey(n));
    const call: Promise<unknown> =
      kind === 'read'
        ? readable(ledger).read(keys, controller.signal)
        : ledger.write(creations(keys), controller.signal);
    const ended = call.catch((error: unknown) => error);
    await full;
    controller.abort(new Error('deadline'));
    expect(await ended).toEqual(new Error('deadline'));
    expect(held).toBe(4);
  },
);

test('a row that a person changed into something else is named by its column', async () => {
  const ledger = await openLedger();
  await ledger.write(creations([exampleKey(1)]), signal);
  await changeRows(ledger, { identityValue: 'person-2' });
  const named = (column: string): object => {
    const { partitionKey, rowKey } = entityAddress(exampleKey(1));
    return { unreadable: `column ${column} of row ${partitionKey}/${rowKey}` };
  };
  expect(await Array.fromAsync(ledger.rows({}, signal))).toEqual([named('RowKey')]);
  await changeRows(ledger, { knownStatus: 'perhaps' });
  expect(await ledger.read([exampleKey(1)], signal)).toEqual([named('knownStatus')]);
});

async function changeRows(ledger: Ledger, columns: Readonly<Record<string, string>>): Promise<void> {
  const client = clients.get(ledger);
  for await (const { partitionKey = '', rowKey = '' } of client?.listEntities() ?? []) {
    await client?.updateEntity({ partitionKey, rowKey, ...columns }, 'Merge');
  }
}

test('a watching reader gets the rows that were written since a time of the store, new ones and changed ones, and no others', async () => {
  const ledger = await openLedger();
  const [changed, old, added] = [exampleKey(1), exampleKey(2), exampleKey(3)];
  const version = await create(ledger, changed);
  await create(ledger, old);
  const timesMs: number[] = [];
  for await (const { timestamp = '' } of clients.get(ledger)?.listEntities() ?? []) timesMs.push(Date.parse(timestamp));
  const sinceMs = Math.max(...timesMs) + 1;
  await expect.poll(() => Date.now()).toBeGreaterThan(sinceMs);
  await create(ledger, added);
  await ledger.write([{ key: changed, record: exampleRecord(), expected: version }], signal);
  const since: LedgerKey[] = [];
  for await (const entry of ledger.rowsWrittenSince(sinceMs, signal))
    if (!isUnreadableRow(entry)) since.push(entry.key);
  expect(since).toHaveLength(2);
  expect(since).toEqual(expect.arrayContaining([changed, added]));
});
