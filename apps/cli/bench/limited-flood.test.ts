import { expect, test } from 'vitest';
import { limitedFlood } from './limited-flood.ts';

test('of a flood that its destination takes within a minute nothing is deferred', async () => {
  const flood = await limitedFlood({ partitions: 4, members: 2_000, changesPerRequest: 10, requestsPerSecond: 10 });
  expect(flood).toMatchObject({ told: 2_000, deferred: 0 });
  expect(flood.toldPerSecond).toBeGreaterThan(90);
});

test('a flood that a slow destination takes minutes for makes the others wait for one, and is told at its pace', async () => {
  const flood = await limitedFlood({ partitions: 4, members: 12_000, changesPerRequest: 10, requestsPerSecond: 10 });
  expect(flood.told).toBe(12_000);
  expect(flood.toldPerSecond).toBeGreaterThan(85);
  expect(flood.others.p50).toBeLessThan(10_000);
  expect(flood.others.p99).toBeLessThan(75_000);
  expect(flood.deferred).toBeLessThan(12_000);
});
