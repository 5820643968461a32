import { seededRandom } from '@activation-hub/audience-events/testing';
import { usualDelaysMs } from './delays.ts';
import { logVolume, type LogSizes, type LogVolume } from './log-volume.ts';
import {
  needOf,
  scarce,
  stackDefaults,
  stackLimits,
  stacksFor,
  type Stacks,
  type LedgerUse,
  type Load,
  type Need,
} from './scale-plan.ts';
import { simulateHub, type SimulatedHub, type SimulatedRun } from './simulated-hub.ts';
import { rounded } from './statistics.ts';

/** What is assumed of the exports; docs/operating/scale.md says why. */
const assumed: Omit<Load, 'exportsPerDay'> = { peak: 3, bytesPerExport: 2_000, changing: 0.3 };
const volumes = [1e6, 1e8, 1e9] as const;
const titles: Readonly<Record<number, string>> = { 1e6: '1 million', 1e8: '100 million', 1e9: '1 billion' };

/** Each row in requests of its own, and rows of a bucket that share transactions. */
const ledgers = {
  alone: { isGrouped: false, timesPerChange: 3, concurrency: 16 },
  grouped: { isGrouped: true, timesPerChange: 3, concurrency: 16 },
} as const satisfies Readonly<Record<string, LedgerUse>>;
export type LedgerName = keyof typeof ledgers;

/** `maxEventBatchSize` of host.json. */
export const eventsPerBatchMax = 300;
/**
 * The journey settles about 20,000 typical exports a second (`npm run bench`); requests and logs
 * cost as much again.
 */
const computeMsPerExport = 0.1;
const playedSeconds = 60;

interface Plan {
  readonly volume: number;
  readonly ledger: LedgerName;
  readonly need: Need;
  readonly logs: LogVolume;
  /** What the defaults of a stack have too little of, the scarcest first. */
  readonly scarce: readonly string[];
  readonly stacks: Stacks;
  /** Of each stack. */
  readonly partitions: number;
  readonly atPeak: SimulatedRun;
}

export interface ScaleReport {
  /** Exports a second of a partition that is always at work. */
  readonly capacity: Readonly<Record<LedgerName, number>>;
  readonly plans: readonly Plan[];
}

const ledgerNames = Object.keys(ledgers) as readonly LedgerName[];

export function scaleReport(sizes: LogSizes): ScaleReport {
  const capacity = { alone: capacityOf('alone'), grouped: capacityOf('grouped') };
  const plans = volumes.flatMap((volume) =>
    ledgerNames.map((ledger): Plan => {
      const need = needOf({ ...assumed, exportsPerDay: volume }, ledgers[ledger], capacity[ledger]);
      const stacks = stacksFor(need);
      const partitions = Math.max(stackDefaults.partitions, Math.ceil(need.partitions / stacks.count));
      const play = (exportsPerSecond: number): SimulatedRun =>
        simulateHub(hubOf(ledger, partitions, stacks.ledgerAccounts), {
          exportsPerSecond: exportsPerSecond / stacks.count,
          seconds: playedSeconds,
        });
      const { eventsPerBatch: usualBatch } = play(volume / 86_400);
      // At the mean of the day, which has smaller batches than the peak.
      const logs = logVolume({ batches: volume / usualBatch, instances: partitions * stacks.count }, sizes);
      const atPeak = play(need.exportsPerSecond);
      return { volume, ledger, need, logs, scarce: scarce(need, logs.usualGb), stacks, partitions, atPeak };
    }),
  );
  return { capacity, plans };
}

/** More comes than it can take. */
function capacityOf(ledger: LedgerName): number {
  return simulateHub(hubOf(ledger, 1, 1), { exportsPerSecond: 100_000, seconds: playedSeconds }).settledPerSecond;
}

function hubOf(ledger: LedgerName, partitions: number, ledgerAccounts: number): SimulatedHub {
  return {
    partitions,
    eventsPerBatch: eventsPerBatchMax,
    ledger: ledgers[ledger],
    ledgerAccounts,
    changing: assumed.changing,
    vendor: { changesPerRequest: 100, concurrency: 8 },
    delaysMs: usualDelaysMs,
    computeMsPerExport,
    tableRequestsPerSecond: stackLimits.tableRequestsPerSecond,
    random: seededRandom(1),
  };
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const ledgerWords: Readonly<Record<LedgerName, string>> = {
  alone: 'each row alone',
  grouped: 'a bucket’s rows together',
};

/** The tables of the page, in Markdown. */
export function scaleTables({ capacity, plans }: ScaleReport): string {
  const titled = ({ volume, ledger }: Plan): string => `${titles[volume] ?? ''}, ${ledgerWords[ledger]}`;
  return [
    '| exports a day | at the peak | throughput units | partitions | rows of the ledger | the defaults have too little of |',
    '| --- | --- | --- | --- | --- | --- |',
    ...plans.map((plan) => {
      const { need } = plan;
      const peak = `${whole(need.exportsPerSecond)}/s, ${rounded(need.megabytesPerSecond, 1)} MB/s`;
      const units = `${need.throughputUnits} | ${need.partitions} | ${whole(need.tableRowsPerSecond)}/s`;
      return `| ${titled(plan)} | ${peak} | ${units} | ${plan.scarce.join(', ') || 'nothing'} |`;
    }),
    '',
    `A partition that is always at work settles ${whole(capacity.alone)} exports a second with each row alone, and ${whole(capacity.grouped)} with the rows of a bucket together.`,
    '',
    '| exports a day | stacks, and their tier | partitions of each | accounts of the ledger | requests to them | settled at the peak | the oldest export of a batch waited, p50 / p95 / p99 |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...plans.map((plan) => {
      const { stacks, partitions, atPeak } = plan;
      const { p50, p95, p99 } = atPeak.oldestMs;
      const ofAll = (perSecond: number): string => `${whole(perSecond * stacks.count)}/s`;
      const ledger = `${stacks.ledgerAccounts} | ${ofAll(atPeak.tableRequestsPerSecond)}`;
      return `| ${titled(plan)} | ${stacks.count}, ${stacks.tier} | ${partitions} | ${ledger} | ${ofAll(atPeak.settledPerSecond)} | ${[p50, p95, p99].map(whole).join(' / ')} ms |`;
    }),
  ].join('\n');
}

/** What logs take, in Markdown. */
export function logTable({ plans }: ScaleReport): string {
  const ofGroups = plans.filter(({ ledger }) => ledger === 'grouped');
  const shown = (gigabytes: number, { volume }: Plan): string =>
    `${rounded(gigabytes, 2)} GB, ${rounded((gigabytes * 1_000) / (volume / 1e6), 1)} MB`;
  return [
    '| exports a day | a line and three of the host for each batch | 60 lines and 10 traces a minute, the defaults | 6 lines and 1 trace a minute |',
    '| --- | --- | --- | --- |',
    ...ofGroups.map((plan) => {
      const { withoutBudgetGb, usualGb, littleGb } = plan.logs;
      return `| ${titles[plan.volume] ?? ''} | ${[withoutBudgetGb, usualGb, littleGb].map((each) => shown(each, plan)).join(' | ')} |`;
    }),
  ].join('\n');
}
