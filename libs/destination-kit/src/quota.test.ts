import { expect, test } from 'vitest';
import type { HttpRequest } from './http-message.ts';
import { quotaShare, withinQuota } from './quota.ts';

const { signal } = new AbortController();
const request: HttpRequest = { method: 'GET', url: 'https://example.com/', headers: {} };

function start(share: number) {
  const clock = { nowMs: 1_000 };
  let used = '';
  let sent = 0;
  const http = {
    send: () => {
      sent += 1;
      return Promise.resolve({ status: 200, headers: { 'x-used': used }, body: '' });
    },
  };
  const quota = {
    usedShareOf: ({ headers }: { readonly headers: Readonly<Record<string, string>> }) =>
      headers['x-used'] === '' ? undefined : Number(headers['x-used']),
    what: 'the requests of a day',
    waitMs: 60_000,
  };
  const sender = withinQuota(http, share, quota, () => clock.nowMs);
  return {
    clock,
    use: (next: string) => {
      used = next;
    },
    send: () => sender.send(request, signal),
    sent: () => sent,
  };
}

test('below its share, and where an answer does not say it, everything is sent', async () => {
  const { use, send, sent } = start(0.8);
  for (const used of ['', '0.79', '']) {
    use(used);
    await send();
  }
  expect(sent()).toBe(3);
});

test('at its share nothing is sent until the time is over, and then one request finds out', async () => {
  const { clock, use, send, sent } = start(0.8);
  use('0.8');
  await send();
  const held = { class: 'throttled', notBeforeMs: 61_000, doubt: undefined };
  await expect(send()).rejects.toMatchObject(held);
  await expect(send()).rejects.toThrow('80 % of the requests of a day are used, and 80 % is all that may be');
  expect(sent()).toBe(1);
  clock.nowMs = 61_000;
  await send();
  await expect(send()).rejects.toMatchObject({ class: 'throttled', notBeforeMs: 121_000 });
  clock.nowMs = 121_000;
  use('0.1');
  await send();
  await send();
  expect(sent()).toBe(4);
});

test('the share is between nothing and all, and 90 % unless it is said', () => {
  const schema = quotaShare('the requests of a day');
  expect(schema.parse(undefined)).toBe(0.9);
  for (const share of [0, 1.01, -1]) expect(schema.safeParse(share).success).toBe(false);
});
