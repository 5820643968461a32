import { expect, test } from 'vitest';
import { exampleRetry } from '../testing/index.ts';
import { isDue, mayBeWoken, rowsOf, type DeferredRow } from './retry-queue.ts';

const rowOf = (value: string): DeferredRow => ({
  destination: 'crm',
  identity: { namespace: 'crmid', value },
  audience: { namespace: 'ups', id: 'fans' },
});

test('the rows of a retry come with their events, one that two events brought twice, and those of the ledger alone last', () => {
  const [event] = exampleRetry().events;
  if (event === undefined) throw new Error('unreachable');
  const first = { ...event, rows: [rowOf('a'), rowOf('b')] };
  const second = { ...event, rows: [rowOf('a')] };
  expect(rowsOf({ events: [first, second], rows: [rowOf('c')] })).toStrictEqual([
    { row: rowOf('a'), from: first },
    { row: rowOf('b'), from: first },
    { row: rowOf('a'), from: second },
    { row: rowOf('c') },
  ]);
});

test('a retry may be woken from the time on that its destination has named', () => {
  const retry = exampleRetry({ notBeforeMs: 1_000 });
  expect([999, 1_000].map((nowMs) => mayBeWoken(retry, nowMs))).toEqual([false, true]);
});

test('a retry is due from its time on, and before it when no retry can wait for so long', () => {
  const retry = exampleRetry();
  const isDueIn = (inMs: number): boolean =>
    isDue({ retry, dueAtMs: 5_000 + inMs }, retry, { nowMs: 5_000, waitMaxMs: 1_000 });
  expect([0, 1, 1_000, 1_001].map(isDueIn)).toEqual([true, false, false, true]);
});
