import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { createHttpClient, type HttpClient, type HttpClientOptions } from './http.ts';
import type { HttpRequest } from './http-message.ts';
import { DestinationError } from './verdict.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The path and the query hold what must not appear in an error. */
const secretPath = '/hook/path-token?sig=query-token';

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  let connections = 0;
  server.on('connection', () => connections++);
  const port = await listen(server);
  return { server, port, url: `http://127.0.0.1:${port}${secretPath}`, connections: () => connections };
}

function client(options: HttpClientOptions = {}): HttpClient {
  const http = createHttpClient({ allowPrivateAddresses: true, ...options });
  cleanups.push(() => http.close());
  return http;
}

const post = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  url,
  headers: { authorization: 'header-token' },
  body: 'body-token',
  ...more,
});
const never = new AbortController().signal;

/**
 * Gives the error of a request that must fail, after a look whether it shows anything that it must
 * not.
 */
async function failureOf(sending: Promise<unknown>): Promise<DestinationError> {
  const error: unknown = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DestinationError);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/(path|query|header|body|answer)-token/);
  return error as DestinationError;
}

test('it sends what it is told and gives the answer with lower-case headers', async () => {
  const { url } = await serve((request, response) => {
    request.setEncoding('utf8').on('data', (body) => {
      response
        .writeHead(418, { 'X-Odd': ['a', 'b'] })
        .end(`${request.method} ${request.url} ${request.headers.authorization} ${body} ü`);
    });
  });
  const response = await client().send(post(url), never);
  expect(response).toMatchObject({ status: 418, headers: { 'x-odd': 'a, b' } });
  expect(response.body).toBe(`POST ${secretPath} header-token body-token ü`);
});

test('it follows no redirect', async () => {
  const paths: (string | undefined)[] = [];
  const { url } = await serve((request, response) => {
    paths.push(request.url);
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  expect((await client().send(post(url), never)).status).toBe(302);
  expect(paths).toEqual([secretPath]);
});

test('it keeps connections alive and opens no more of them than allowed', async () => {
  const { url, connections } = await serve((_request, response) => response.end('ok'));
  const http = client({ connectionsPerOrigin: 2 });
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 10 }, () => http.send(post(url), never)));
  }
  expect(connections()).toBe(2);
});

test('a refused connection is transient and certain', async () => {
  const { server, url } = await serve(() => undefined);
  server.close();
  await once(server, 'close');
  const error = await failureOf(client().send(post(url), never));
  expect(error).toMatchObject({ class: 'transient', doubt: undefined });
  expect(error.message).toContain('ECONNREFUSED');
  expect(error.message).toContain(new URL(url).origin);
});

test('a name that does not exist is transient and certain', async () => {
  for (const allowPrivateAddresses of [true, false]) {
    const error = await failureOf(client({ allowPrivateAddresses }).send(post('https://nowhere.invalid/'), never));
    expect(error).toMatchObject({ class: 'transient', doubt: undefined });
  }
});

test('a connection that is not made in time is transient and certain', async () => {
  // It accepts but never speaks TLS.
  const port = await listen(createTcpServer());
  const http = client({ connectTimeoutMs: 100 });
  const error = await failureOf(http.send(post(`https://127.0.0.1:${port}/`), never));
  expect(error).toMatchObject({ class: 'transient', doubt: undefined });
  expect(error.message).toContain('CONNECT_TIMEOUT');
});

test('a server that does not speak TLS is transient and certain', async () => {
  const { port } = await serve((_request, response) => response.end());
  const error = await failureOf(client().send(post(`https://127.0.0.1:${port}/`), never));
  expect(error).toMatchObject({ class: 'transient', doubt: undefined });
});

test('a request that times out while it waits for a connection is certain and never sent', async () => {
  const answers: (() => void)[] = [];
  const { server, url } = await serve((_request, response) => {
    answers.push(() => response.end('ok'));
  });
  const http = client({ connectionsPerOrigin: 1 });
  const arrived = once(server, 'request');
  const first = http.send(post(url), never);
  await arrived;
  const error = await failureOf(http.send(post(url, { timeoutMs: 50 }), never));
  expect(error).toMatchObject({ class: 'transient', doubt: undefined });
  answers[0]?.();
  expect((await first).body).toBe('ok');
  const third = once(server, 'request');
  const last = http.send(post(url), never);
  await third;
  answers[1]?.();
  await last;
  expect(answers).toHaveLength(2);
});

test.each<[string, RequestListener]>([
  ['a silent server', () => undefined],
  ['an answer that stalls after its headers', (_request, response) => response.writeHead(200).write('answer-token')],
])('%s is transient and in doubt once the time is up', async (_name, listener) => {
  const { url } = await serve(listener);
  const error = await failureOf(client({ timeoutMs: 2_000 }).send(post(url), never));
  expect(error).toMatchObject({ class: 'transient', doubt: 'unanswered' });
  expect(error.message).toContain('2000 ms');
});

test.each<[string, RequestListener]>([
  ['a reset connection', (request) => request.socket.resetAndDestroy()],
  [
    'an answer that breaks off',
    (_request, response) =>
      response.writeHead(200, { 'content-length': 100 }).write('answer-token', () => response.destroy()),
  ],
  ['something that is not HTTP', (request) => request.socket.end('answer-token\r\n\r\n')],
])('%s is transient and in doubt', async (_name, listener) => {
  const { url } = await serve(listener);
  const error = await failureOf(client().send(post(url), never));
  expect(error).toMatchObject({ class: 'transient', doubt: 'unanswered' });
});

test('an answer as large as the limit is given whole', async () => {
  const { url } = await serve((_request, response) => response.end('x'.repeat(1000)));
  expect((await client({ responseBytesMax: 1000 }).send(post(url), never)).body).toHaveLength(1000);
});

test('an abort stops a request under way, and one that has not begun', async () => {
  let requests = 0;
  const { server, url } = await serve(() => requests++);
  const http = client();
  const stop = new AbortController();
  const arrived = once(server, 'request');
  const sending = http.send(post(url), stop.signal);
  await arrived;
  stop.abort(new Error('body-token'));
  expect(await failureOf(sending)).toMatchObject({ class: 'transient', doubt: 'unanswered' });
  expect(await failureOf(http.send(post(url), stop.signal))).toMatchObject({ class: 'transient', doubt: undefined });
  expect(requests).toBe(1);
});

test('a header that cannot be written is fatal and not shown', async () => {
  const { url } = await serve((_request, response) => response.end());
  const headers = { authorization: 'header-token\r\nx: y' };
  expect(await failureOf(client().send(post(url, { headers }), never))).toMatchObject({ class: 'fatal' });
});

test.each([
  'nonsense',
  'ftp://example.com/',
  'file:///etc/passwd',
  'http://example.com/',
  'https://user:body-token@example.com/',
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://10.0.0.1/',
  'https://169.254.169.254/metadata',
  'https://168.63.129.16/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[fe80::1]/',
])('%s is refused as set-up before anything is sent', async (url) => {
  const http = client({ allowPrivateAddresses: false });
  expect(() => {
    http.check(url);
  }).toThrow(DestinationError);
  expect(await failureOf(http.send(post(url), never))).toMatchObject({ class: 'set-up', doubt: undefined });
});

test('a name that resolves to a private address is refused when it connects', async () => {
  const { port, connections } = await serve((_request, response) => response.end());
  const http = client({ allowPrivateAddresses: false });
  const url = `https://localhost:${port}${secretPath}`;
  http.check(url);
  const error = await failureOf(http.send(post(url), never));
  expect(error).toMatchObject({ class: 'set-up', doubt: undefined });
  expect(error.message).toContain(`https://localhost:${port}`);
  expect(connections()).toBe(0);
});

test('credentials in a URL are refused even where private addresses are allowed', async () => {
  const { port } = await serve((_request, response) => response.end());
  const error = await failureOf(client().send(post(`http://user:body-token@127.0.0.1:${port}/`), never));
  expect(error).toMatchObject({ class: 'set-up' });
});

test('closing waits for what is under way and then refuses requests', async () => {
  let answer: (() => void) | undefined;
  const { server, url } = await serve((_request, response) => {
    answer = () => response.end('ok');
  });
  const http = createHttpClient({ allowPrivateAddresses: true });
  const arrived = once(server, 'request');
  const sending = http.send(post(url), never);
  await arrived;
  const closing = http.close();
  answer?.();
  expect((await sending).body).toBe('ok');
  await closing;
  expect(await failureOf(http.send(post(url), never))).toMatchObject({ class: 'transient', doubt: undefined });
});
