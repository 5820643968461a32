import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createHttpClient, type Delivery, type Verdict } from '@activation-hub/destination-kit';
import { expect, onTestFinished, test } from 'vitest';
import { webhook } from './destination.ts';
import { webhookSettings } from './settings.ts';

const delivery = (number: number): Delivery<Record<string, never>> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: 'crmid', value: `p${number}` },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: {},
  },
  options: {},
});

/** The verdicts on two changes, of which a receiver with these answers is told. */
async function verdictsOf(listener: RequestListener, timeoutMs = 10_000): Promise<readonly Verdict[]> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const http = createHttpClient({ allowPrivateAddresses: true });
  onTestFinished(async () => {
    await http.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const settings = webhookSettings.parse({ url, timeoutMs });
  const connector = webhook.connect(settings, { http, now: Date.now, print: () => undefined });
  return await connector.enter([delivery(1), delivery(2)], new AbortController().signal);
}

/** What was written arrives before the end of the connection. */
const cut = (out: ServerResponse): void => void setTimeout(() => out.destroy(), 50);

const both = [
  { id: 'change-1', status: 'delivered' },
  { id: 'change-2', status: 'delivered' },
];
const results = JSON.stringify({
  results: [
    { id: 'change-1', status: 'delivered' },
    { id: 'change-2', status: 'rejected', reason: 'no such list' },
  ],
});

test.each<[string, RequestListener]>([
  ['is large', (_request, response) => response.end(Buffer.alloc(5 * 1024 * 1024, 'x'))],
  [
    'is compressed',
    (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('thanks')),
  ],
  [
    'is said to be compressed and is not',
    (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('thanks'),
  ],
  [
    'comes after an interim answer',
    (_request, response) => {
      response.writeContinue();
      response.end('thanks');
    },
  ],
])('what a receiver answers with 2xx is delivered, also when the answer %s', async (_what, listener) => {
  expect(await verdictsOf(listener)).toEqual(both);
});

test.each<[string, Buffer]>([
  ['gzip', gzipSync(results)],
  ['zstd', zstdCompressSync(results)],
])('results that are compressed decide change by change: %s', async (encoding, body) => {
  const verdicts = await verdictsOf((_request, out) => out.writeHead(200, { 'content-encoding': encoding }).end(body));
  expect(verdicts.map(({ status }) => status)).toEqual(['delivered', 'rejected']);
});

test.each<[string, RequestListener]>([
  ['breaks off', (_request, out) => out.writeHead(200, { 'content-length': 9 }).write('ok', () => cut(out))],
  ['breaks off after white space', (_request, out) => out.writeHead(200).write(' \n[', () => cut(out))],
  ['stalls', (_request, out) => out.writeHead(202).write('<html>')],
])('a receiver has taken changes when an answer %s that can hold no results', async (_what, listener) => {
  expect(await verdictsOf(listener, 1_000)).toEqual(both);
});

test.each<[string, RequestListener]>([
  ['an object', (_request, out) => out.writeHead(200).write(' {"results":[', () => cut(out))],
  ['nothing', (_request, out) => out.writeHead(200).write(' ', () => cut(out))],
])('an answer that breaks off in %s, which may be the start of results, is none', async (_what, listener) => {
  await expect(verdictsOf(listener, 1_000)).rejects.toMatchObject({ class: 'transient', doubt: 'unanswered' });
});
