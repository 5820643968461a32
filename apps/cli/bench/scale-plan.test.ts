import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { logSizes } from './log-volume.ts';
import { needOf, scarce, stackDefaults, stackLimits, stacksFor } from './scale-plan.ts';
import { eventsPerBatchMax, logTable, scaleReport, scaleTables } from './scale-report.ts';

const load = { exportsPerDay: 86_400_000, peak: 2, bytesPerExport: 1_500, changing: 0.25 };
const ledger = { isGrouped: false, timesPerChange: 3, concurrency: 16 };

test('a need is that of a second at the peak', () => {
  expect(needOf(load, ledger, 500)).toEqual({
    exportsPerSecond: 2_000,
    megabytesPerSecond: 3,
    throughputUnits: 3,
    // 350 of the 500 that each could settle.
    partitions: 6,
    tableRowsPerSecond: 1_500,
  });
  expect(needOf({ ...load, bytesPerExport: 100 }, ledger, 10_000)).toMatchObject({
    throughputUnits: 2,
    partitions: 1,
  });
});

test('stacks are as many as the scarcest part asks for', () => {
  const need = needOf(load, ledger, 500);
  const { throughputUnits, partitions } = stackLimits;
  expect(stacksFor({ ...need, throughputUnits, partitions: partitions.Standard })).toEqual({
    tier: 'Standard',
    count: 1,
    ledgerAccounts: 1,
  });
  expect(stacksFor({ ...need, throughputUnits: throughputUnits + 1 })).toMatchObject({ tier: 'Premium', count: 1 });
  expect(stacksFor({ ...need, partitions: partitions.Standard + 1 })).toMatchObject({ tier: 'Premium', count: 1 });
  expect(stacksFor({ ...need, partitions: 3 * partitions.Premium })).toMatchObject({ tier: 'Premium', count: 3 });
});

test.each([
  [11_200, 1],
  [11_201, 2],
  [31_250, 4],
  [32 * 11_200, 32],
])(
  '%d rows a second of one destination ask for %d accounts, none busy for more than seven tenths',
  (rows, accounts) => {
    const need = { ...needOf(load, ledger, 500), tableRowsPerSecond: rows };
    expect(stacksFor(need)).toEqual({ tier: 'Standard', count: 1, ledgerAccounts: accounts });
  },
);

test('the scarcest of the defaults comes first, and enough of one is not scarce', () => {
  const need = { ...needOf(load, ledger, 500), throughputUnits: 4, partitions: 6 };
  expect(scarce(need, 20)).toEqual(['logs', 'partitions']);
  expect(scarce({ ...need, partitions: 4 }, 5)).toEqual([]);
});

test('the limits and the defaults are those of the stack', async () => {
  const [schema, program, host, entity] = await Promise.all(
    [
      'infra/config-schema.ts',
      'infra/Pulumi.yaml',
      'apps/handler/host.json',
      'libs/azure-adapters/src/ledger-entity.ts',
    ].map((name) => readFile(new URL(`../../../${name}`, import.meta.url), 'utf8')),
  );
  expect(host).toContain(`"maxEventBatchSize": ${eventsPerBatchMax},`);
  // Three bits of the digest.
  expect(entity).toContain('indexOf(ofIdentity.charAt(0)) >> 3');
  expect(schema).toContain(
    `ledgerAccounts: field('1, 2, 4, 8, 16 or 32', '4', z.literal([${stackLimits.ledgerAccounts.join(', ')}]))`,
  );
  expect(schema).toContain(`throughputUnitsMax: field('a whole number from 1 to ${stackLimits.throughputUnits}'`);
  for (const [tier, partitions] of Object.entries(stackLimits.partitions))
    expect(schema).toContain(`${tier}: { partitions: ${partitions},`);
  const defaultOf = (key: string) =>
    Number(new RegExp(`\\n  ${key}:\\n(?:    .*\\n)*?    default: (.*)`).exec(program ?? '')?.[1]);
  expect(defaultOf('partitionCount')).toBe(stackDefaults.partitions);
  expect(defaultOf('throughputUnitsMax')).toBe(stackDefaults.throughputUnits);
  expect(defaultOf('logDailyQuotaGb')).toBe(stackDefaults.logGbPerDay);
  for (const key of ['ledgerAccounts', 'logLinesPerMinute', 'tracesPerMinute'] as const)
    expect(defaultOf(key)).toBe(stackDefaults[key]);
});

test('every plan holds at its peak, and the page has its tables', async () => {
  const report = scaleReport(logSizes());
  for (const { need, stacks, atPeak, logs } of report.plans) {
    // What logs take is bounded by instances and not by exports.
    expect(logs.littleGb).toBeLessThan(stackDefaults.logGbPerDay);
    expect(stacks.count).toBe(1);
    expect(atPeak.settledPerSecond * stacks.count).toBeGreaterThan(0.99 * need.exportsPerSecond);
    expect(atPeak.oldestMs.p99).toBeLessThan(1_000);
  }
  const page = await readFile(new URL('../../../docs/operating/scale.md', import.meta.url), 'utf8');
  expect(page).toContain(scaleTables(report));
  expect(page).toContain(logTable(report));
});
