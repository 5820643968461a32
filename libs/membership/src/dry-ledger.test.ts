import { expect, test } from 'vitest';
import { describeLedgerContract, readable, SpoilableLedger } from '../testing/index.ts';
import { DryLedger, InMemoryLedger, note, type LedgerKey, type LedgerRecord } from './index.ts';

describeLedgerContract('a dry ledger', (same) => Promise.resolve(same ?? new DryLedger(new InMemoryLedger())));

const { signal } = new AbortController();
const keyOf = (value: string): LedgerKey => ({
  destination: 'crm',
  identity: { namespace: 'crmid', value },
  audience: { namespace: 'ups', id: 'a' },
});
const state = {
  isMember: true,
  status: 'realized',
  qualifiedAtMs: 1,
  enqueuedAtMs: 1,
  sequenceNumber: 1,
  content: '',
} as const;
const record = (row: 'noted' | 'paused'): LedgerRecord =>
  note(undefined, { state, attributes: {}, linkDigest: '' }, row, { atMs: 1, because: 'export' });

test('it reads the rows of another ledger, and what is written to it stays with it', async () => {
  const under = new InMemoryLedger();
  await under.write(
    ['p1', 'p2', 'p3'].map((value) => ({ key: keyOf(value), record: record('noted'), expected: undefined })),
    signal,
  );
  const before = await Array.fromAsync(under.rows({}, signal));
  const dry = new DryLedger(under);
  const [first, second] = await readable(dry).read([keyOf('p1'), keyOf('p2')], signal);
  expect(first?.record.rowState.is).toBe('noted');

  const written = await dry.write(
    [
      { key: keyOf('p1'), record: record('paused'), expected: first?.version },
      { key: keyOf('p2'), record: record('paused'), expected: 'another' },
      { key: keyOf('p4'), record: record('paused'), expected: undefined },
    ],
    signal,
  );
  expect(written.map((each) => each.written)).toEqual([true, false, true]);
  expect(await dry.remove(keyOf('p2'), second?.version ?? '', signal)).toBe(true);
  const rows = await Array.fromAsync(readable(dry).rows({ destination: 'crm' }, signal));
  expect(rows.map(({ key, record: of }) => `${key.identity.value} ${of.rowState.is}`).sort()).toEqual([
    'p1 paused',
    'p3 noted',
    'p4 paused',
  ]);
  expect(await dry.read([keyOf('p2')], signal)).toEqual([undefined]);
  expect(await Array.fromAsync(under.rows({}, signal))).toEqual(before);
});

test('of rows that were written to it the other ledger is not asked', async () => {
  const under = new InMemoryLedger();
  const asked: string[][] = [];
  const dry = new DryLedger({
    read: (keys, of) => {
      asked.push(keys.map(({ identity }) => identity.value));
      return under.read(keys, of);
    },
    rows: (selection, of) => under.rows(selection, of),
  });
  await dry.write([{ key: keyOf('p1'), record: record('noted'), expected: undefined }], signal);
  asked.length = 0;
  expect(await dry.read([keyOf('p1')], signal)).toMatchObject([{ record: { rowState: { is: 'noted' } } }]);
  expect(asked).toEqual([]);
  expect(await dry.read([keyOf('p2'), keyOf('p1')], signal)).toMatchObject([undefined, { version: 'dry-1' }]);
  expect(asked).toEqual([['p2']]);
});

test('a row of the other ledger that cannot be read is given as such, and takes no write', async () => {
  const under = new SpoilableLedger();
  const dry = new DryLedger(under);
  const [key, other] = [keyOf('p1'), keyOf('p2')];
  const write = { record: record('noted'), expected: undefined };
  await under.write([{ key, ...write }], signal);
  const spoiled = await under.spoil(key);
  expect(await dry.write([{ key: other, ...write }], signal)).toMatchObject([{ written: true }]);
  expect(await dry.read([key, other], signal)).toMatchObject([spoiled, { version: 'dry-1' }]);
  expect(await Array.fromAsync(dry.rows({}, signal))).toMatchObject([spoiled, { key: other }]);
  for (const expected of [undefined, '1', '2']) {
    expect(await dry.write([{ ...write, key, expected }], signal)).toEqual([{ written: false }]);
    expect(await dry.remove(key, expected ?? '', signal)).toBe(false);
  }
});
