import { seededRandom } from '@activation-hub/audience-events/testing';
import { usualDelaysMs } from './delays.ts';
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

/**
 * Each row in requests of its own, as `bench:azure` counts them, and rows that share transactions.
 */
const ledgers = {
  alone: { rowsPerRequest: 1, timesPerChange: 3, concurrency: 16 },
  grouped: { rowsPerRequest: 25, timesPerChange: 3, concurrency: 16 },
} as const satisfies Readonly<Record<string, LedgerUse>>;
export type LedgerName = keyof typeof ledgers;

/** `maxEventBatchSize` of host.json. */
const eventsPerBatchMax = 100;
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
  /** At the mean of the day, which has smaller batches than the peak. */
  readonly logGbPerDay: number;
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

export function scaleReport(logKbPerBatch: number): ScaleReport {
  const capacity = { alone: capacityOf('alone'), grouped: capacityOf('grouped') };
  const plans = volumes.flatMap((volume) =>
    ledgerNames.map((ledger): Plan => {
      const need = needOf({ ...assumed, exportsPerDay: volume }, ledgers[ledger], capacity[ledger]);
      const stacks = stacksFor(need);
      const partitions = Math.max(stackDefaults.partitions, Math.ceil(need.partitions / stacks.count));
      const play = (exportsPerSecond: number): SimulatedRun =>
        simulateHub(hubOf(ledger, partitions), {
          exportsPerSecond: exportsPerSecond / stacks.count,
          seconds: playedSeconds,
        });
      const { eventsPerBatch: usualBatch } = play(volume / 86_400);
      const logGbPerDay = ((volume / usualBatch) * logKbPerBatch) / 1e6;
      const atPeak = play(need.exportsPerSecond);
      return { volume, ledger, need, logGbPerDay, scarce: scarce(need, logGbPerDay), stacks, partitions, atPeak };
    }),
  );
  return { capacity, plans };
}

/** More comes than it can take. */
function capacityOf(ledger: LedgerName): number {
  return simulateHub(hubOf(ledger, 1), { exportsPerSecond: 100_000, seconds: playedSeconds }).settledPerSecond;
}

function hubOf(ledger: LedgerName, partitions: number): SimulatedHub {
  return {
    partitions,
    eventsPerBatch: eventsPerBatchMax,
    ledger: ledgers[ledger],
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
  grouped: '25 rows in a request',
};

/** The tables of the page, in Markdown. */
export function scaleTables({ capacity, plans }: ScaleReport): string {
  const titled = ({ volume, ledger }: Plan): string => `${titles[volume] ?? ''}, ${ledgerWords[ledger]}`;
  return [
    '| exports a day | at the peak | throughput units | partitions | requests to the table | logs a day | the defaults have too little of |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...plans.map((plan) => {
      const { need, logGbPerDay } = plan;
      const peak = `${whole(need.exportsPerSecond)}/s, ${rounded(need.megabytesPerSecond, 1)} MB/s`;
      const units = `${need.throughputUnits} | ${need.partitions} | ${whole(need.tableRequestsPerSecond)}/s`;
      return `| ${titled(plan)} | ${peak} | ${units} | ${rounded(logGbPerDay, 1)} GB | ${plan.scarce.join(', ') || 'nothing'} |`;
    }),
    '',
    `A partition that is always at work settles ${whole(capacity.alone)} exports a second with each row alone, and ${whole(capacity.grouped)} with 25 rows in a request.`,
    '',
    '| exports a day | stacks, and their tier | partitions of each | settled at the peak | busy | the oldest export of a batch waited, p50 / p95 / p99 |',
    '| --- | --- | --- | --- | --- | --- |',
    ...plans.map((plan) => {
      const { stacks, partitions, atPeak } = plan;
      const { p50, p95, p99 } = atPeak.oldestMs;
      const settled = `${whole(atPeak.settledPerSecond * stacks.count)}/s | ${Math.round(atPeak.busy * 100)} %`;
      return `| ${titled(plan)} | ${stacks.count}, ${stacks.tier} | ${partitions} | ${settled} | ${[p50, p95, p99].map(whole).join(' / ')} ms |`;
    }),
  ].join('\n');
}
