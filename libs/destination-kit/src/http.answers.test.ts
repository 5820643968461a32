import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { createHttpClient, type HttpClientOptions } from './http.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import { readAnswer } from './read-answer.ts';

const never = new AbortController().signal;
const text = JSON.stringify({ taken: ['ü', 1] });

/** The answer of a server to one request, and how many requests it saw. */
async function answerOf(
  listener: RequestListener,
  options: HttpClientOptions = {},
  more: Pick<HttpRequest, 'isEnough'> = {},
) {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const http = createHttpClient({ allowPrivateAddresses: true, timeoutMs: 5_000, ...options });
  onTestFinished(async () => {
    await http.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const send = () => http.send({ method: 'POST', url, headers: {}, body: '{}', ...more }, never);
  return { response: await send(), send, requests: () => requests };
}

const encoded =
  (encoding: string, bytes: Buffer): RequestListener =>
  (_request, response) =>
    response.writeHead(200, { 'content-encoding': encoding }).end(bytes);

test.each<[string, Buffer]>([
  ['gzip', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['GZIP', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['deflate', deflateRawSync(text)],
  ['br', brotliCompressSync(text)],
  ['zstd', zstdCompressSync(text)],
  ['gzip, br', brotliCompressSync(gzipSync(text))],
  ['identity', Buffer.from(text)],
  ['', Buffer.from(text)],
])('an answer that is compressed though that was declined is read: %s', async (encoding, bytes) => {
  const { response, requests } = await answerOf(encoded(encoding, bytes));
  expect(response).toMatchObject({ status: 200, body: text });
  expect(response).not.toHaveProperty('isUnread');
  expect(requests()).toBe(1);
});

test.each(['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip', 'rot13', '__proto__', 'br,'.repeat(100)])(
  'a body that is not what its Content-Encoding says is given as it came: %s',
  async (encoding) => {
    const { response } = await answerOf(encoded(encoding, Buffer.from(text)));
    expect(response).toMatchObject({ status: 200, body: text });
  },
);

test('a compressed body that breaks off says nothing, and its status stands', async () => {
  const { response } = await answerOf(encoded('gzip', gzipSync(text).subarray(0, 20)));
  expect(response.status).toBe(200);
  expect(() => readAnswer(response, z.unknown())).toThrow(expect.objectContaining({ doubt: 'answered' }));
});

const unread = { status: 202, headers: { 'x-id': 'a' }, body: '', isUnread: true };

test('the status of an answer stands when its body is larger than what is read', async () => {
  const body = Buffer.alloc(5 * 1024 * 1024, 'x');
  const { response, send, requests } = await answerOf((_request, out) => out.writeHead(202, { 'x-id': 'a' }).end(body));
  expect(response).toMatchObject(unread);
  expect(await send()).toMatchObject(unread);
  expect(requests()).toBe(2);
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
])('a body that is small on its way and large when decoded is left unread: %s', async (encoding, compress) => {
  const bomb = compress(Buffer.alloc(2 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(10_000);
  const headers = { 'x-id': 'a', 'content-encoding': encoding };
  expect((await answerOf((_request, out) => out.writeHead(202, headers).end(bomb))).response).toMatchObject(unread);
  const asLarge = compress(Buffer.alloc(1_000, 'y'));
  const { response } = await answerOf(encoded(encoding, asLarge), { responseBytesMax: 1_000 });
  expect(response.body).toHaveLength(1_000);
});

test('who needs a body that was left unread is told so, in doubt', () => {
  const response: HttpResponse = { status: 200, headers: {}, body: '', isUnread: true };
  const failing = () => readAnswer(response, z.unknown());
  expect(failing).toThrow(expect.objectContaining({ class: 'transient', doubt: 'answered' }));
  expect(failing).toThrow('Failed to read the answer (200): it is too large.');
});

test.each<[string, RequestListener]>([
  ['100 Continue', (_request, response) => response.writeContinue()],
  ['102 Processing', (_request, response) => response.writeProcessing()],
  ['103 Early Hints', (_request, response) => response.writeEarlyHints({ link: '</a>; rel=preload' })],
  [
    'several of them',
    (_request, response) => {
      response.writeContinue();
      response.writeContinue();
      response.writeProcessing();
    },
  ],
])('an interim answer that nobody asked for changes nothing: %s', async (_name, interim) => {
  const listener: RequestListener = (request, response) => {
    interim(request, response);
    setImmediate(() => response.writeHead(201).end('done'));
  };
  const { response, send, requests } = await answerOf(listener);
  expect(response).toMatchObject({ status: 201, body: 'done' });
  expect(await send()).toMatchObject({ status: 201, body: 'done' });
  expect(requests()).toBe(2);
});

test('an answer with many headers is read', async () => {
  const headers = { 'x-long': 'x'.repeat(30_000) };
  const { response } = await answerOf((_request, out) => out.writeHead(200, headers).end('done'));
  expect(response.body).toBe('done');
});

test.each<[string, RequestListener]>([
  ['stalls', (_request, response) => response.writeHead(201, { 'x-id': 'a' }).write('ok')],
  [
    'breaks off',
    (_request, response) =>
      response
        .writeHead(201, { 'x-id': 'a', 'content-length': 100 })
        .write('ok', () => setTimeout(() => response.destroy(), 50)),
  ],
  [
    'ends in what is not HTTP',
    (_request, response) => {
      response.writeHead(201, { 'x-id': 'a' }).write('ok', () => setTimeout(() => response.socket?.write('?\r\n'), 50));
    },
  ],
])('who needs no more of a body than came is given the status of an answer that %s', async (_name, listener) => {
  const begun: string[] = [];
  const isEnough = (text: string): boolean => begun.push(text) > 0;
  const { response, requests } = await answerOf(listener, { timeoutMs: 1_000 }, { isEnough });
  expect(response).toMatchObject({ status: 201, headers: { 'x-id': 'a' }, body: '', isUnread: true });
  expect([begun, requests()]).toEqual([['ok'], 1]);
});

const stalling =
  (status: number, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).write('ok');

test.each<[string, RequestListener, (begun: string) => boolean]>([
  ['that must go on', stalling(200), (begun) => begun !== 'ok'],
  ['of another status than 2xx', stalling(400), () => true],
  ['that is compressed and must go on', stalling(200, { 'content-encoding': 'gzip' }), (begun) => begun !== ''],
])('an answer %s is none when it stalls', async (_name, listener, isEnough) => {
  const answer = answerOf(listener, { timeoutMs: 500 }, { isEnough });
  await expect(answer).rejects.toMatchObject({ class: 'transient', doubt: 'unanswered' });
});
