import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { expect, onTestFinished, test } from 'vitest';
import { tableClient } from './storage-connections.ts';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
const key = exampleKey(1);
const write = { key, record: exampleRecord(), expected: undefined };

/** A ledger in a store that gives every request this answer. */
async function openAt(status: number, code?: string): Promise<TableLedger> {
  const error = { 'odata.error': { code, message: { lang: 'en-US', value: 'No.' } } };
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json;odata=minimalmetadata' });
    response.end(code === undefined ? undefined : JSON.stringify(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/devstoreaccount1`;
  const accountKey = Buffer.from('a key').toString('base64');
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${accountKey};TableEndpoint=${endpoint};`;
  return new TableLedger(tableClient({ connectionString }, 'ledger'));
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
    const others = [1, 2].map((n) => ({
      ...write,
      key: { ...key, audience: { namespace: 'ups', id: `audience-${n}` } },
    }));
    await expect(ledger.write(others, signal)).rejects.toThrow(`answered ${status} ${code}`);
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
