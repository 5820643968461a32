import { afterEach, expect, test } from 'vitest';
import { startVendorServer, type VendorRequest, type VendorResponse } from '../testing/index.ts';
import { withBearerToken } from './authorized.ts';
import { withClientCredentials, withSignIn } from './client-credentials.ts';
import { createHttpClient } from './http.ts';
import { Secret } from './secret.ts';
import { DestinationError } from './verdict.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const never = new AbortController().signal;
const secretText = 'client-secret-not-to-be-seen';

/** A vendor whose tokens count up, and which takes those that `isGood` says. */
async function start(answers: {
  token?: (number: number) => VendorResponse;
  isGood?: (token: number) => boolean;
  api?: (request: VendorRequest) => VendorResponse;
}) {
  let issued = 0;
  const server = await startVendorServer((request) => {
    if (request.url === '/token') {
      issued += 1;
      const body = JSON.stringify({ access_token: `token-${issued}`, token_type: 'Bearer', expires_in: 3600 });
      return answers.token?.(issued) ?? { status: 200, body };
    }
    const token = Number(/^Bearer token-(\d+)$/.exec(request.headers.authorization ?? '')?.[1]);
    if (!(answers.isGood?.(token) ?? true)) return { status: 401 };
    return answers.api?.(request) ?? { status: 200, body: String(token) };
  });
  const http = createHttpClient({ allowPrivateAddresses: true, timeoutMs: 5_000 });
  cleanups.push(
    () => http.close(),
    () => server.close(),
  );
  const clock = { nowMs: 1_000_000 };
  const sender = withClientCredentials(
    http,
    {
      tokenUrl: `${server.origin}/token`,
      clientId: 'app 1',
      clientSecret: new Secret(secretText),
      scope: 'a/.default',
    },
    () => clock.nowMs,
  );
  const call = (signal = never) => sender.send({ method: 'GET', url: `${server.origin}/api`, headers: {} }, signal);
  const tokenRequests = () => server.requests.filter(({ url }) => url === '/token');
  return { server, clock, call, tokenRequests };
}

test('it signs in with a form in the body and keeps the secret out of the URL', async () => {
  const { call, tokenRequests } = await start({});
  expect((await call()).status).toBe(200);
  const [request] = tokenRequests();
  expect(request).toMatchObject({ method: 'POST', url: '/token' });
  expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
    grant_type: 'client_credentials',
    client_id: 'app 1',
    client_secret: secretText,
    scope: 'a/.default',
  });
});

test('one token serves all until a minute before it expires, and then one renewal serves all', async () => {
  const { call, clock, tokenRequests } = await start({});
  const tokens = async () => new Set((await Promise.all(Array.from({ length: 20 }, () => call()))).map((r) => r.body));
  expect(await tokens()).toEqual(new Set(['1']));
  clock.nowMs += 3_539_999;
  expect(await tokens()).toEqual(new Set(['1']));
  clock.nowMs += 1;
  expect(await tokens()).toEqual(new Set(['2']));
  expect(tokenRequests()).toHaveLength(2);
});

test('a short life is half used', async () => {
  const body = (number: number) => JSON.stringify({ access_token: `token-${number}`, expires_in: '60' });
  const { call, clock } = await start({ token: (number) => ({ status: 200, body: body(number) }) });
  await call();
  clock.nowMs += 29_999;
  expect((await call()).body).toBe('1');
  clock.nowMs += 1;
  expect((await call()).body).toBe('2');
});

test('a token without a lifetime is held until it is refused', async () => {
  let revoked = 0;
  const { call, clock } = await start({
    token: (number) => ({ status: 200, body: JSON.stringify({ access_token: `token-${number}` }) }),
    isGood: (token) => token > revoked,
  });
  await call();
  clock.nowMs += 1e10;
  expect((await call()).body).toBe('1');
  revoked = 1;
  expect((await call()).body).toBe('2');
});

test('a token that is refused is renewed once for all who used it, and each request is repeated once', async () => {
  let revoked = 0;
  const { call, server, tokenRequests } = await start({ isGood: (token) => token > revoked });
  await call();
  revoked = 1;
  server.forgetRequests();
  const answers = await Promise.all(Array.from({ length: 10 }, () => call()));
  expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 2']));
  expect(tokenRequests()).toHaveLength(1);
});

test('a second 401 is given as the answer', async () => {
  const { call, server } = await start({ isGood: () => false });
  expect((await call()).status).toBe(401);
  expect(server.requests.map(({ url }) => url)).toEqual(['/token', '/api', '/token', '/api']);
});

test.each<[string, VendorResponse, Partial<DestinationError>]>([
  ['refused credentials', { status: 401, body: '{"error":"invalid_client"}' }, { class: 'set-up' }],
  ['an unknown scope', { status: 400, body: '{"error":"invalid_scope"}' }, { class: 'set-up' }],
  ['a wrong URL', { status: 404 }, { class: 'set-up' }],
  ['a provider that is down', { status: 503, body: '<html>' }, { class: 'transient' }],
  [
    'too many sign-ins',
    { status: 429, headers: { 'retry-after': '7' } },
    { class: 'throttled', notBeforeMs: 1_007_000 },
  ],
  ['an answer that is no JSON', { status: 200, body: '<html>' }, { class: 'transient' }],
  ['an answer without a token', { status: 200, body: '{"token_type":"Bearer"}' }, { class: 'transient' }],
  ['a token that is no header', { status: 200, body: '{"access_token":"a\\nb"}' }, { class: 'transient' }],
])('%s is an error without doubt, and the next request signs in anew', async (_what, response, expected) => {
  const { call, server } = await start({ token: (number) => (number === 1 ? response : { status: 200, body: good }) });
  const error: unknown = await call().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DestinationError);
  expect(error).toMatchObject({ ...expected, doubt: undefined });
  expect(server.requests.map(({ url }) => url)).toEqual(['/token']);
  expect((await call()).status).toBe(200);
});
const good = '{"access_token":"token-7","expires_in":60}';

test('the code of a refusal is shown, and other words of the provider are not', async () => {
  const words = JSON.stringify({ error: 'invalid_client', error_description: `no ${secretText} here` });
  const refused = await start({ token: () => ({ status: 400, body: words }) });
  await expect(refused.call()).rejects.toThrow(/answered 400 \(invalid_client\)\. Check the client id/);
  const odd = await start({ token: () => ({ status: 400, body: JSON.stringify({ error: secretText }) }) });
  await expect(odd.call()).rejects.not.toThrow(secretText);
});

test('a lost connection while signing in leaves no doubt', async () => {
  const { call, server } = await start({});
  server.setFault({ kind: 'reset' });
  await expect(call()).rejects.toMatchObject({ class: 'transient', doubt: undefined });
});

test('who stops waiting for the token does not stop it for the others', async () => {
  const { call, server, tokenRequests } = await start({});
  const stop = new AbortController();
  const arrived = server.nextRequest();
  const [left, stayed] = [call(stop.signal), call()];
  await arrived;
  stop.abort();
  await expect(left).rejects.toMatchObject({ class: 'transient', doubt: undefined });
  expect((await stayed).status).toBe(200);
  expect(tokenRequests()).toHaveLength(1);
});

test('a caller whose signal is aborted before sends no request', async () => {
  const { call, server } = await start({});
  await expect(call(AbortSignal.abort())).rejects.toMatchObject({ class: 'transient', doubt: undefined });
  expect(server.requests).toHaveLength(0);
});

test('a secret with a line end stops the set-up and is not shown', () => {
  const http = createHttpClient();
  cleanups.push(() => http.close());
  const token = new Secret(`${secretText}\n`);
  expect(() => withBearerToken(http, 'accessToken', token)).toThrow(/setting accessToken: .* without a line end/);
  expect(() => withBearerToken(http, 'accessToken', token)).not.toThrow(secretText);
});

test('another grant signs in by its own request, made anew for each token, and says what to check', async () => {
  const server = await startVendorServer(({ url, body }) => {
    if (url !== '/token') return { status: 200, body: '{}' };
    return body === 'assertion=2' ? { status: 400 } : { status: 200, body: '{"access_token":"t","expires_in":120}' };
  });
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => server.close(),
  );
  let asked = 0;
  let nowMs = 0;
  const tokenRequest = () => {
    asked += 1;
    return { method: 'POST', url: `${server.origin}/token`, headers: {}, body: `assertion=${asked}` } as const;
  };
  const sender = withSignIn(http, { tokenRequest, advice: 'Check the key.' }, () => nowMs);
  const call = () => sender.send({ method: 'GET', url: `${server.origin}/api`, headers: {} }, never);
  await call();
  await call();
  nowMs = 120_000;
  await expect(call()).rejects.toThrow('Failed to sign in: the token endpoint answered 400. Check the key.');
  expect(asked).toBe(2);
});
