import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { failureOf, startPlatform } from '../testing/started-platform.ts';
import { VirtualTime } from '../testing/virtual-time.ts';
import { createAdobeClient, type AdobeClient } from './adobe-client.ts';
import { adobeIds } from './flow-service-entities.ts';

const profileSpec = { id: adobeIds.profileConnectionSpec, version: '1.0' };
const eventHubsSpec = { id: adobeIds.eventHubsConnectionSpec, version: '1.0' };

test('one token serves many requests at once, and a new one comes when it has expired', async () => {
  const { platform, time, client } = await startPlatform({ tokenLifetimeMs: 3_600_000 });
  const adobe = client();
  const listMany = async () => await Promise.all(Array.from({ length: 20 }, () => adobe.flowService.flows.list()));
  await listMany();
  expect(platform.tokensGiven()).toBe(1);
  time.nowMs += 3_500_000;
  await listMany();
  expect(platform.tokensGiven()).toBe(1);
  time.nowMs += 60_000;
  await listMany();
  expect(platform.tokensGiven()).toBe(2);
});

test('a refused token is renewed once for all who meet it', async () => {
  const { platform, client } = await startPlatform();
  const adobe = client();
  await adobe.flowService.flows.list();
  platform.revokeTokens();
  await Promise.all(Array.from({ length: 10 }, () => adobe.flowService.flows.list()));
  expect(platform.tokensGiven()).toBe(2);
});

test('a token that is refused again is an error with the code of Adobe, its status and the request id', async () => {
  const { platform, client } = await startPlatform();
  platform.faults.inject({ path: '/flows', status: 401, times: 2 });
  const error = await failureOf(client().flowService.flows.list());
  expect(error).toMatchObject({ kind: 'unauthorized', status: 401, code: '401013' });
  expect(error).toHaveProperty('requestId', expect.stringMatching(/^[0-9a-f]{32}$/));
  expect(error.message).toMatch(
    /^Failed to list dataflows: Adobe answered 401 \(code 401013, request id [0-9a-f]{32}\)/,
  );
  expect(platform.requests.filter(({ path }) => path.includes('/flows'))).toHaveLength(2);
});

test('a wrong client secret is said so, without it', async () => {
  const { client } = await startPlatform();
  const error = await failureOf(client({ clientSecret: 'not+the/secret' }).flowService.flows.list());
  expect(error).toMatchObject({ status: 400, code: 'invalid_client' });
  expect(inspect(error)).not.toContain('not+the/secret');
});

test('429 waits as long as Adobe asks, in seconds or until a date', async () => {
  const { platform, time, client } = await startPlatform();
  const adobe = client();
  await adobe.flowService.flows.list();
  platform.faults.inject({ status: 429, retryAfter: '37' });
  platform.faults.inject({ status: 429, retryAfter: new Date(time.nowMs + 60_000).toUTCString() });
  await adobe.flowService.flows.list();
  expect(time.sleptMs[0]).toBe(37_000);
  expect(time.sleptMs[1]).toBeGreaterThan(20_000);
  expect(time.sleptMs[1]).toBeLessThanOrEqual(23_000);
});

test('a wait beyond the deadline is not begun', async () => {
  const { platform, time, client } = await startPlatform();
  const adobe = client();
  await adobe.flowService.flows.list();
  platform.faults.inject({ status: 429, retryAfter: '3600' });
  expect(await failureOf(adobe.flowService.flows.list())).toMatchObject({ kind: 'throttled', status: 429 });
  expect(time.sleptMs).toEqual([]);
});

test('5xx and lost answers are tried again with growing, random waits, and only so often', async () => {
  const { platform, time, client } = await startPlatform();
  const adobe = client({ retry: { attemptsMax: 5, firstDelayMs: 1000 } });
  await adobe.flowService.flows.list();
  platform.faults.inject({ status: 500 });
  platform.faults.inject({ status: 503 });
  platform.faults.inject({ lost: 'after' });
  platform.faults.inject({ lost: 'before' });
  expect(await adobe.flowService.flows.list()).toEqual([]);
  expect(time.sleptMs).toHaveLength(4);
  for (const [index, delayMs] of time.sleptMs.entries()) expect(delayMs).toBeLessThan(1000 * 2 ** index);
  expect(new Set(time.sleptMs).size).toBe(4);
  platform.faults.inject({ status: 500, times: 5 });
  expect(await failureOf(adobe.flowService.flows.list())).toMatchObject({ kind: 'unavailable', status: 500 });
});

test('a creation whose fate is uncertain is not repeated; one that was throttled is', async () => {
  const { platform, client } = await startPlatform();
  const { connections } = client().flowService;
  for (const fault of [{ lost: 'after' }, { status: 503 }] as const) {
    platform.faults.inject({ method: 'POST', path: '/connections', ...fault });
    const error = await failureOf(connections.create({ name: 'a', connectionSpec: profileSpec }));
    expect(error).toMatchObject({ kind: 'unavailable', uncertain: true });
  }
  expect(platform.sandbox().connections()).toHaveLength(1);
  platform.faults.inject({ method: 'POST', path: '/connections', status: 429 });
  await connections.create({ name: 'b', connectionSpec: profileSpec });
  expect(platform.sandbox().connections()).toHaveLength(2);
});

test.each(['200', '202'] as const)('a change is understood when Adobe answers it with %s', async (patchAnswer) => {
  const { platform, client } = await startPlatform({ patchAnswer });
  const { connections } = client().flowService;
  const { id, etag = '' } = await connections.create({ name: 'a', connectionSpec: profileSpec });
  const written = await connections.patch(id, etag.replaceAll('"', ''), [{ op: 'replace', path: '/name', value: 'b' }]);
  const { name, etag: latest } = await connections.get(id);
  expect(name).toBe('b');
  expect(written).toEqual(patchAnswer === '200' ? { id, etag: latest } : { id });
  const late = await failureOf(connections.patch(id, etag, [{ op: 'replace', path: '/name', value: 'c' }]));
  expect(late).toMatchObject({ kind: 'conflict', status: 412 });
  expect(platform.sandbox().connections()[0]).toMatchObject({ name: 'b' });
});

test('a deletion is over when nothing is found any longer, and again at once', async () => {
  const { platform, time, client } = await startPlatform({ deletionMs: 5_000 });
  const { connections } = client().flowService;
  const { id } = await connections.create({ name: 'a', connectionSpec: profileSpec });
  const startedAt = time.nowMs;
  await connections.delete(id);
  expect(time.nowMs - startedAt).toBeGreaterThanOrEqual(5_000);
  expect(platform.sandbox().connections()).toEqual([]);
  expect(await connections.find(id)).toBeUndefined();
  await connections.delete(id);
});

test('a deletion that does not end is an error at the deadline', async () => {
  const { client } = await startPlatform({ deletionMs: 3_600_000 });
  const { connections } = client({ retry: { deadlineMs: 60_000 } }).flowService;
  const { id } = await connections.create({ name: 'a', connectionSpec: profileSpec });
  expect((await failureOf(connections.delete(id))).message).toContain('still there after 60000 ms');
});

test('lists follow the links of Adobe over all pages', async () => {
  const { client } = await startPlatform({
    pageSizeMax: 2,
    audiences: Array.from({ length: 7 }, (_, index) => ({ id: `audience-${index}`, name: `Audience ${index}` })),
  });
  const adobe = client();
  for (let index = 0; index < 5; index++) {
    await adobe.flowService.connections.create({ name: `c${index}`, connectionSpec: profileSpec });
  }
  expect(await adobe.flowService.connections.list()).toHaveLength(5);
  expect(await adobe.audiences.list()).toHaveLength(7);
  expect((await adobe.audiences.list({ name: 'ence 3' })).map(({ id }) => id)).toEqual(['audience-3']);
  expect(await adobe.audiences.list({ itemsMax: 3 })).toHaveLength(3);
});

test('audiences are looked up a hundred at a time, and unknown ones are absent', async () => {
  const { platform, client } = await startPlatform({
    audiences: Array.from({ length: 150 }, (_, index) => ({
      id: `a${index}`,
      name: `A ${index}`,
      evaluation: ['edge'],
    })),
  });
  const ids = Array.from({ length: 230 }, (_, index) => `a${index}`);
  const found = await client().audiences.get([...ids, 'a0']);
  expect(found.size).toBe(150);
  expect(found.get('a7')).toMatchObject({ name: 'A 7', namespace: 'AEPSegments', evaluation: ['edge'] });
  expect(platform.requests.filter(({ path }) => path.endsWith('bulk-get'))).toHaveLength(3);
  expect((await client().audiences.get(['unknown'])).size).toBe(0);
});

test('each sandbox has its own, and one that does not exist is forbidden', async () => {
  const { client } = await startPlatform({ sandboxes: ['prod', 'stage'] });
  await client({ sandbox: 'stage' }).flowService.connections.create({ name: 'a', connectionSpec: profileSpec });
  expect(await client().flowService.connections.list()).toEqual([]);
  expect(await client({ sandbox: 'stage' }).flowService.connections.list()).toHaveLength(1);
  expect(await failureOf(client({ sandbox: 'none' }).flowService.flows.list())).toMatchObject({ kind: 'forbidden' });
});

test('an abort ends a request, a wait and the wait for a token with its own reason', async () => {
  const { platform, client } = await startPlatform();
  const reason = new Error('enough');
  const abortedAfterRequest = async (adobe: AdobeClient) => {
    const stop = new AbortController();
    const requestsBefore = platform.requests.length;
    const call = failureOf(adobe.flowService.flows.list({ signal: stop.signal }));
    await expect.poll(() => platform.requests.length, { interval: 1 }).toBeGreaterThan(requestsBefore);
    stop.abort(reason);
    return await call;
  };
  platform.faults.inject({ path: '/ims', delayMs: 60_000 });
  expect(await abortedAfterRequest(client())).toBe(reason);
  const adobe = client({ clock: {} });
  await adobe.flowService.flows.list();
  platform.faults.inject({ delayMs: 60_000 });
  expect(await abortedAfterRequest(adobe)).toBe(reason);
  platform.faults.inject({ status: 429, retryAfter: '60' });
  expect(await abortedAfterRequest(adobe)).toBe(reason);
});

test('an abort of one who waits for the token leaves it to the others', async () => {
  const { platform, client } = await startPlatform();
  const adobe = client();
  platform.faults.inject({ path: '/ims', delayMs: 50 });
  const impatient = new AbortController();
  const first = failureOf(adobe.flowService.flows.list({ signal: impatient.signal }));
  const second = adobe.flowService.flows.list();
  impatient.abort(new Error('enough'));
  expect((await first).message).toBe('enough');
  expect(await second).toEqual([]);
  expect(platform.tokensGiven()).toBe(1);
});

test('an answer that does not come in time is tried again', async () => {
  const { platform, client } = await startPlatform();
  platform.faults.inject({ path: '/flows', delayMs: 5_000 });
  expect(await client({ timeoutMs: 2_000 }).flowService.flows.list()).toEqual([]);
});

test('no error repeats the key that Adobe was sent, nor the secret, nor the token', async () => {
  const time = new VirtualTime();
  const heard: string[] = [];
  // A server that repeats everything that it hears, in every shape.
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      heard.push(body);
      if (request.url === '/ims/token/v2')
        return response.end(JSON.stringify({ access_token: 'token+/1', expires_in: 60 }));
      const said = `${request.headers.authorization ?? ''} ${body} ${encodeURIComponent(body)}`;
      return response.writeHead(400).end(JSON.stringify({ errorCode: said, errorMessage: said }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { organisation: 'o', sandbox: 's', clientId: 'c', clientSecret: 'client+secret/1=' };
  const adobe = createAdobeClient({ ...options, platformUrl: url, imsUrl: url, clock: time });
  const key = 'q1+w/e2"r=';
  const create = adobe.flowService.connections.create({
    name: 'a',
    connectionSpec: eventHubsSpec,
    auth: { specName: 'x', params: { sasKeyName: 'Send', sasKey: key, namespace: 'n' } },
  });
  const error = await failureOf(create);
  server.close();
  server.closeAllConnections();
  const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + error.message;
  for (const secret of [key, 'client+secret/1=', 'token+/1']) {
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
      expect(shown).not.toContain(form);
  }
  expect(shown).toContain('[secret]');
  expect(heard.join()).toContain(JSON.stringify(key));
  expect(inspect(adobe, { depth: 10, showHidden: true })).not.toContain('client+secret/1=');
});

test('a redirect is not followed, and no link leads the token elsewhere', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/ims/token/v2') return response.end(JSON.stringify({ access_token: 't', expires_in: 600 }));
    if (request.url?.includes('/flows') === true) return response.writeHead(302, { location: '/elsewhere' }).end();
    return response.end(JSON.stringify({ items: [], _links: { next: { href: 'https://elsewhere.invalid/x' } } }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { organisation: 'o', sandbox: 's', clientId: 'c', clientSecret: 'x' };
  const adobe = createAdobeClient({ ...options, platformUrl: url, imsUrl: url });
  expect(await failureOf(adobe.flowService.flows.list())).toMatchObject({ kind: 'unreadable' });
  expect(await failureOf(adobe.flowService.connections.list())).toMatchObject({ kind: 'unreadable' });
  server.close();
  server.closeAllConnections();
});

test('options that cannot work are refused without being shown', () => {
  const good = { organisation: 'o', sandbox: 's', clientId: 'c', clientSecret: 'x' };
  const refused = (options: object) => () => createAdobeClient({ ...good, ...options });
  expect(refused({ clientSecret: 'a\r\nb' })).toThrow(/clientSecret is empty or has spaces/);
  expect(refused({ sandbox: '' })).toThrow(/sandbox is empty/);
  expect(refused({ platformUrl: 'http://platform.adobe.io' })).toThrow(/platformUrl is not an https URL/);
  expect(refused({ imsUrl: 'https://user:secret@ims.invalid' })).toThrow(/^((?!secret@).)*$/);
});
