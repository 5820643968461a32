import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildApp } from '../testing/built-app.ts';
import { runHost } from '../testing/running-host.ts';
import { readRegisteredFunctions, startFunctionsHost } from './index.ts';

async function runHttpApp(hostJson: unknown = {}) {
  const running = await runHost({ appFolder: await buildApp({ fixture: 'http', hostJson }), settings: {} });
  return { ...running, call: (path: string) => fetch(`http://127.0.0.1:${running.host.httpPort}${path}`) };
}

test('a worker that exits fails its running invocations and is started again', async () => {
  const { call, host, logged, finished } = await runHttpApp();
  const firstProcessId = host.workerProcessId;
  const [exit, hang] = await Promise.all([call('/api/exit'), call('/api/hang')]);
  expect([exit.status, hang.status]).toEqual([500, 500]);
  const secondProcessId = await (await call('/api/pid')).json();
  expect(secondProcessId).toBe(host.workerProcessId);
  expect(secondProcessId).not.toBe(firstProcessId);
  expect(finished.map(({ failed }) => failed)).toEqual([true, true, false]);
  expect(logged).toContainEqual({
    level: 'error',
    message: 'The worker process ended with exit code 3. It is started again in 100 ms.',
  });
});

test('a worker that is killed is replaced, and requests wait for the new one', async () => {
  const { call, host } = await runHttpApp();
  const killed = host.workerProcessId ?? 0;
  process.kill(killed, 'SIGKILL');
  await expect.poll(() => host.workerProcessId).not.toBe(killed);
  expect((await call('/api/pid')).status).toBe(200);
});

test('a signal that a terminal sends to the whole group does not end the worker', async () => {
  const { call, host } = await runHttpApp();
  process.kill(host.workerProcessId ?? 0, 'SIGINT');
  process.kill(host.workerProcessId ?? 0, 'SIGTERM');
  expect(await (await call('/api/pid')).json()).toBe(host.workerProcessId);
});

test('an invocation that outlasts functionTimeout fails, and its worker with it', async () => {
  const { call, host, logged } = await runHttpApp({ functionTimeout: '00:00:01' });
  const firstProcessId = host.workerProcessId;
  expect((await call('/api/hang')).status).toBe(500);
  expect(logged).toContainEqual(
    expect.objectContaining({
      level: 'error',
      functionName: 'hang',
      message: 'Timeout value of 1 seconds exceeded by function: hang.',
    }),
  );
  expect(await (await call('/api/pid')).json()).not.toBe(firstProcessId);
});

test('lines that the app prints come to the log', async () => {
  const { logged, until } = await runHttpApp();
  // Over another pipe than that which says that the app is loaded.
  await until(() => logged.some(({ message }) => message === 'the app was loaded'), 'the line');
  expect(logged).toContainEqual({ level: 'information', message: 'the app was loaded' });
});

test('a debugger can attach to the worker when a port is given', async () => {
  const appFolder = await buildApp({ fixture: 'http' });
  const { logged, until } = await runHost({ appFolder, settings: {}, inspectPort: 0 });
  await until(
    () => logged.some(({ message }) => /^Debugger listening on ws:\/\/127\.0\.0\.1:\d+/.test(message)),
    'the debugger listens',
  );
});

test.for(['cjs', 'esm'] as const)(
  'a bundle in %s format registers its functions, with bindings and rounded retry intervals',
  async (format) => {
    const functions = await readRegisteredFunctions(await buildApp({ fixture: 'esm', format }));
    expect(functions.map(({ name, triggerType }) => [name, triggerType])).toEqual([
      ['on-events', 'eventHubTrigger'],
      ['tick', 'timerTrigger'],
    ]);
    expect(functions[0]?.trigger).toMatchObject({ eventHubName: '%HUB%', dataType: 'binary', cardinality: 'many' });
    expect(functions[0]?.retry).toMatchObject({
      retryStrategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 0 },
      maximumInterval: { seconds: 60 },
    });
  },
);

test('"main" may be a glob', async () => {
  const appFolder = await buildApp({ fixture: 'esm', main: '*.{js,cjs}' });
  await writeFile(join(appFolder, 'second.cjs'), 'console.log("second")');
  expect(await readRegisteredFunctions(appFolder)).toHaveLength(2);
});

test('an app that throws while it loads stops the start with its own error', async () => {
  const appFolder = await buildApp({ fixture: 'broken' });
  const start = startFunctionsHost({ appFolder, settings: {}, log: () => undefined });
  await expect(start).rejects.toThrow(/^Failed to load the function app in .*a setting of the app is wrong/);
});

test('a missing bundle stops the start', async () => {
  const appFolder = await buildApp({ fixture: 'esm', main: 'dist/*.js' });
  await expect(readRegisteredFunctions(appFolder)).rejects.toThrow(
    'No file matches "main" of package.json, "dist/*.js". Build the app first.',
  );
});

test('an app without functions stops the start', async () => {
  const appFolder = await buildApp({ fixture: 'nothing' });
  expect(await readRegisteredFunctions(appFolder)).toEqual([]);
  await expect(startFunctionsHost({ appFolder, settings: {}, log: () => undefined })).rejects.toThrow(
    'the app has registered no function',
  );
});

test.for([
  ['blob', 'Failed to start function on-blob: this host does not run blobTrigger'],
  [
    'output',
    "Failed to start function send: this host does not run its binding queue. Use the SDK's client in the function.",
  ],
  ['streaming', 'This host does not stream HTTP.'],
])('what the host does not run stops the start: %s', async ([kind = '', sentence = '']) => {
  const appFolder = await buildApp({ fixture: 'unsupported' });
  const start = startFunctionsHost({ appFolder, settings: { KIND: kind }, log: () => undefined });
  await expect(start).rejects.toThrow(sentence);
});

test('a missing setting stops the start with its name', async () => {
  const appFolder = await buildApp({ fixture: 'esm' });
  const start = (settings: Record<string, string>) => startFunctionsHost({ appFolder, settings, log: () => undefined });
  await expect(start({})).rejects.toThrow(
    'Failed to start the functions host: the setting AzureWebJobsStorage is missing.',
  );
});
