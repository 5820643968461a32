import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LedgerWrite } from '@activation-hub/membership';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { expect, onTestFinished, test } from 'vitest';
import { tableClient } from './storage-connections.ts';
import { TableLedger, type TableLedgerOptions } from './table-ledger.ts';

const { signal } = new AbortController();
const key = exampleKey(1);
const write = { key, record: exampleRecord(), expected: undefined };

/** What a store answers a request. */
interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  readonly etag?: string;
}

/** Rows of one person, one per audience: they share a partition of the table. */
function creations(count: number): LedgerWrite[] {
  return Array.from({ length: count }, (_, n) => ({
    ...write,
    key: { ...key, audience: { namespace: 'ups', id: `audience-${n}` } },
  }));
}

/**
 * A ledger in a store that answers the `n`th request so, counted from 1, or never, and what it was
 * asked.
 */
async function openStore(
  answer: (n: number) => Answer | undefined | Promise<Answer | undefined>,
  options?: TableLedgerOptions,
) {
  const requests: IncomingMessage[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(request);
    request.resume();
    const answered = await answer(requests.length);
    if (answered === undefined) return;
    const { status, code, message = 'No.', etag } = answered;
    const error = { 'odata.error': { code, message: { lang: 'en-US', value: message } } };
    response.writeHead(status, {
      'content-type': 'application/json;odata=minimalmetadata',
      ...(etag === undefined ? {} : { etag }),
    });
    response.end(code === undefined ? undefined : JSON.stringify(error));
  };
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/devstoreaccount1`;
  const accountKey = Buffer.from('a key').toString('base64');
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${accountKey};TableEndpoint=${endpoint};`;
  return { ledger: new TableLedger(tableClient({ connectionString }, 'ledger'), options), requests };
}

/** A ledger in a store that gives every request this answer. */
async function openAt(status: number, code?: string, options?: TableLedgerOptions): Promise<TableLedger> {
  return (await openStore(() => ({ status, ...(code === undefined ? {} : { code }) }), options)).ledger;
}

test.each<[string, (ledger: TableLedger) => Promise<unknown>]>([
  ['create the ledger', (ledger) => ledger.createTable(signal)],
  ['read the ledger', (ledger) => ledger.read([key], signal)],
  ['write the ledger', (ledger) => ledger.write([write], signal)],
  ['remove a row of the ledger', (ledger) => ledger.remove(key, 'version', signal)],
  ['list the ledger', (ledger) => Array.fromAsync(ledger.rows({}, signal))],
])('a failure says that the store failed to %s, and what it answered', async (doing, call) => {
  await expect(call(await openAt(403, 'AuthorizationFailure'))).rejects.toThrow(
    new RegExp(`^Failed to ${doing}: the table store at 127\\.0\\.0\\.1:\\d+ answered 403 AuthorizationFailure\\. `),
  );
});

test('what a store says of the whole table is no race that a row has lost', async () => {
  for (const [status, code] of [
    [409, 'TableBeingDeleted'],
    [404, 'TableNotFound'],
  ] as const) {
    const ledger = await openAt(status, code);
    await expect(ledger.write([write], signal)).rejects.toThrow(`answered ${status} ${code}`);
    await expect(ledger.remove(key, 'version', signal)).rejects.toThrow(`answered ${status} ${code}`);
  }
});

test.each([
  [400, 'PropertyValueTooLarge'],
  [413, 'RequestBodyTooLarge'],
] as const)(
  'a row that the store refuses with %i fails its call, and a transaction of which no row is named fails whole',
  async (status, code) => {
    const ledger = await openAt(status, code);
    await expect(ledger.write([write], signal)).rejects.toThrow(`answered ${status} ${code}`);
    await expect(ledger.write(creations(2), signal)).rejects.toThrow(`answered ${status} ${code}`);
  },
);

test('a row that is confirmed without an ETag is no row that was written', async () => {
  const ledger = await openAt(204);
  await expect(ledger.write([write], signal)).rejects.toMatchObject({
    cause: { message: 'Failed to write the ledger: the table store confirmed a row without an ETag.' },
  });
});

test('nothing is written for an aborted signal, also no row that could not be kept', async () => {
  const ledger = await openAt(204);
  const tooLarge = { ...write, record: exampleRecord({ attributes: { text: 'x'.repeat(200_000) } }) };
  await expect(ledger.write([tooLarge], AbortSignal.abort(new Error('deadline')))).rejects.toThrow('deadline');
});

test('a query of several rows that fails says that the ledger could not be read', async () => {
  const ledger = await openAt(403, 'AuthorizationFailure', { pointReadsMax: 1 });
  const keys = creations(2).map((each) => each.key);
  await expect(ledger.read(keys, signal)).rejects.toThrow(/^Failed to read the ledger: .* answered 403/);
});

/**
 * The results of two calls whose rows share the second transaction, and the number of requests.
 */
async function answeredTogether(answer: (n: number) => Answer) {
  const first = Promise.withResolvers<undefined>();
  const { ledger, requests } = await openStore(async (n) => {
    if (n > 1) return answer(n - 1);
    await first.promise;
    return { status: 204, etag: 'v1' };
  });
  const [before, ...together] = creations(3).map((each) => ledger.write([each], signal));
  first.resolve(undefined);
  await before;
  const ended = await Promise.allSettled(together);
  return {
    ended: ended.map((each) => (each.status === 'fulfilled' ? each.value[0] : (each.reason as Error).message)),
    requests: requests.length - 1,
  };
}

test.each([
  [400, 'PropertyValueTooLarge'],
  [413, 'RequestBodyTooLarge'],
] as const)('a row that the store refuses with %i by its place fails its call alone', async (status, code) => {
  const { ended, requests } = await answeredTogether((n) =>
    n === 1 ? { status, code, message: '0:It is too large.' } : { status: 204, etag: 'v2' },
  );
  expect(ended).toEqual([expect.stringContaining(`answered ${status} ${code}`), { written: true, version: 'v2' }]);
  expect(requests).toBe(2);
});

test.each([
  ['without a place', 400, 'InvalidInput', 'No row is named. Time:2026-01-15T12:00:00.001Z'],
  ['that is none of a row, whatever place it names', 403, 'AuthorizationFailure', '0:Not allowed.'],
])(
  'a refusal %s (%i) fails every call of the transaction, and nothing is sent again',
  async (_, status, code, message) => {
    const { ended, requests } = await answeredTogether(() => ({ status, code, message }));
    const failed = expect.stringContaining(`answered ${status} ${code}`) as string;
    expect(ended).toEqual([failed, failed]);
    expect(requests).toBe(1);
  },
);

test('a transaction that is too large without a place (413) goes again in smaller ones, and each fails its own call', async () => {
  const tooLarge = { status: 413, code: 'RequestBodyTooLarge', message: 'No row is named.' };
  const { ended, requests } = await answeredTogether(() => tooLarge);
  const failed = expect.stringContaining('answered 413 RequestBodyTooLarge') as string;
  expect(ended).toEqual([failed, failed]);
  expect(requests).toBe(3);
});

test('a row that the store refuses after it was busy is not looked for', async () => {
  const { ledger, requests } = await openStore((n) =>
    n === 1 ? { status: 503, code: 'ServerBusy' } : { status: 413, code: 'RequestBodyTooLarge' },
  );
  await expect(ledger.write([write], signal)).rejects.toThrow('answered 413 RequestBodyTooLarge');
  expect(requests.map(({ method }) => method)).toEqual(['POST', 'POST']);
});

test('a row that is gone when the reply to its change was lost is a lost race', async () => {
  const { ledger, requests } = await openStore((n) =>
    n === 1 ? { status: 503, code: 'ServerBusy' } : { status: 404, code: 'ResourceNotFound' },
  );
  expect(await ledger.write([{ ...write, expected: 'version' }], signal)).toEqual([{ written: false }]);
  expect(requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'GET']);
});

test('a call that is aborted for what another store answered is not taken for one of a row that is gone', async () => {
  const reason = Object.assign(new Error('the other store answered 404'), { statusCode: 404, code: 'BlobNotFound' });
  for (const call of [
    (ledger: TableLedger, of: AbortSignal) => ledger.read([key], of),
    (ledger: TableLedger, of: AbortSignal) => ledger.remove(key, 'version', of),
  ]) {
    const controller = new AbortController();
    const { ledger } = await openStore(() => {
      controller.abort(reason);
      return undefined;
    });
    await expect(call(ledger, controller.signal)).rejects.toBe(reason);
  }
});

test.each<[string, (ledger: TableLedger, of: AbortSignal) => Promise<unknown>]>([
  ['the table is made', (ledger, of) => ledger.createTable(of)],
  ['a row is written', (ledger, of) => ledger.write([write], of)],
  ['several rows are written', (ledger, of) => ledger.write(creations(2), of)],
  ['a row is read', (ledger, of) => ledger.read([key], of)],
  ['a row is removed', (ledger, of) => ledger.remove(key, 'version', of)],
  ['rows are listed', (ledger, of) => Array.fromAsync(ledger.rows({}, of))],
])('when it is aborted while %s, the request ends', async (_, call) => {
  const arrived = Promise.withResolvers<undefined>();
  const { ledger, requests } = await openStore(() => {
    arrived.resolve(undefined);
    return undefined;
  });
  const controller = new AbortController();
  const called = call(ledger, controller.signal);
  await arrived.promise;
  const [request] = requests;
  const closed = request === undefined ? expect.unreachable() : once(request.socket, 'close');
  controller.abort(new Error('deadline'));
  await expect(called).rejects.toThrow('deadline');
  await closed;
});

test.each([
  [undefined, 16],
  [3, 3],
])('of %s transactions at most as many are under way together, 16 by default', async (transactionsMax, most) => {
  const release = Promise.withResolvers<undefined>();
  const arrived = Promise.withResolvers<undefined>();
  const { ledger, requests } = await openStore(
    async (n) => {
      if (n === most) arrived.resolve(undefined);
      await release.promise;
      return { status: 204, etag: 'v1' };
    },
    transactionsMax === undefined ? {} : { transactionsMax },
  );
  // Each in a partition of its own.
  const writes = Array.from({ length: 20 }, (_, n) => ({ ...write, key: { ...key, destination: `crm-${n}` } }));
  const written = ledger.write(writes, signal);
  await arrived.promise;
  // What was sent too much would arrive no later than this request, which is sent after it.
  const probe = Promise.allSettled([ledger.read([key], signal)]);
  while (requests.every(({ method }) => method !== 'GET')) await new Promise((resolve) => setImmediate(resolve));
  expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(most);
  release.resolve(undefined);
  expect((await written).every((result) => result.written)).toBe(true);
  await probe;
});

/** The paths of requests that read. */
async function askedBy(options: TableLedgerOptions, call: (ledger: TableLedger) => Promise<unknown>) {
  const { ledger, requests } = await openStore(() => ({ status: 404, code: 'ResourceNotFound' }), options);
  await Promise.allSettled([call(ledger)]);
  return requests.map(({ url = '' }) => decodeURIComponent(url.replaceAll('+', ' ')));
}

test('a row is read by its address, and so are several of one identity in an emulator', async () => {
  const keys = creations(3).map((each) => each.key);
  const pointRead = /ledger\(PartitionKey='crm\.\d',RowKey='[\w.-]+'\)/;
  const alone = await askedBy({ pointReadsMax: 1 }, (ledger) => ledger.read(keys.slice(1), signal));
  expect(alone).toEqual([expect.stringContaining('$filter=')]);
  for (const [options, asked] of [
    [{ pointReadsMax: 1 }, keys.slice(2)],
    [{}, keys],
  ] as const) {
    const paths = await askedBy(options, (ledger) => ledger.read(asked, signal));
    expect(paths).toEqual(asked.map(() => expect.stringMatching(pointRead) as string));
  }
});

test('the rows of a destination are asked for by its range of the table', async () => {
  const [path] = await askedBy({}, (ledger) => Array.fromAsync(ledger.rows({ destination: 'crm' }, signal)));
  expect(path).toContain("$filter=PartitionKey ge 'crm.' and PartitionKey lt 'crm.~'");
});
