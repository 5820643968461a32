import { seededRandom } from '@activation-hub/audience-events/testing';
import { expect, test } from 'vitest';
import { simulateHub, type SimulatedHub } from './simulated-hub.ts';

const hub = (over: Partial<SimulatedHub> = {}): SimulatedHub => ({
  partitions: 4,
  eventsPerBatch: 100,
  ledger: { isGrouped: false, timesPerChange: 3, concurrency: 16 },
  ledgerAccounts: 1,
  changing: 1,
  vendor: { changesPerRequest: 100, concurrency: 8 },
  delaysMs: { storage: 8, vendor: 60 },
  computeMsPerExport: 0.1,
  tableRequestsPerSecond: 20_000,
  random: seededRandom(1),
  ...over,
});
const play = (over: Partial<SimulatedHub>, exportsPerSecond: number) =>
  simulateHub(hub(over), { exportsPerSecond, seconds: 30 });

test('what comes slowly is settled at once, all but what is at work as the time ends', () => {
  const run = play({}, 40);
  expect(run.arrived).toBe(1_200);
  expect(run.settled).toBeGreaterThan(1_190);
  expect(run.eventsPerBatch).toBeLessThan(2);
  // Read, leased, told, settled, and the checkpoint: 3 × 8 + 60 + 8 and a little computing, and at
  // most as much behind another.
  expect(run.oldestMs.p50).toBeGreaterThan(80);
  expect(run.oldestMs.p95).toBeLessThan(250);
});

test('what comes faster than it can be settled waits longer and longer', () => {
  const run = play({}, 10_000);
  expect(run.busy).toBeCloseTo(1, 2);
  expect(run.eventsPerBatch).toBeGreaterThan(99);
  expect(run.settledPerSecond).toBeLessThan(5_000);
  expect(run.oldestMs.p99).toBeGreaterThan(10_000);
});

test('more partitions settle more, until the storage account is what limits', () => {
  const few = play({ partitions: 4 }, 50_000).settledPerSecond;
  const more = play({ partitions: 8 }, 50_000).settledPerSecond;
  expect(more / few).toBeCloseTo(2, 1);
  const scarce = play({ partitions: 8, tableRequestsPerSecond: 3_000 }, 50_000).settledPerSecond;
  expect(scarce).toBeLessThan(1_010);
  expect(scarce).toBeGreaterThan(900);
});

test('several accounts lift the limit of one', () => {
  const over = { partitions: 8, tableRequestsPerSecond: 3_000 };
  const one = play(over, 50_000).settledPerSecond;
  const two = play({ ...over, ledgerAccounts: 2 }, 50_000).settledPerSecond;
  expect(two / one).toBeGreaterThan(1.8);
  expect(two / one).toBeLessThan(2.01);
});

test('rows of a bucket share a request, and the more accounts there are, the fewer rows share one', () => {
  const ledger = { isGrouped: true, timesPerChange: 3, concurrency: 16 };
  const perChange = (ledgerAccounts: number): number => {
    const run = play({ ledger, ledgerAccounts }, 10_000);
    return run.tableRequestsPerSecond / run.settledPerSecond;
  };
  const alone = play({}, 10_000);
  expect(alone.tableRequestsPerSecond / alone.settledPerSecond).toBeCloseTo(3, 0);
  // A hundred rows are in all 8 buckets, and in nearly all of 32.
  expect(perChange(1)).toBeCloseTo(3 * 0.08, 1);
  expect(perChange(4)).toBeCloseTo(3 * 0.31, 1);
});

test('exports that change nothing ask for no request but the checkpoint', () => {
  const run = play({ changing: 0, tableRequestsPerSecond: 1 }, 40);
  expect(run.settled).toBeGreaterThan(1_190);
  expect(run.oldestMs.p50).toBeLessThan(12);
});

test('the same seed plays the same', () => {
  expect(play({ random: seededRandom(7) }, 900)).toEqual(play({ random: seededRandom(7) }, 900));
});
