import type { Observation } from '@activation-hub/activation';
import { expect, test } from 'vitest';
import { ChangeLog } from './change-log.ts';

const identity = { namespace: 'email', value: 'ada@example.com' };
const event = { partitionId: '0', sequenceNumber: 7, enqueuedAtMs: 1_000 };
const change = {
  is: 'change',
  destination: 'crm',
  audience: 'fans',
  outcome: 'delivered',
  kind: 'entered',
  changeId: 'c1',
  identity,
  event,
  atMs: 1_250,
} as const satisfies Observation;
const attempt = {
  is: 'attempt',
  destination: 'crm',
  atMs: 1_100,
  durationMs: 40,
  changes: [{ id: 'c1', kind: 'entered', audience: 'fans', identity, verdict: 'delivered' }],
  exchanges: [
    {
      request: {
        method: 'POST',
        url: 'https://crm.example.com/hooks?key=whsec_hidden',
        headers: { authorization: 'Bearer abc', 'content-type': 'application/json' },
        body: '{"signedWith":"whsec_hidden"}',
      },
      response: { status: 202, headers: { 'set-cookie': 'session=1' }, body: '{"access_token":"tok","id":5}' },
      durationMs: 39,
    },
  ],
} as const satisfies Observation;

test('a change comes with its export, with what was sent, and with the changes of the same export', () => {
  const log = new ChangeLog([]);
  log.add({ is: 'event', ...event, body: '{"a":1}' });
  log.add(attempt);
  const row = log.add(change);
  log.add({ ...change, audience: 'readers', outcome: 'unchanged', changeId: 'c2' });
  expect(row).toMatchObject({ id: 1, exportId: '0-7', httpStatus: 202, requestMs: 40, ageMs: 250 });
  const detail = log.detail(1);
  expect(detail?.export).toEqual({ id: '0-7', enqueuedAtMs: 1_000, body: '{"a":1}' });
  expect(detail?.attempts).toMatchObject([{ verdict: 'delivered', kind: 'entered', changes: 1 }]);
  expect(detail?.sameExport.map(({ audience }) => audience)).toEqual(['fans', 'readers']);
});

test('no secret is kept: neither by its value, nor in what is named like one', () => {
  const log = new ChangeLog(['whsec_hidden']);
  log.add(attempt);
  log.add(change);
  const [kept] = log.detail(1)?.attempts ?? [];
  const text = JSON.stringify(kept);
  for (const secret of ['whsec_hidden', 'Bearer abc', 'session=1', '"tok"']) expect(text).not.toContain(secret);
  expect(kept?.exchanges[0]?.answer?.body).toBe('{"access_token":"[secret]","id":5}');
});

test('the same person has the same name in all rows, which says nothing of who it is', () => {
  const log = new ChangeLog([]);
  const [first, second] = [log.add(change), log.add({ ...change, audience: 'readers' })];
  const other = log.add({ ...change, identity: { namespace: 'email', value: 'bo@example.com' } });
  expect(first?.who).toBe(second?.who);
  expect(first?.who).not.toBe(other?.who);
  expect(new ChangeLog([]).add(change)?.who).not.toBe(first?.who);
});

test('what is kept is bounded: the oldest goes, and a page that is behind is told how much it missed', () => {
  const log = new ChangeLog([]);
  for (let count = 0; count < 30_000; count += 1) log.add({ ...change, changeId: `c${count}` });
  expect(log.detail(1)).toBeUndefined();
  expect(log.detail(30_000)?.row.id).toBe(30_000);
  const { rows, leftOut } = log.after(29_000, 400);
  expect([rows.length, rows[0]?.id, rows.at(-1)?.id, leftOut]).toEqual([400, 29_601, 30_000, 600]);
});

test('a page that is a little behind is told of everything, part by part, and one that is far behind of the newest', () => {
  const log = new ChangeLog([]);
  for (let count = 0; count < 10_000; count += 1) log.add({ ...change, changeId: `c${count}` });
  const told = (id: number) => {
    const { rows, leftOut } = log.after(id, 400, 4_000);
    return [rows[0]?.id, rows.at(-1)?.id, leftOut];
  };
  expect(told(9_500)).toEqual([9_501, 9_900, 0]);
  expect(told(9_900)).toEqual([9_901, 10_000, 0]);
  expect(told(1_000)).toEqual([6_001, 6_400, 5_000]);
});

test('bodies are bounded by their size, whatever their number', () => {
  const log = new ChangeLog([]);
  const body = 'x'.repeat(1024 * 1024);
  for (let count = 0; count < 100; count += 1)
    log.add({ is: 'event', partitionId: '1', sequenceNumber: count, enqueuedAtMs: 0, body: `${count}${body}` });
  expect(log.exports(1_000).length).toBeLessThan(65);
  expect(log.exports(1)[0]?.id).toBe('1-99');
});
