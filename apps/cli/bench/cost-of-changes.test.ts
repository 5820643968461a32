import { expect, test } from 'vitest';
import { costOfMillion, readPrices } from './cost-of-changes.ts';

const prices = {
  memoryGb: 2,
  logKbPerBatch: 3,
  prices: {
    millionEventsIn: 1,
    gbSecond: 0.01,
    millionExecutions: 5,
    tableOperations: 0.001,
    blobOperations: 0.002,
    logGb: 4,
  },
};

test('what some changes used is reckoned for a million', () => {
  const usage = {
    changes: 1_000,
    exports: 2_000,
    batches: 50,
    seconds: 10,
    requests: { blob: 50, queue: 10, table: 300 },
  };
  const cost = costOfMillion(usage, prices);
  expect(cost.ledger).toBeCloseTo(300);
  expect(cost.otherStorage).toBeCloseTo(110);
  expect(cost.handler).toBeCloseTo(200.25);
  expect(cost.events).toBeCloseTo(2);
  expect(cost.logs).toBeCloseTo(0.6);
  expect(cost.together).toBeCloseTo(612.85);
});

test('the prices of the page about costs have all that is reckoned with', async () => {
  const { prices: list, memoryGb, logKbPerBatch } = await readPrices();
  for (const name of Object.keys(prices.prices)) expect(list, name).toHaveProperty(name, expect.any(Number));
  expect(Math.min(memoryGb, logKbPerBatch)).toBeGreaterThan(0);
});
