import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exampleKey } from '@activation-hub/membership/testing';
import { expect, onTestFinished, test } from 'vitest';
import { callStore } from './store-call.ts';
import { tableClient } from './storage-connections.ts';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
const accountKey = Buffer.from('a key').toString('base64');

/**
 * The ledger of a store that gives every request this answer, and the sentence in which reading it
 * fails.
 */
async function sentenceFor(status: number, headers: Readonly<Record<string, string>>, body: string): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return await sentenceAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}/devstoreaccount1`);
}

async function sentenceAt(endpoint: string): Promise<string> {
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${accountKey};TableEndpoint=${endpoint};`;
  const ledger = new TableLedger(tableClient({ connectionString }, 'ledger'));
  const failure = await ledger.read([exampleKey(1)], signal).then(
    (rows) => new Error(`It gave ${rows.length} rows.`),
    (error: unknown) => error as Error,
  );
  return failure.message.replace(/127\.0\.0\.1:\d+/, '<host>');
}

const codes = [
  [503, 'ServerBusy'],
  [429, 'TooManyRequests'],
  [500, 'OperationTimedOut'],
  [403, 'AuthenticationFailed'],
  [401, 'InvalidAuthenticationInfo'],
  [403, 'AuthorizationFailure'],
  [403, 'AuthorizationPermissionMismatch'],
  [403, 'KeyBasedAuthenticationNotPermitted'],
  [403, 'AccountIsDisabled'],
  [409, 'TableBeingDeleted'],
  [404, 'TableNotFound'],
  [400, 'InvalidInput'],
] as const;

test('what a store answers is said as store-advice.txt shows', async () => {
  const sentences: string[] = [];
  for (const [status, code] of codes) {
    const body = JSON.stringify({ 'odata.error': { code, message: { lang: 'en-US', value: 'No.' } } });
    sentences.push(await sentenceFor(status, { 'content-type': 'application/json' }, body));
  }
  sentences.push(await sentenceFor(200, { 'content-type': 'text/html; charset=utf-8' }, '<h1>Sign in</h1>'));
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  sentences.push(await sentenceAt(`http://127.0.0.1:${port}/devstoreaccount1`));
  sentences.push(await selfSigned());
  for (const sentence of sentences) expect(sentence).toMatch(/^Failed to read the ledger: .*\. .*\.$/);
  await expect(`${sentences.join('\n')}\n`).toMatchFileSnapshot('store-advice.txt');
});

test('a code that stands in the header alone counts too', async () => {
  const headers = { 'content-type': 'application/xml', 'x-ms-error-code': 'AuthorizationPermissionMismatch' };
  expect(await sentenceFor(403, headers, '')).toContain(
    'answered 403 AuthorizationPermissionMismatch. The signed-in account lacks the role Storage Table Data Contributor',
  );
});

/** A store with a certificate of an untrusted authority, called as its SDK calls it. */
async function selfSigned(): Promise<string> {
  const fixtures = join(import.meta.dirname, '../../destination-kit/fixtures/proxy');
  const server = createTlsServer({
    cert: await readFile(join(fixtures, 'server.pem')),
    key: await readFile(join(fixtures, 'server-key.pem')),
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const store = { name: 'table store', url, operationTimeoutMs: 5_000 };
  const failure = await callStore(store, 'read the ledger', signal, async () => {
    try {
      await fetch(url);
    } catch (error) {
      // The SDK gives the code of Node's error as its own.
      throw (error as Error).cause;
    }
  }).catch((error: unknown) => error as Error);
  return (failure as Error).message.replace(/127\.0\.0\.1:\d+/, '<host>');
}
