import { expect, test } from 'vitest';
import { exampleKey, exampleRecord, exampleState } from '../testing/index.ts';
import { InMemoryLedger } from './in-memory-ledger.ts';
import type { LedgerRecord } from './ledger.ts';
import { sweepLedger } from './sweep-ledger.ts';

const { signal } = new AbortController();
const dayMs = 86_400_000;
const todayMs = Date.UTC(2026, 5, 1);
const gone = exampleState({ status: 'exited', qualifiedAtMs: todayMs - 100 * dayMs });
const olderThanMs = todayMs - 60 * dayMs;

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
  expect(await sweepLedger(ledger, { olderThanMs, signal })).toEqual({ seen: 3, removed: 3 });
  expect(ledger.size).toBe(0);
});

test('members stay, and whoever left lately, is in doubt, or is being told', async () => {
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
  expect(await sweepLedger(ledger, { olderThanMs, signal })).toEqual({ seen: 7, removed: 0 });
});
