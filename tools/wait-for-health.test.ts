import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { onTestFinished, expect, test } from 'vitest';
import { waitForHealth } from './wait-for-health.ts';

type Answer = readonly [status: number, body: string];
const page = (build: string, reason?: string): string => JSON.stringify({ build, reason });

/**
 * Serves these answers one after the other, the last for ever, and waits on them with a clock of
 * its own.
 */
async function waitOn(...answers: readonly Answer[]): Promise<{ lines: string[]; asked: number; error: unknown }> {
  let asked = 0;
  const server = createServer((_request, response) => {
    const [status, body] = answers[Math.min(asked, answers.length - 1)] ?? [500, ''];
    asked += 1;
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return await waited(`http://127.0.0.1:${(server.address() as AddressInfo).port}/health`, () => asked);
}

async function waited(url: string, asked: () => number): Promise<{ lines: string[]; asked: number; error: unknown }> {
  const lines: string[] = [];
  let nowMs = 0;
  const error = await waitForHealth({
    url,
    build: 'new',
    timeoutMs: 60_000,
    intervalMs: 5_000,
    now: () => nowMs,
    sleep: (ms) => {
      nowMs += ms;
      return Promise.resolve();
    },
    print: (line) => lines.push(line),
  }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { lines, asked: asked(), error };
}

test('waits through pages of Azure, the older build and unreachable stores until this build is healthy', async () => {
  const { lines, error } = await waitOn(
    [503, '<html>starting</html>'],
    [200, page('old')],
    [200, page('old')],
    [503, page('new', 'The table cannot be reached.')],
    [200, page('new')],
  );
  expect(error).toBeUndefined();
  expect(lines).toEqual([
    '0 s: HTTP 503, and no health page',
    '5 s: another build runs (old)',
    '15 s: this build runs, but HTTP 503: The table cannot be reached.',
    '20 s: this build runs, and is healthy',
  ]);
});

test('an older build that stays fails the wait, with what it said', async () => {
  const { error, asked } = await waitOn([200, page('old')]);
  expect(String(error)).toMatch(/Failed to see new healthy within 60 s: another build runs \(old\)/);
  expect(asked).toBe(13);
});

test('a healthy page without a build fails the wait', async () => {
  const { error } = await waitOn([200, '{"status":"ok"}']);
  expect(String(error)).toMatch(/does not say which/);
});

test('an address where nothing listens fails the wait', async () => {
  const { error } = await waited('http://127.0.0.1:1/health', () => 0);
  expect(String(error)).toMatch(/no answer/);
});
