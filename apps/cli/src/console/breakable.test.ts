import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { Breakables } from './breakable.ts';

/** A stand-in that says what it got, behind a server that can be broken. */
async function brokenBefore() {
  const standIn = createServer((incoming, response) => {
    void text(incoming).then((body) =>
      response.writeHead(201, { 'x-own': 'yes' }).end(`${incoming.method} ${incoming.url} ${body}`),
    );
  });
  standIn.listen(0, '127.0.0.1');
  await once(standIn, 'listening');
  const breakables = new Breakables();
  onTestFinished(async () => {
    await breakables.stop();
    standIn.closeAllConnections();
    standIn.close();
  });
  const { port } = standIn.address() as AddressInfo;
  const settings = { url: `http://127.0.0.1:${port}/hooks/{{audience}}`, region: 'eu', signingSecret: { secret: 'x' } };
  const before = await breakables.before('crm', settings);
  const url = String(before.url).replace('{{audience}}', 'fans?x=1');
  const call = (timeoutMs = 120_000) =>
    fetch(url, { method: 'POST', body: 'hello', signal: AbortSignal.timeout(timeoutMs) });
  return { breakables, before, settings, call };
}

test('what works passes everything on, and other settings stay as they are', async () => {
  const { before, settings, call, breakables } = await brokenBefore();
  expect(before).toEqual({ ...settings, url: before.url });
  expect(before.url).not.toBe(settings.url);
  const answer = await call();
  expect([answer.status, answer.headers.get('x-own'), await answer.text()]).toEqual([
    201,
    'yes',
    'POST /hooks/fans?x=1 hello',
  ]);
  expect([breakables.has('crm'), breakables.has('ads')]).toEqual([true, false]);
});

test.each([
  ['down', 503],
  ['throttled', 429],
  ['refuses', 400],
] as const)('one that %s answers %i until it is mended', async (fault, status) => {
  const { breakables, call } = await brokenBefore();
  breakables.break('crm', fault);
  const answer = await call();
  expect([answer.status, breakables.faults]).toEqual([status, { crm: fault }]);
  expect(answer.headers.get('retry-after')).toBe(fault === 'throttled' ? '3' : null);
  breakables.break('crm', 'none');
  expect((await call()).status).toBe(201);
});

test('one that hangs answers nothing', async () => {
  const { breakables, call } = await brokenBefore();
  breakables.break('crm', 'hangs');
  await expect(call(300)).rejects.toThrow(/timeout/);
});

test('mending ends the requests that hang', async () => {
  const { breakables, call } = await brokenBefore();
  breakables.break('crm', 'hangs');
  const hanging = expect(call()).rejects.toThrow('fetch failed');
  // One that came after it has waited for long enough, so that it has come.
  await expect(call(300)).rejects.toThrow(/timeout/);
  breakables.break('crm', 'none');
  await hanging;
  expect((await call()).status).toBe(201);
});
