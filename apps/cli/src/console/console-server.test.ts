import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseActivationFile } from '@activation-hub/activation-file';
import type { StreamMessage } from '@activation-hub/console-contract';
import { loadDestinations } from '@activation-hub/destinations';
import { expect, onTestFinished, test } from 'vitest';
import { ApiError } from './answers.ts';
import { startConsole } from './console-server.ts';
import { createEventStream } from './event-stream.ts';
import { LiveSource } from './live-source.ts';
import { pageFiles } from './page-files.ts';

const file = parseActivationFile(
  `version: 1
destinations: { crm: { type: log } }
audiences: { fans: { id: fans, activate: [{ destination: crm, identity: crmid }] } }
`,
  { fileName: 'own.yaml', destinations: await loadDestinations(['log']) },
);
const said: string[] = [];

/** A console with a page and an interface of two lines, and a way to call it with any headers. */
async function openConsole() {
  const folder = await mkdtemp(join(tmpdir(), 'console-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<meta property="csp-nonce" content="{{style-nonce}}">the page');
  await writeFile(join(folder, 'assets', 'page-1a2b.js'), 'export {};');
  await writeFile(join(folder, 'secret.txt'), 'not for anybody');
  const source = new LiveSource({
    file,
    secrets: ['whsec_hidden'],
    now: () => 1_000_000,
    partitions: () => [],
    deadLetters: () => new Map(),
    faults: () => ({}),
  });
  const stream = createEventStream(source);
  const server = await startConsole({
    page: pageFiles(() => Promise.resolve(folder)),
    stream,
    api: () => ({
      'GET about': () => ({ name: 'about' }),
      'GET things/*': ({ name }) => ({ name }),
      'POST things': ({ body }) => body,
      'GET wrong': () => {
        throw new ApiError(422, 'That is not possible.');
      },
      'GET defect': () => {
        throw new TypeError('undefined is not a function');
      },
    }),
    port: 0,
    say: (line) => said.push(line),
  });
  onTestFinished(async () => {
    stream.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const { host, port, hash } = new URL(server.url);
  const token = hash.replace('#token=', '');
  const call = async (
    path: string,
    {
      headers = {},
      method = 'GET',
      body = '',
    }: { headers?: Record<string, string>; method?: string; body?: string } = {},
  ) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers: { host, ...headers } });
    sent.end(body);
    const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>();
    sent.on('response', resolve).on('error', reject);
    const response = await promise;
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };
  const authorization = `Bearer ${token}`;
  return { call, token, host, port, source, server, authorization };
}

test('the page comes without a token, and has none in it', async () => {
  const { call, token } = await openConsole();
  const page = await call('/');
  expect(page.status).toBe(200);
  expect(page.body).toContain('the page');
  expect(page.body).not.toContain(token);
});

test('an address for one use leads to the page with the token, once, and has no token in it', async () => {
  const { call, token, server } = await openConsole();
  const [first, second] = [server.oneTimeUrl(), server.oneTimeUrl()].map((url) => new URL(url));
  expect(first?.href).not.toContain(token);
  const path = first?.pathname ?? '';
  // What only looks ahead uses nothing up.
  expect((await call(path, { method: 'HEAD' })).status).toBe(405);
  const opened = await call(path);
  expect(opened).toMatchObject({ status: 303, headers: { location: `/#token=${token}`, 'cache-control': 'no-store' } });
  const again = await call(path);
  expect(again.status).toBe(410);
  expect(again.body).toContain('Open the address that the command printed when it started.');
  expect((await call('/open/guessed')).status).toBe(410);
  expect((await call(second?.pathname ?? '', { headers: { host: 'evil.example:7411' } })).status).toBe(403);
  expect((await call(second?.pathname ?? '')).status).toBe(303);
});

test('an address within the page gives the page, so that it can be kept', async () => {
  const { call } = await openConsole();
  expect((await call('/live?destination=crm')).body).toContain('the page');
});

test('every answer forbids scripts, styles and requests from elsewhere', async () => {
  const { call, authorization } = await openConsole();
  for (const path of ['/', '/assets/page-1a2b.js', '/api/about', '/api/nothing']) {
    const { headers } = await call(path, { headers: { authorization } });
    const policy = headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
  }
});

test('the nonce of style elements is that of the policy, and another one each time', async () => {
  const { call } = await openConsole();
  const nonces: string[] = [];
  for (let time = 0; time < 2; time += 1) {
    const { headers, body } = await call('/');
    const nonce = /content="([^"]+)"/.exec(body)?.[1] ?? '';
    expect(headers['content-security-policy']).toContain(`'nonce-${nonce}'`);
    nonces.push(nonce);
  }
  expect(new Set(nonces).size).toBe(2);
});

test('data is given to a request with the token, and to no other', async () => {
  const { call, authorization } = await openConsole();
  expect(await call('/api/about', { headers: { authorization } })).toMatchObject({
    status: 200,
    body: '{"name":"about"}',
  });
  for (const wrong of [
    {},
    { authorization: 'Bearer ' },
    { authorization: `${authorization}x` },
    { authorization: 'Basic eA==' },
  ]) {
    const refused = await call('/api/about', { headers: wrong });
    expect(refused.status).toBe(401);
    expect(refused.body).toContain('Open the address that the command printed');
  }
  expect((await call('/api/stream')).status).toBe(401);
});

test('each start has another token', async () => {
  const [first, second] = [await openConsole(), await openConsole()];
  expect(first.token).not.toBe(second.token);
  expect((await second.call('/api/about', { headers: { authorization: first.authorization } })).status).toBe(401);
});

test('another name for this machine reaches nothing: DNS rebinding', async () => {
  const { call, port, authorization } = await openConsole();
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', `0.0.0.0:${port}`]) {
    for (const path of ['/', '/api/about']) {
      const refused = await call(path, { headers: { host, authorization } });
      expect([path, host, refused.status]).toEqual([path, host, 403]);
      expect(refused.body).not.toContain('the page');
    }
  }
  expect((await call('/api/about', { headers: { host: `localhost:${port}`, authorization } })).status).toBe(200);
});

test('a request of another page is refused even with the token: CSRF', async () => {
  const { call, host, authorization } = await openConsole();
  const post = { method: 'POST', body: '{"a":1}' };
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `https://${host}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    expect((await call('/api/things', { ...post, headers: { authorization, ...headers } })).status).toBe(403);
    expect((await call('/api/about', { headers: { authorization, ...headers } })).status).toBe(403);
  }
  const own = { authorization, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
  expect(await call('/api/things', { ...post, headers: own })).toMatchObject({ status: 200, body: '{"a":1}' });
});

test('no other page may read an answer: there is no permission for other origins', async () => {
  const { call, authorization } = await openConsole();
  const { headers } = await call('/api/about', { headers: { authorization } });
  expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  expect((await call('/api/things', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } })).status).toBe(
    403,
  );
});

test.each([
  '/secret.txt',
  '/assets/../secret.txt',
  '/assets/%2e%2e/secret.txt',
  '/assets/..%2fsecret.txt',
  '//etc/passwd',
])('no path leads out of the page: %s', async (path) => {
  const { call } = await openConsole();
  const { body } = await call(path);
  expect(body).not.toContain('not for anybody');
  expect(body).not.toContain('root:');
});

test('a request that is too large or no JSON is refused in words', async () => {
  const { call, authorization } = await openConsole();
  const headers = { authorization };
  const large = await call('/api/things', { method: 'POST', headers, body: 'x'.repeat(2 * 1024 * 1024 + 1) });
  expect(large).toMatchObject({ status: 413 });
  const wrong = await call('/api/things', { method: 'POST', headers, body: '{' });
  expect(wrong.status).toBe(400);
  expect(wrong.body).toContain('it is no JSON');
});

test('a name with slashes and percent signs comes as it is', async () => {
  const { call, authorization } = await openConsole();
  const name = '2026-01-31/crm/invalid/0-1-100% & more';
  const { body } = await call(`/api/things/${encodeURIComponent(name)}`, { headers: { authorization } });
  expect(JSON.parse(body)).toEqual({ name });
  expect((await call('/api/things/%E0%A4%A', { headers: { authorization } })).status).toBe(400);
});

test('what cannot be done is said in a sentence, and a defect keeps its words to the terminal', async () => {
  const { call, authorization } = await openConsole();
  const headers = { authorization };
  expect(await call('/api/wrong', { headers })).toMatchObject({
    status: 422,
    body: '{"message":"That is not possible."}',
  });
  const defect = await call('/api/defect', { headers });
  expect(defect.status).toBe(500);
  expect(defect.body).not.toContain('undefined is not a function');
  expect(said.join('\n')).toContain('undefined is not a function');
});

test('a port that is taken is left to the process that has it', async () => {
  const { port } = await openConsole();
  const page = pageFiles(() => Promise.resolve(tmpdir()));
  const stream = { open: () => undefined, beginAnew: () => undefined, close: () => undefined };
  const other = await startConsole({ page, stream, api: () => ({}), port: Number(port), say: () => undefined });
  onTestFinished(() => other.stop());
  expect(new URL(other.url).port).not.toBe(port);
});

test('the stream tells what was, then each change, with people masked until they are asked for', async () => {
  const { source, port, authorization } = await openConsole();
  const identity = { namespace: 'email', value: 'ada.lovelace@example.com' };
  const change = {
    is: 'change',
    destination: 'crm',
    audience: 'fans',
    outcome: 'delivered',
    kind: 'entered',
    identity,
    atMs: 999_500,
  } as const;
  source.observe(change);
  const read = async (query: string): Promise<readonly StreamMessage[]> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/stream${query}`, { headers: { authorization } });
    const messages: StreamMessage[] = [];
    let rest = '';
    for await (const part of response.body ?? []) {
      const events = (rest + Buffer.from(part).toString()).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) messages.push(JSON.parse(event.slice('data: '.length)) as StreamMessage);
      if (messages.length === 1) source.observe({ ...change, outcome: 'unchanged' });
      if (messages.some(({ is }) => is === 'changes')) break;
    }
    return messages;
  };
  const masked = await read('');
  expect(masked[0]).toMatchObject({ is: 'begin', rows: [{ outcome: 'delivered', person: '●●●●lace' }] });
  expect(masked.find(({ is }) => is === 'changes')).toMatchObject({
    rows: [{ outcome: 'unchanged', person: '●●●●lace' }],
  });
  expect(JSON.stringify(masked)).not.toContain('ada.lovelace');
  expect(JSON.stringify(await read('?people=shown'))).toContain('ada.lovelace@example.com');
});

test('an address that is none is refused in words, and is no defect', async () => {
  const { call, authorization } = await openConsole();
  said.length = 0;
  for (const path of ['//', '//['])
    expect(await call(path, { headers: { authorization } })).toMatchObject({
      status: 400,
      body: expect.stringContaining('The address cannot be read.') as string,
    });
  expect(said).toEqual([]);
});
