import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { clientCertificate } from './client-certificate.ts';
import { createHttpClient, type HttpClientOptions } from './http.ts';
import type { HttpRequest } from './http-message.ts';
import { Secret } from './secret.ts';
import { DestinationError } from './verdict.ts';

/**
 * Made for these tests, valid for a hundred years, and trusted nowhere else: of crm.example.com,
 * localhost and 127.0.0.1.
 */
const pem = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures', `${name}.pem`), 'utf8');
const own = { cert: pem('proxy/server'), key: pem('proxy/server-key') };
const never = new AbortController().signal;

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/**
 * A destination whose address only the proxy knows. It records the requests and the certificates
 * that it saw.
 */
async function startDestination({ isTls = true, asksForCertificate = false } = {}) {
  const seen: { readonly path: string | undefined; readonly headers: object; readonly certificate: unknown }[] = [];
  const options = { ...own, requestCert: asksForCertificate, ca: pem('mutual-tls/authority') };
  const server = (isTls ? createHttpsServer(options) : createHttpServer()) as Server;
  server.on('request', (request, response) => {
    const socket = request.socket as { getPeerCertificate?: () => { subject?: { CN?: string } } };
    const certificate = socket.getPeerCertificate?.().subject?.CN;
    seen.push({ path: request.url, headers: request.headers, certificate });
    response.end('taken');
  });
  return { port: await listen(server), seen };
}

interface ProxyOptions {
  readonly isTls?: boolean;
  /** What it answers to CONNECT; a tunnel when absent. */
  readonly status?: number;
  readonly isSilent?: boolean;
}

/**
 * A proxy that takes every host to the same port of this machine. It notes each address that a
 * client names.
 */
async function startProxy(targetPort: number, { isTls = false, status, isSilent = false }: ProxyOptions = {}) {
  const tunnels: { readonly authority: string | undefined; readonly authorization: string | undefined }[] = [];
  const server = (isTls ? createHttpsServer(own) : createHttpServer()) as Server;
  server.on('connect', (request, socket: Socket) => {
    tunnels.push({ authority: request.url, authorization: request.headers['proxy-authorization'] });
    socket.on('error', () => undefined);
    if (isSilent) return;
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const target = connect(targetPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
  });
  const port = await listen(server);
  return { tunnels, url: `${isTls ? 'https' : 'http'}://me:proxy-token@127.0.0.1:${port}` };
}

function client(proxy: string, options: HttpClientOptions = {}) {
  const http = createHttpClient({
    certificateAuthorities: `${own.cert}${pem('mutual-tls/authority')}`,
    proxies: { httpsProxy: proxy, httpProxy: proxy },
    ...options,
  });
  onTestFinished(() => http.close());
  return http;
}

const request = (more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  url: 'https://crm.example.com/hook?a=b',
  headers: { authorization: 'header-token' },
  body: '{}',
  ...more,
});

async function failureOf(sending: Promise<unknown>): Promise<DestinationError> {
  const error: unknown = await sending.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DestinationError);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/(proxy|header)-token|bWU6/);
  return error as DestinationError;
}

test.each([false, true])('a request goes through a tunnel of the proxy, with TLS to the proxy: %s', async (isTls) => {
  const destination = await startDestination();
  const proxy = await startProxy(destination.port, { isTls });
  const http = client(proxy.url);
  expect(await http.send(request(), never)).toMatchObject({ status: 200, body: 'taken' });
  expect(await http.send(request(), never)).toMatchObject({ status: 200, body: 'taken' });
  const credentials = `Basic ${btoa('me:proxy-token')}`;
  // One tunnel for both requests: the connection is kept.
  expect(proxy.tunnels).toEqual([{ authority: 'crm.example.com:443', authorization: credentials }]);
  expect(destination.seen.map(({ path }) => path)).toEqual(['/hook?a=b', '/hook?a=b']);
  expect(destination.seen[0]?.headers).toMatchObject({ host: 'crm.example.com', authorization: 'header-token' });
  expect(destination.seen[0]?.headers).not.toHaveProperty('proxy-authorization');
});

test('plain http, which only local runs may use, goes through a tunnel too', async () => {
  const destination = await startDestination({ isTls: false });
  const proxy = await startProxy(destination.port);
  const http = client(proxy.url, { allowPrivateAddresses: true });
  expect(await http.send(request({ url: 'http://crm.example.com/' }), never)).toMatchObject({ body: 'taken' });
  expect(proxy.tunnels.map(({ authority }) => authority)).toEqual(['crm.example.com:80']);
});

test('without proxies, and for what NO_PROXY names, requests go directly', async () => {
  const destination = await startDestination();
  const proxy = await startProxy(destination.port);
  const here = request({ url: `https://localhost:${destination.port}/` });
  for (const proxies of [{}, { httpsProxy: proxy.url, noProxy: 'localhost' }, { httpsProxy: proxy.url }]) {
    const http = client(proxy.url, { proxies, allowPrivateAddresses: true });
    expect(await http.send(here, never)).toMatchObject({ body: 'taken' });
  }
  expect(proxy.tunnels).toEqual([]);
});

test('mutual TLS ends at the destination, also through a proxy', async () => {
  const destination = await startDestination({ asksForCertificate: true });
  const proxy = await startProxy(destination.port);
  const http = client(proxy.url);
  const certificate = {
    certificate: new Secret(pem('mutual-tls/client')),
    key: new Secret(pem('mutual-tls/client-key')),
  };
  await http.send(request({ clientCertificate: clientCertificate('clientCertificate', certificate) }), never);
  expect(destination.seen.map((each) => each.certificate)).toEqual(['client']);
});

test('TLS is with the destination and not with the proxy: another certificate is refused', async () => {
  const destination = await startDestination();
  const proxy = await startProxy(destination.port);
  const error = await failureOf(client(proxy.url).send(request({ url: 'https://other.example.com/' }), never));
  expect(error).toMatchObject({ class: 'set-up', doubt: undefined });
  expect(destination.seen).toEqual([]);
});

test.each([
  [407, 'set-up', 'other credentials'],
  [403, 'set-up', 'Allow this host there'],
  [502, 'transient', 'tried again'],
  [429, 'transient', 'tried again'],
])('a proxy that answers %d is %s, certain, and explained', async (status, errorClass, words) => {
  const proxy = await startProxy(0, { status });
  const error = await failureOf(client(proxy.url).send(request(), never));
  expect(error).toMatchObject({ class: errorClass, doubt: undefined });
  expect(error.message).toContain('Failed to connect to crm.example.com:443: the proxy');
  expect(error.message).toContain(words);
});

test('a proxy that is not there, or is silent, is transient and certain', async () => {
  const silent = await startProxy(0, { isSilent: true });
  for (const url of ['http://me:proxy-token@127.0.0.1:9', silent.url]) {
    const error = await failureOf(client(url, { connectTimeoutMs: 100 }).send(request(), never));
    expect(error).toMatchObject({ class: 'transient', doubt: undefined });
    expect(error.message).toContain('Failed to connect to crm.example.com:443: the proxy cannot be reached');
  }
});

test.each(['https://10.0.0.1/', 'https://169.254.169.254/', 'http://crm.example.com/'])(
  'the guard holds behind a proxy: %s is refused and the proxy is not asked',
  async (url) => {
    const proxy = await startProxy(0);
    const error = await failureOf(client(proxy.url).send(request({ url }), never));
    expect(error).toMatchObject({ class: 'set-up', doubt: undefined });
    expect(proxy.tunnels).toEqual([]);
  },
);

test('a client whose proxy cannot be used is not made', () => {
  expect(() => createHttpClient({ proxies: { httpsProxy: 'socks5://me:proxy-token@127.0.0.1' } })).toThrow(
    'Failed to read HTTPS_PROXY: a proxy of socks5 is not supported.',
  );
});
