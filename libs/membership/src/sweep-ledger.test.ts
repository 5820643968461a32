import { expect, test } from 'vitest';
import { exampleKey, exampleRecord, exampleState, SpoilableLedger } from '../testing/index.ts';
import { InMemoryLedger } from './in-memory-ledger.ts';
import type { LedgerRecord } from './ledger.ts';
import { sweepLedger } from './sweep-ledger.ts';

const { signal } = new AbortController();
const dayMs = 86_400_000;
const todayMs = Date.UTC(2026, 5, 1);
const gone = exampleState({ status: 'exited', qualifiedAtMs: todayMs - 100 * dayMs });
const olderThanMs = todayMs - 60 * dayMs;
const none = { rows: 0, names: [] };
const night = { olderThanMs, startAt: 0, hasTime: () => true, signal };

async function ledgerOf(records: readonly LedgerRecord[]): Promise<InMemoryLedger> {
  const ledger = new InMemoryLedger();
  const writes = records.map((record, n) => ({ key: exampleKey(n), record, expected: undefined }));
  await ledger.write(writes, signal);
  return ledger;
}

test('people who left long ago are forgotten, whether the destination was told or not', async () => {
  const noted: LedgerRecord = { known: gone, rowState: { is: 'noted' }, attributes: {}, inDoubt: false };
  const notFound: LedgerRecord = { ...noted, rowState: { is: 'not-found' } };
  const ledger = await ledgerOf([exampleRecord({ known: gone }), noted, notFound]);
  expect(await sweepLedger(ledger, night)).toEqual({ seen: 3, removed: 3, isWhole: true, unreadable: none });
  expect(ledger.size).toBe(0);
});

test('nights that each have time for a part of the rows come to all of them, for they begin elsewhere', async () => {
  const ledger = await ledgerOf(Array.from({ length: 40 }, () => exampleRecord({ known: gone })));
  const member = exampleRecord({ known: exampleState({ qualifiedAtMs: todayMs - 500 * dayMs }) });
  const members = Array.from({ length: 40 }, (_, n) => ({ key: exampleKey(100 + n), record: member }));
  await ledger.write(
    members.map((each) => ({ ...each, expected: undefined })),
    signal,
  );
  for (const startAt of [0.5, 0.75, 0, 0.9, 0.3]) {
    let left = 30;
    const hasTime = (): boolean => (left -= 1) >= 0;
    expect(await sweepLedger(ledger, { ...night, startAt, hasTime })).toMatchObject({ seen: 30, isWhole: false });
  }
  expect(ledger.size).toBe(members.length);
});

test('a night begins where it is told to', async () => {
  const ledger = await ledgerOf(Array.from({ length: 4 }, () => exampleRecord({ known: gone })));
  let left = 2;
  await sweepLedger(ledger, { ...night, startAt: 0.5, hasTime: () => (left -= 1) >= 0 });
  const rows = await ledger.read(
    [0, 1, 2, 3].map((n) => exampleKey(n)),
    signal,
  );
  expect(rows.map((row) => row !== undefined)).toEqual([true, true, false, false]);
});

test('rows of members stay, and those of a recent exit, in doubt, or whose state is open', async () => {
  const lately = exampleState({ status: 'exited', qualifiedAtMs: todayMs - 10 * dayMs });
  const enqueuedLately = { ...gone, enqueuedAtMs: olderThanMs };
  const member = exampleState({ qualifiedAtMs: todayMs - 500 * dayMs });
  const ledger = await ledgerOf([
    exampleRecord({ known: member }),
    exampleRecord({ known: lately }),
    exampleRecord({ known: enqueuedLately }),
    exampleRecord({ known: gone, inDoubt: true }),
    exampleRecord({ known: gone, rowState: { is: 'leased', holder: 'a', expiresAtMs: 0 } }),
    exampleRecord({ known: gone, rowState: { is: 'deferred', chainId: 'r' } }),
    exampleRecord({ known: gone, rowState: { is: 'paused' } }),
  ]);
  expect(await sweepLedger(ledger, night)).toEqual({ seen: 7, removed: 0, isWhole: true, unreadable: none });
});

test('before the row of a former identity goes, the rows that it remembers lose their digests', async () => {
  const [former, current, missing] = [0, 1, 2].map((n) => exampleKey(n));
  if (former === undefined || current === undefined || missing === undefined) throw new Error('unreachable');
  const remembering = exampleRecord({
    known: gone,
    formerOf: [current, missing].map(({ identity }) => ({ ...identity, linkDigest: 'a' })),
  });
  const ledger = await ledgerOf([remembering, exampleRecord({ linkDigest: 'a' })]);
  expect(await sweepLedger(ledger, night)).toEqual({ seen: 2, removed: 1, isWhole: true, unreadable: none });
  const [, row, missingRow] = await ledger.read([former, current, missing], signal);
  expect(row?.record).toMatchObject({ knownDigest: 'a' });
  expect(row?.record).not.toHaveProperty('linkDigest');
  expect(missingRow).toBeUndefined();
});

test('the row of a former identity stays while another process writes one that it remembers', async () => {
  const formerOf = [1, 2].map((n) => ({ ...exampleKey(n).identity, linkDigest: 'a' }));
  const linked = exampleRecord({ linkDigest: 'a' });
  const ledger = await ledgerOf([exampleRecord({ known: gone, formerOf }), linked, linked]);
  const write = ledger.write.bind(ledger);
  ledger.write = async (writes, of) => {
    ledger.write = write;
    await write([{ key: exampleKey(1), record: exampleRecord(), expected: writes[0]?.expected }], of);
    return await write(writes, of);
  };
  expect(await sweepLedger(ledger, night)).toMatchObject({ removed: 0 });
  expect(await sweepLedger(ledger, night)).toMatchObject({ removed: 1 });
});

test('of a row that remembers no one the ledger is asked nothing but to remove it', async () => {
  const ledger = await ledgerOf([exampleRecord({ known: gone }), exampleRecord({ known: gone, formerOf: [] })]);
  ledger.read = () => Promise.reject(new Error('It was read.'));
  ledger.write = () => Promise.reject(new Error('It was written.'));
  expect(await sweepLedger(ledger, night)).toEqual({ seen: 2, removed: 2, isWhole: true, unreadable: none });
});

test('a row that cannot be read stays, stops no walk, and is counted', async () => {
  const ledger = new SpoilableLedger(await ledgerOf([0, 1, 2].map(() => exampleRecord({ known: gone }))));
  const { unreadable } = await ledger.spoil(exampleKey(1));
  const swept = { seen: 3, removed: 2, isWhole: true, unreadable: { rows: 1, names: [unreadable] } };
  expect(await sweepLedger(ledger, night)).toEqual(swept);
  expect(ledger.under.size).toBe(1);
});

test('the row of a former identity stays while a row that it remembers cannot be read', async () => {
  const formerOf = [{ ...exampleKey(1).identity, linkDigest: 'a' }];
  const ledger = new SpoilableLedger(
    await ledgerOf([exampleRecord({ known: gone, formerOf }), exampleRecord({ linkDigest: 'a' })]),
  );
  await ledger.spoil(exampleKey(1));
  expect(await sweepLedger(ledger, night)).toMatchObject({ seen: 2, removed: 0 });
  ledger.mend();
  expect(await sweepLedger(ledger, night)).toMatchObject({ seen: 2, removed: 1 });
});
