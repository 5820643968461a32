import { expect, test } from 'vitest';
import { buildApp } from '../testing/built-app.ts';
import { runHost } from '../testing/running-host.ts';

async function runHttpApp(hostJson: unknown = {}, settings: Record<string, string> = {}) {
  const running = await runHost({ appFolder: await buildApp({ fixture: 'http', hostJson }), settings });
  const url = `http://127.0.0.1:${running.host.httpPort}`;
  return { ...running, url, call: (path: string, init?: RequestInit) => fetch(`${url}${path}`, init) };
}

test('an HTTP function gets method, route parameters, query, headers and body, and answers with status, headers, cookies and JSON', async () => {
  const { call, logged, finished } = await runHttpApp();
  const response = await call('/api/echo/a%20b/7?x=1&x=2&empty=', {
    method: 'POST',
    body: '{"n":1}',
    headers: { 'X-Test': 'on' },
  });
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({
    method: 'POST',
    params: { word: 'a b', number: '7' },
    query: { x: '1,2', empty: '' },
    header: 'on',
    body: '{"n":1}',
    hasTriggerMetadata: false,
  });
  expect(response.headers.get('set-cookie')).toBe('seen=yes; Path=/; HttpOnly');
  const invocationId = response.headers.get('x-invocation');
  expect(logged).toContainEqual({
    level: 'warning',
    functionName: 'echo',
    invocationId,
    message: "echoing { word: 'a b' }",
  });
  expect(finished).toMatchObject([{ functionName: 'echo', invocationId, failed: false }]);
});

test('routes match without regard to case, optional parameters may be absent, and constraints are kept', async () => {
  const { call } = await runHttpApp();
  expect((await call('/API/Echo/word')).status).toBe(201);
  expect((await call('/api/echo/word/notanumber')).status).toBe(404);
});

test('an unknown path is 404, a wrong method 405, no result 204, an error 500', async () => {
  const { call, logged } = await runHttpApp();
  expect((await call('/api/unknown')).status).toBe(404);
  expect((await call('/bytes')).status).toBe(404);
  const wrongMethod = await call('/api/bytes', { method: 'DELETE' });
  expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'GET']);
  expect((await call('/api/nothing')).status).toBe(204);
  expect((await call('/api/throws')).status).toBe(500);
  expect(logged).toContainEqual(
    expect.objectContaining({
      level: 'error',
      functionName: 'throws',
      message: expect.stringContaining('the handler failed') as string,
    }),
  );
});

test('bytes pass unchanged in both directions', async () => {
  const { call } = await runHttpApp();
  expect(Buffer.from(await (await call('/api/bytes')).arrayBuffer())).toEqual(Buffer.from([0, 255, 128]));
  expect(await (await call('/api/length', { method: 'POST', body: Buffer.alloc(300_000, 1) })).json()).toBe(300_000);
});

test('the route prefix comes from host.json and may be empty', async () => {
  const { call } = await runHttpApp({ extensions: { http: { routePrefix: '' } } });
  expect((await call('/bytes')).status).toBe(200);
  expect((await call('/api/bytes')).status).toBe(404);
});

test('a hook may change the result of an invocation', async () => {
  const { call } = await runHttpApp();
  expect(await (await call('/api/forgiven')).text()).toBe('forgiven by a hook');
});

test('settings are the environment of the app, beside that of the host', async () => {
  const { call } = await runHttpApp({}, { GREETING: 'hello' });
  expect(await (await call('/api/setting/GREETING')).text()).toBe('hello');
  expect(await (await call('/api/setting/PATH')).text()).not.toBe('');
});

test('stopping lets a running request end and runs the appTerminate hooks', async () => {
  const { host, call, logged, until } = await runHttpApp();
  const waiting = call('/api/wait/300');
  await until(() => logged.some(({ message }) => message === 'waiting'), 'the request runs');
  await Promise.all([host.stop(), host.stop()]);
  expect(await (await waiting).text()).toBe('waited');
  expect(logged.map(({ message }) => message)).toContain('the app terminates, started: true');
  await expect(call('/api/bytes')).rejects.toThrow('fetch failed');
  expect(host.workerProcessId).toBeUndefined();
});
