import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readPrices } from './cost-of-changes.ts';
import { needOf, scarce, stackDefaults, stackLimits, stacksFor } from './scale-plan.ts';
import { scaleReport, scaleTables } from './scale-report.ts';

const load = { exportsPerDay: 86_400_000, peak: 2, bytesPerExport: 1_500, changing: 0.25 };
const ledger = { rowsPerRequest: 1, timesPerChange: 3, concurrency: 16 };

test('a need is that of a second at the peak', () => {
  expect(needOf(load, ledger, 500)).toEqual({
    exportsPerSecond: 2_000,
    megabytesPerSecond: 3,
    throughputUnits: 3,
    // 350 of the 500 that each could settle.
    partitions: 6,
    tableRequestsPerSecond: 1_500,
  });
  expect(needOf({ ...load, bytesPerExport: 100 }, { ...ledger, rowsPerRequest: 25 }, 10_000)).toMatchObject({
    throughputUnits: 2,
    partitions: 1,
    tableRequestsPerSecond: 60,
  });
});

test('stacks are as many as the scarcest part asks for', () => {
  const need = needOf(load, ledger, 500);
  const { throughputUnits, partitions } = stackLimits;
  expect(stacksFor({ ...need, throughputUnits, partitions: partitions.Standard })).toEqual({
    tier: 'Standard',
    count: 1,
  });
  expect(stacksFor({ ...need, throughputUnits: throughputUnits + 1 })).toEqual({ tier: 'Premium', count: 1 });
  expect(stacksFor({ ...need, partitions: partitions.Standard + 1 })).toEqual({ tier: 'Premium', count: 1 });
  expect(stacksFor({ ...need, partitions: 3 * partitions.Premium })).toEqual({ tier: 'Premium', count: 3 });
  expect(stacksFor({ ...need, tableRequestsPerSecond: 20_001 })).toEqual({ tier: 'Premium', count: 2 });
});

test('the scarcest of the defaults comes first, and enough of one is not scarce', () => {
  const need = { ...needOf(load, ledger, 500), throughputUnits: 4, partitions: 6 };
  expect(scarce(need, 20)).toEqual(['logs', 'partitions']);
  expect(scarce({ ...need, partitions: 4 }, 5)).toEqual([]);
});

test('the limits and the defaults are those of the stack', async () => {
  const [schema, program] = await Promise.all(
    ['config-schema.ts', 'Pulumi.yaml'].map((name) =>
      readFile(new URL(`../../../infra/${name}`, import.meta.url), 'utf8'),
    ),
  );
  expect(schema).toContain(`throughputUnitsMax: field('a whole number from 1 to ${stackLimits.throughputUnits}'`);
  for (const [tier, partitions] of Object.entries(stackLimits.partitions))
    expect(schema).toContain(`${tier}: { partitions: ${partitions},`);
  const defaultOf = (key: string) =>
    Number(new RegExp(`\\n  ${key}:\\n(?:    .*\\n)*?    default: (.*)`).exec(program ?? '')?.[1]);
  expect(defaultOf('partitionCount')).toBe(stackDefaults.partitions);
  expect(defaultOf('throughputUnitsMax')).toBe(stackDefaults.throughputUnits);
  expect(defaultOf('logDailyQuotaGb')).toBe(stackDefaults.logGbPerDay);
});

test('every plan holds at its peak, and the page has its tables', async () => {
  const report = scaleReport((await readPrices()).logKbPerBatch);
  for (const { need, stacks, atPeak } of report.plans) {
    expect(atPeak.settledPerSecond * stacks.count).toBeGreaterThan(0.99 * need.exportsPerSecond);
    expect(atPeak.oldestMs.p99).toBeLessThan(1_000);
  }
  const page = await readFile(new URL('../../../docs/operating/scale.md', import.meta.url), 'utf8');
  expect(page).toContain(scaleTables(report));
});
