import { logAlerts } from './components/alert-rules.ts';
import { metricRules } from './components/metric-rules.ts';
import priceList from './prices.json' with { type: 'json' };

/** A volume of exports, and what was assumed of it. */
export interface Volume {
  readonly title: string;
  /** Millions of exports a month. */
  readonly millions: number;
  /** Events that AEP and the trigger put into a batch; assumed. */
  readonly eventsPerBatch: number;
  readonly throughputUnits: number;
}

export const volumes: readonly Volume[] = [
  { title: '1 million', millions: 1, eventsPerBatch: 2, throughputUnits: 1 },
  { title: '30 million', millions: 30, eventsPerBatch: 10, throughputUnits: 1 },
  { title: '300 million', millions: 300, eventsPerBatch: 50, throughputUnits: 4 },
];

const hours = 730;
const secondsPerMonth = hours * 3600;
/**
 * Gigabytes of an instance, kilobytes of logs of a batch, and US dollars; where each price is from
 * stands in docs/operating/costs.md. As data, for a bench of another layer reads it too.
 */
const { memoryGb, logKbPerBatch, prices } = priceList;
const free = { gbSeconds: 100_000, executions: 250_000, logGb: 5 };
/** By frequency: the rule with one series, and each further series. */
const logAlertPrices: Readonly<Record<string, readonly [rule: number, series: number]>> = {
  PT5M: [1.5, 0.15],
  PT15M: [0.5, 0.05],
  PT30M: [0.5, 0.05],
};
/**
 * Rows read and written, measured with `npm run bench:local` (docs/benchmarks.md): as many requests
 * at most, for rows share them.
 */
export const ledgerOperationsPerExport = 2.373;
/** Of an instance: the defaults of logLinesPerMinute and tracesPerMinute. */
const [logLinesPerMinute, tracesPerMinute] = [60, 10];
/** A trace of ten spans; 50 series of metrics, which a file of three destinations has. */
const [traceKb, metricsKbPerMinute] = [8, 30];
/** `report-lag` runs every minute. */
const lagRuns = hours * 60;
/** What a dimension has: the default of partitionCount, and a file of three destinations. */
const seriesOf: Readonly<Record<string, number>> = { partition: 4, destination: 3 };

/**
 * The groups of functions that Flex scales for themselves: HTTP together, each other function
 * alone.
 */
export const functionGroups = 7;

/** What a zone-redundant app costs besides: two instances kept ready for each group, idle. */
export const zoneRedundantAppCost = round(2 * functionGroups * memoryGb * secondsPerMonth * prices.readyGbSecond);

function alertsCost(): number {
  const limits = { silenceHours: 24, lagEventsMax: 1, deadLettersPerHourMax: 1, oldestMinutesMax: 60 };
  const onLogs = logAlerts(limits).map(({ every, dimensions }) => {
    const [rule, further] = logAlertPrices[every] ?? noPrice(every);
    const series = dimensions.reduce((count, dimension) => count * (seriesOf[dimension] ?? noPrice(dimension)), 1);
    return rule + (series - 1) * further;
  });
  const onMetrics = metricRules.map(({ conditions }) => conditions.length * prices.metricSeries);
  return sum([...onLogs, ...onMetrics]);
}

function noPrice(what: string): never {
  throw new Error(`Failed to reckon the costs: there is no price for ${what}. Add it to infra/costs.ts.`);
}

/** A line of the table: what, how it is reckoned, and dollars a month for each volume. */
export interface CostLine {
  readonly what: string;
  readonly how: string;
  readonly dollars: readonly number[];
}

/** What an environment with the defaults costs a month, line by line. */
export function costLines(): readonly CostLine[] {
  const each = (dollars: (volume: Volume & { readonly batches: number }) => number): readonly number[] =>
    volumes.map((volume) => round(dollars({ ...volume, batches: (volume.millions * 1e6) / volume.eventsPerBatch })));
  const over = (amount: number, included: number): number => Math.max(0, amount - included);
  const units = volumes.map(({ throughputUnits }) => throughputUnits).join(', ');
  return [
    {
      what: 'Event Hubs, throughput units',
      how: `units × ${hours} h × $${prices.throughputUnitHour}; ${units} units`,
      dollars: each(({ throughputUnits }) => throughputUnits * hours * prices.throughputUnitHour),
    },
    {
      what: 'Event Hubs, events in',
      how: `$${prices.millionEventsIn} a million`,
      dollars: each(({ millions }) => millions * prices.millionEventsIn),
    },
    {
      what: 'Handler, time',
      how: `GB-seconds over ${free.gbSeconds.toLocaleString('en-US')} × $0.000026`,
      dollars: each(
        ({ batches }) => over(memoryGb * Math.min(batches, secondsPerMonth), free.gbSeconds) * prices.gbSecond,
      ),
    },
    {
      what: 'Handler, measuring the lag',
      how: `${lagRuns.toLocaleString('en-US')} runs of a second × ${memoryGb} GB × $0.000026`,
      dollars: each(() => lagRuns * memoryGb * prices.gbSecond),
    },
    {
      what: 'Handler, executions',
      how: `those over ${free.executions.toLocaleString('en-US')} × $${prices.millionExecutions.toFixed(2)} a million`,
      dollars: each(({ batches }) => (over(batches + lagRuns, free.executions) / 1e6) * prices.millionExecutions),
    },
    {
      what: 'Ledger',
      how: `${ledgerOperationsPerExport} operations an export × $0.00036 per 10,000`,
      dollars: each(({ millions }) => millions * 1e6 * ledgerOperationsPerExport * prices.tableOperations),
    },
    {
      what: 'Checkpoints',
      how: 'one for a batch × $0.004 per 10,000',
      dollars: each(({ batches }) => batches * prices.blobOperations),
    },
    {
      what: 'Logs',
      how: `${logKbPerBatch} KB a line and ${traceKb} KB a trace of a batch, at most ${logLinesPerMinute} and ${tracesPerMinute} a minute, ${metricsKbPerMinute} KB of metrics a minute; over ${free.logGb} GB × $${prices.logGb.toFixed(2)}`,
      dollars: each(({ batches }) => {
        const within = (perMinute: number): number => Math.min(batches, hours * 60 * perMinute);
        const kilobytes =
          within(logLinesPerMinute) * logKbPerBatch +
          within(tracesPerMinute) * traceKb +
          hours * 60 * metricsKbPerMinute;
        return over(kilobytes / 1e6, free.logGb) * prices.logGb;
      }),
    },
    { what: 'Alerts', how: alertsWords(), dollars: each(alertsCost) },
  ];
}

function alertsWords(): string {
  const limits = { silenceHours: 24, lagEventsMax: 1, deadLettersPerHourMax: 1, oldestMinutesMax: 60 };
  const often = logAlerts(limits).filter(({ every }) => every === 'PT5M').length;
  const rarer = logAlerts(limits).length - often;
  const series = metricRules.reduce((count, { conditions }) => count + conditions.length, 0);
  return `${often} every 5 minutes × $1.50, ${rarer} rarer × $0.50, further series × $0.15 and $0.05, ${series} of metrics × $0.10`;
}

/** The table of the page, in Markdown. */
export function costTable(): string {
  const lines = costLines();
  const totals = volumes.map((_, index) => sum(lines.map(({ dollars }) => dollars[index] ?? 0)));
  return [
    `| | how it is reckoned | ${volumes.map(({ title }) => title).join(' | ')} |`,
    `| --- | --- | ${volumes.map(() => '---').join(' | ')} |`,
    ...lines.map(({ what, how, dollars }) => `| ${what} | ${how} | ${dollars.map(shown).join(' | ')} |`),
    `| **Together** | | ${totals.map((dollars) => `**${shown(dollars)}**`).join(' | ')} |`,
  ].join('\n');
}

const shown = (dollars: number): string => dollars.toFixed(2);
function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
function round(dollars: number): number {
  return Math.round(dollars * 100) / 100;
}
