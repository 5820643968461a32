import { expect, test } from 'vitest';
import { capacityOf } from './partition-capacity.ts';

test.each([1, 4])(
  'with the latencies of Azure, each of %d partitions tells fifteen hundred changes a second',
  async (partitions) => {
    const capacity = await capacityOf({ partitions, exports: 2_000, perSecond: Infinity });
    expect(capacity).toMatchObject({ told: 2_000 * partitions, deferred: 0 });
    expect(capacity.perSecondAndPartition).toBeGreaterThan(1_500);
    expect(capacity.tableRequestsPerChange).toBeLessThan(0.12);
  },
);

test('a thousand changes a second to each of four partitions are told within a quarter of a second', async () => {
  const capacity = await capacityOf({ partitions: 4, exports: 1_000, perSecond: 1_000 });
  expect(capacity).toMatchObject({ told: 4_000, deferred: 0 });
  expect(capacity.latencyMs.p95).toBeLessThan(250);
});

test('a vendor that answers ten times as slowly takes less, and smaller batches less than that', async () => {
  const slow = { partitions: 1, exports: 1_500, perSecond: Infinity, vendorMs: 600 };
  const { perSecondAndPartition: usual } = await capacityOf(slow);
  const { perSecondAndPartition: small } = await capacityOf({ ...slow, eventsPerBatch: 100 });
  expect(usual).toBeLessThan(600);
  expect(small).toBeLessThan(usual);
});
