import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TableClient } from '@azure/data-tables';
import { RestError } from '@azure/core-rest-pipeline';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startStorageProxy } from '../testing/storage-proxy.ts';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { toEntity } from './ledger-entity.ts';
import { tableClient, wasSentBefore } from './storage-connections.ts';
import { submitTransaction, transactionBody } from './table-transaction.ts';

const { signal: abortSignal } = new AbortController();
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function openTable(connectionString = azurite.connectionString): Promise<TableClient> {
  const client = tableClient({ connectionString }, `ledger${randomUUID().replaceAll('-', '')}`);
  await client.createTable();
  return client;
}

function rowOf(rowKey: string, columns: Record<string, unknown> = {}) {
  return { entity: { partitionKey: 'p', rowKey, ...columns }, isMerge: false, expected: undefined };
}

test('the request is what the reference of the Table service shows', () => {
  const entity = {
    partitionKey: "crm's.1",
    rowKey: 'key',
    text: 'Zoë\r\n--changeset_1',
    flag: true,
    at: new Date('2026-01-15T12:00:00.001Z'),
    number: 9_007_199_254_740_993n,
  };
  const writes = [
    { entity, isMerge: false, expected: undefined },
    { entity, isMerge: false, expected: `W/"datetime'2026'"` },
    { entity: { partitionKey: 'p', rowKey: 'r', flag: false }, isMerge: true, expected: `W/"datetime'2026'"` },
  ];
  expect(transactionBody('1', 'https://x.table.core.windows.net/ledger', writes).split('\r\n')).toMatchInlineSnapshot(`
    [
      "--batch_1",
      "Content-Type: multipart/mixed; boundary=changeset_1",
      "",
      "--changeset_1",
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "",
      "POST https://x.table.core.windows.net/ledger HTTP/1.1",
      "Content-Type: application/json",
      "Accept: application/json;odata=minimalmetadata",
      "DataServiceVersion: 3.0;",
      "Prefer: return-no-content",
      "",
      "{"PartitionKey":"crm's.1","RowKey":"key","text":"Zoë\\r\\n--changeset_1","flag":true,"at@odata.type":"Edm.DateTime","at":"2026-01-15T12:00:00.001Z","number@odata.type":"Edm.Int64","number":"9007199254740993"}",
      "--changeset_1",
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "",
      "PUT https://x.table.core.windows.net/ledger(PartitionKey='crm''s.1',RowKey='key') HTTP/1.1",
      "Content-Type: application/json",
      "Accept: application/json;odata=minimalmetadata",
      "DataServiceVersion: 3.0;",
      "If-Match: W/"datetime'2026'"",
      "",
      "{"PartitionKey":"crm's.1","RowKey":"key","text":"Zoë\\r\\n--changeset_1","flag":true,"at@odata.type":"Edm.DateTime","at":"2026-01-15T12:00:00.001Z","number@odata.type":"Edm.Int64","number":"9007199254740993"}",
      "--changeset_1",
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "",
      "PATCH https://x.table.core.windows.net/ledger(PartitionKey='p',RowKey='r') HTTP/1.1",
      "Content-Type: application/json",
      "Accept: application/json;odata=minimalmetadata",
      "DataServiceVersion: 3.0;",
      "If-Match: W/"datetime'2026'"",
      "",
      "{"PartitionKey":"p","RowKey":"r","flag":false}",
      "--changeset_1--",
      "--batch_1--",
      "",
    ]
  `);
});

test('every column comes back as what it was, and each row has the version that the answer gives', async () => {
  const client = await openTable();
  const columns = {
    text: 'Zoë 𝒳 \u0000 "quoted" \\ \r\n--batch_ --changeset_ HTTP/1.1 500 ETag: x',
    empty: '',
    flag: false,
    at: new Date('2026-01-15T12:00:00.001Z'),
    number: -9_007_199_254_740_993n,
  };
  const versions = await submitTransaction(client, [rowOf('a', columns), rowOf('b', columns)], { abortSignal });
  for (const [index, rowKey] of ['a', 'b'].entries())
    expect(await client.getEntity('p', rowKey)).toMatchObject({ ...columns, etag: versions[index] });
});

test('a row is replaced under its version, whole', async () => {
  const client = await openTable();
  const [first = '', second = ''] = await submitTransaction(client, [rowOf('a', { old: 'x' }), rowOf('b')], {
    abortSignal,
  });
  const replaced = [
    { ...rowOf('a', { text: 'new' }), expected: first },
    { ...rowOf('b', { text: 'new' }), expected: second },
  ];
  const versions = await submitTransaction(client, replaced, { abortSignal });
  const stored = await client.getEntity('p', 'a');
  expect(stored).toMatchObject({ text: 'new', etag: versions[0] });
  expect(stored).not.toHaveProperty('old');
});

test.each([
  ['a row that is there', rowOf('a'), 409, 'EntityAlreadyExists'],
  ['an outdated version', { ...rowOf('a'), expected: `W/"datetime'2026'"` }, 412, 'UpdateConditionNotSatisfied'],
  ['a row that is gone', { ...rowOf('gone'), expected: `W/"datetime'2026'"` }, 404, 'ResourceNotFound'],
  ['a column that is too large', rowOf('c', { text: 'x'.repeat(40_000) }), 400, 'PropertyValueTooLarge'],
])('%s fails the whole transaction, and is named by its place', async (_, write, statusCode, code) => {
  const client = await openTable();
  await client.createEntity(rowOf('a').entity);
  const failed = await submitTransaction(client, [rowOf('b'), write], { abortSignal }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(RestError);
  expect(failed).toMatchObject({ statusCode, code });
  expect((failed as RestError).message).toMatch(/^1:/);
  expect(wasSentBefore(failed)).toBe(false);
  await expect(client.getEntity('p', 'b')).rejects.toMatchObject({ statusCode: 404 });
});

test('a table that is not there is named as what it is', async () => {
  const client = tableClient(azurite, 'nevermade');
  await expect(submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal })).rejects.toMatchObject({
    statusCode: 404,
    code: 'TableNotFound',
  });
});

test('a request that is not allowed fails with the status of the whole answer', async () => {
  const key = Buffer.from('another key').toString('base64');
  const other = tableClient(
    { connectionString: azurite.connectionString.replace(/AccountKey=[^;]+/, `AccountKey=${key}`) },
    'ledger',
  );
  await expect(submitTransaction(other, [rowOf('a'), rowOf('b')], { abortSignal })).rejects.toMatchObject({
    statusCode: 403,
  });
});

test('a reply that is lost is known as a request that was sent before', async () => {
  const proxy = await startStorageProxy(azurite.tablePort);
  onTestFinished(() => proxy.stop());
  const client = await openTable(azurite.connectionString.replace(`:${azurite.tablePort}/`, `:${proxy.port}/`));
  let requests = 0;
  proxy.treat = () => ((requests += 1) === 1 ? 'lose-reply' : 'pass');
  const failed = await submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal }).catch(
    (error: unknown) => error,
  );
  expect(failed).toMatchObject({ statusCode: 409 });
  expect(wasSentBefore(failed)).toBe(true);
});

/**
 * A table store at the root of its host, as Azure's are, that gives these answers, the last for
 * good; and the requests that it got.
 */
async function openStore(
  status: number,
  ...bodies: readonly string[]
): Promise<{ client: TableClient; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const body = bodies[Math.min(requests.length, bodies.length - 1)];
    requests.push(request.resume());
    response.writeHead(status, { 'content-type': 'multipart/mixed; boundary=batchresponse_1' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const account = azurite.connectionString.replace(/TableEndpoint=[^;]+/, `TableEndpoint=${endpoint}`);
  return { client: tableClient({ connectionString: account }, 'ledger'), requests };
}

/**
 * An answer as "Performing entity group transactions" shows it, with these answers for its rows.
 */
function transactionAnswer(...answers: readonly string[]): string {
  const parts = answers.map((answer) =>
    ['--changesetresponse_1', 'Content-Type: application/http', '', answer, 'X-Content-Type-Options: nosniff', ''].join(
      '\r\n',
    ),
  );
  const frame = ['--batchresponse_1', 'Content-Type: multipart/mixed; boundary=changesetresponse_1', ''];
  return [...frame, ...parts, '--changesetresponse_1--', '--batchresponse_1--', ''].join('\r\n');
}

test('the request goes to the batch of the account, with the headers of the reference', async () => {
  const body = transactionAnswer('HTTP/1.1 204 No Content\r\nETag: one', 'HTTP/1.1 204 No Content\r\nETag: two');
  const { client, requests } = await openStore(202, body);
  await submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal });
  const [request] = requests;
  expect(request).toMatchObject({ method: 'POST', url: '/$batch' });
  expect(request?.headers).toMatchObject({
    accept: 'application/json',
    'content-type': expect.stringMatching(/^multipart\/mixed; boundary=batch_[\da-f-]{36}$/) as string,
    dataserviceversion: '3.0;',
    maxdataserviceversion: '3.0;NetFx',
    'x-ms-version': '2019-02-02',
  });
});

test('a version is the whole ETag of its row, with or without a space before it, and no header that ends like one', async () => {
  const version = `W/"datetime'2013-10-01T00%3A42%3A38.5190000Z'"`;
  const body = transactionAnswer(
    `HTTP/1.1 204 No Content\r\nX-Ms-ETag: other\r\nETag: ${version}`,
    `HTTP/1.1 201 Created\r\netag:${version}`,
  );
  const { client } = await openStore(202, body);
  expect(await submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal })).toEqual([version, version]);
});

test.each([
  ['only one of them', transactionAnswer('HTTP/1.1 204 No Content\r\nETag: one')],
  ['one without an ETag', transactionAnswer('HTTP/1.1 204 No Content\r\nETag: one', 'HTTP/1.1 204 No Content')],
  ['one without a status', transactionAnswer('HTTP/1.1 204 No Content\r\nETag: one', 'ETag: two')],
])('of two rows a store must not confirm %s', async (_, body) => {
  const { client } = await openStore(202, body);
  await expect(submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal })).rejects.toThrow(
    'Failed to write the ledger: of 2 rows the table store confirmed 1 with an ETag.',
  );
});

test('a row that is refused without a word has its status', async () => {
  const { client } = await openStore(202, transactionAnswer('HTTP/1.1 304 Not Modified'));
  await expect(submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal })).rejects.toMatchObject({
    statusCode: 304,
    message: expect.stringContaining('The transaction failed.') as string,
  });
});

test('what a refusal quotes is no status of it', async () => {
  const refusal = '{"odata.error":{"code":"InvalidInput","message":{"value":"0:No HTTP/1.1 503 here."}}}';
  const { client, requests } = await openStore(202, transactionAnswer(`HTTP/1.1 400 Bad Request\r\n\r\n${refusal}`));
  const failed = submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal });
  await expect(failed).rejects.toMatchObject({ statusCode: 400, code: 'InvalidInput' });
  expect(requests).toHaveLength(1);
});

const busy = (status: string, code: string, wait = 'x-ms-retry-after-ms: 1\r\n'): string =>
  transactionAnswer(
    `HTTP/1.1 ${status}\r\n${wait}Content-Type: application/json\r\n\r\n{"odata.error":{"code":"${code}","message":{"lang":"en-us","value":"0:Later."}}}`,
  );

test.each([
  ['429 Too Many Requests', 'TooManyRequests'],
  ['500 Internal Server Error', 'OperationTimedOut'],
  ['503 Service Unavailable', 'ServerBusy'],
])('a transaction that is answered %s within 202 is sent again, three times at most', async (status, code) => {
  const done = transactionAnswer('HTTP/1.1 204 No Content\r\nETag: one', 'HTTP/1.1 204 No Content\r\nETag: two');
  const { client, requests } = await openStore(202, busy(status, code), busy(status, code), done);
  expect(await submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal })).toEqual(['one', 'two']);
  expect(requests).toHaveLength(3);
  const other = await openStore(202, busy(status, code));
  const failed = submitTransaction(other.client, [rowOf('a'), rowOf('b')], { abortSignal });
  await expect(failed).rejects.toMatchObject({ statusCode: Number(status.slice(0, 3)), code });
  expect(other.requests).toHaveLength(3);
});

test.each([
  ['what it says, with a space', 'x-ms-retry-after-ms: 1000\r\n', 1_000],
  ['what it says, without a space', 'x-ms-retry-after-ms:1000\r\n', 1_000],
  ['a moment where it says nothing', '', 200],
])('a busy store is asked again after %s', async (_, wait, waitMs) => {
  const done = transactionAnswer('HTTP/1.1 204 No Content\r\nETag: one', 'HTTP/1.1 204 No Content\r\nETag: two');
  const { client, requests } = await openStore(202, busy('503 Service Unavailable', 'ServerBusy', wait), done);
  const startedAtMs = performance.now();
  expect(await submitTransaction(client, [rowOf('a'), rowOf('b')], { abortSignal })).toEqual(['one', 'two']);
  // A timer may end a little early.
  expect(performance.now() - startedAtMs).toBeGreaterThan(waitMs - 10);
  expect(requests).toHaveLength(2);
});

test('a hundred typical rows of the ledger are a request of less than 200 KB', () => {
  const rows = Array.from({ length: 100 }, (_, n) => ({
    entity: toEntity(exampleKey(n), exampleRecord({ attributes: { city: 'Basel' } }), randomUUID()),
    isMerge: false,
    expected: `W/"datetime'2026-01-15T12%3A00%3A00.0010000Z'"`,
  }));
  expect(transactionBody(randomUUID(), 'https://x.table.core.windows.net/ledger', rows).length).toBeLessThan(200_000);
});
