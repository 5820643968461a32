/*
 * What the hub would do in Azure: the same hub, with the times that Azure's storage and a vendor
 * take.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '@activation-hub/audience-events/testing';
import { tableLines } from '../src/terminal/table.ts';
import { startBenchHub, until, type BenchHub } from './bench-hub.ts';
import { costOfMillion, readPrices, type CostOfMillion, type Prices, type Usage } from './cost-of-changes.ts';
import { jittered, usualDelaysMs } from './delays.ts';
import { ExportSource, type BenchExport } from './entries.ts';
import { loadLine, machineLoad } from './machine-load.ts';
import { monotonicMs } from './monotonic.ts';
import { capacityOf, type Capacity } from './partition-capacity.ts';
import { watchProcessors } from './processor-time.ts';
import { percentiles, rounded, type Percentiles } from './statistics.ts';
import { sendSteadily } from './steady-load.ts';
import { startTimedReceiver, type TimedReceiver } from './timed-receiver.ts';

const help = `Predicts what the hub does in Azure: every request to the storage and to the vendor takes as long as there.

  npm run bench:azure [-- --partitions 1,4,16] [--rate 20] [--exports 4000] [--json]

  --partitions <list>  of the hub, one run after the other; one worker reads them all
  --rate <count>       entries a second that are sent to each partition at first, for ten seconds
  --exports <count>    entries sent at once to each partition; at most 8,000 together
  --json               prints JSON instead of a table

A request to the storage takes ${usualDelaysMs.storage} ms more, one to the vendor ${usualDelaysMs.vendor} ms, with jitter out of a seeded generator. First
entries are sent one by one, then the others at once.

p50, p95, p99  milliseconds from the accepted send to the vendor, of those sent one by one
ratio          of the p95 to that of a bare EventHubConsumerClient, over the same events
told           changes a second, from the send until the vendor has heard of all that were sent at once
requests       to the table for a change, of those sent one by one and of those at once
worker         seconds of processors that the worker takes for a million changes sent at once
busy           how much of this machine's processors was at work meanwhile, by whatever runs on it
a million      what a million changes cost so, in US dollars, by infra/costs.ts and one instance; of it the ledger

Where the processors are busy, this machine is what limits. The second table has the same requests in virtual time, where computing
takes none: the real journey, over a ledger in memory whose requests take as long.
`;

const steadySeconds = 10;
const firstExports = 100;
const burstMax = 8_000;
const virtualExports = 2_000;
const drainMs = 300_000;
const audience = { key: 'entered', id: 'azure-1' };

interface Row {
  readonly partitions: number;
  readonly steady: Percentiles;
  readonly bare: Percentiles;
  readonly ratio: number;
  readonly sent: number;
  readonly told: number;
  readonly toldPerSecond: number;
  readonly toldPerSecondAndPartition: number;
  readonly tableRequestsPerChange: { readonly oneByOne: number; readonly atOnce: number };
  readonly workerSecondsPerMillion: number;
  readonly busy: number;
  readonly virtual: { readonly atOnce: Capacity; readonly steady: Capacity };
  readonly dollarsPerMillion: CostOfMillion;
}

async function measure(partitions: number, rate: number, perPartition: number, prices: Prices): Promise<Row> {
  const random = seededRandom(partitions);
  const receiver = await startTimedReceiver(() => jittered(usualDelaysMs.vendor, random));
  const activationFile = `version: 1
destinations:
  vendor: { type: webhook, settings: { url: ${receiver.url} } }
audiences:
  entered: { id: ${audience.id}, activate: [{ destination: vendor, identity: crmid }] }
`;
  const hub = await startBenchHub({
    partitions,
    activationFile,
    storageDelayMs: usualDelaysMs.storage,
    seed: partitions,
  });
  const source = new ExportSource(partitions, `azure${partitions}`);
  const next = () => source.entry(audience, Date.now());
  try {
    const { told, bare, tableRequestsPerChange } = await sendOneByOne(hub, receiver, rate, next);
    const workerBefore = await hub.workerSeconds();
    const busy = watchProcessors();
    const usage = await sendAtOnce(hub, receiver, next, Math.min(perPartition, Math.floor(burstMax / partitions)));
    const isBusy = busy();
    const workerSeconds = (await hub.workerSeconds()) - workerBefore;
    return {
      partitions,
      steady: told,
      bare,
      ratio: rounded(told.p95 / bare.p95, 1),
      sent: usage.exports,
      told: usage.changes,
      toldPerSecond: rounded(usage.changes / usage.seconds),
      toldPerSecondAndPartition: rounded(usage.changes / usage.seconds / partitions),
      tableRequestsPerChange: {
        oneByOne: tableRequestsPerChange,
        atOnce: rounded(usage.requests.table / usage.changes, 2),
      },
      workerSecondsPerMillion: rounded((workerSeconds / usage.changes) * 1e6),
      busy: rounded(isBusy, 2),
      virtual: {
        atOnce: await capacityOf({ partitions, exports: virtualExports, perSecond: Infinity }),
        steady: await capacityOf({ partitions, exports: virtualExports, perSecond: 1_000 }),
      },
      dollarsPerMillion: costOfMillion(usage, prices),
    };
  } finally {
    await hub.stop();
    await receiver.stop();
  }
}

/** What entries take that are sent one by one, by the vendor and by the bare consumer. */
async function sendOneByOne(
  hub: BenchHub,
  receiver: TimedReceiver,
  ratePerPartition: number,
  next: () => BenchExport,
): Promise<{ readonly told: Percentiles; readonly bare: Percentiles; readonly tableRequestsPerChange: number }> {
  const rate = ratePerPartition * hub.partitions;
  // The first changes open connections, and show that most people are new: they are not counted.
  const first = Array.from({ length: hub.partitions }, () => Array.from({ length: firstExports }, next));
  await Promise.all(first.map((exports, partition) => hub.sendAll(exports, partition)));
  await untilSettled(
    hub,
    receiver,
    first.flat().map(({ person }) => person),
  );
  const before = await hub.storageRequests();
  const acceptedMs = await sendSteadily(hub, { rate, seconds: steadySeconds, next });
  await untilSettled(hub, receiver, [...acceptedMs.keys()]);
  const after = await hub.storageRequests();
  const latencies = (at: (person: string) => number | undefined): Percentiles =>
    percentiles([...acceptedMs].map(([person, ms]) => Math.max(0, (at(person) ?? Infinity) - ms)));
  return {
    told: latencies((person) => receiver.toldMs.get(person)),
    bare: latencies((person) => hub.bare.get(person)?.atMs),
    tableRequestsPerChange: rounded((after.table - before.table) / acceptedMs.size, 2),
  };
}

/** What it takes to tell the vendor of entries that come to every partition at once. */
async function sendAtOnce(
  hub: BenchHub,
  receiver: TimedReceiver,
  next: () => BenchExport,
  count: number,
): Promise<Usage> {
  const burst = Array.from({ length: hub.partitions }, () => Array.from({ length: count }, next));
  const people = burst.flat().map(({ person }) => person);
  const batchesBefore = hub.batches.length;
  const before = await hub.storageRequests();
  const startedMs = monotonicMs();
  await Promise.all(burst.map((exports, partition) => hub.sendAll(exports, partition)));
  await untilSettled(hub, receiver, people);
  const toldMs = people.flatMap((person) => receiver.toldMs.get(person) ?? []);
  const after = await hub.storageRequests();
  return {
    changes: toldMs.length,
    exports: people.length,
    batches: hub.batches.length - batchesBefore,
    seconds: (Math.max(...toldMs) - startedMs) / 1_000,
    requests: {
      blob: after.blob - before.blob,
      queue: after.queue - before.queue,
      table: after.table - before.table,
    },
  };
}

/** Until the vendor has heard of these people, and the hub has written that it has. */
async function untilSettled(hub: BenchHub, { toldMs }: TimedReceiver, people: readonly string[]): Promise<void> {
  await until(() => people.every((person) => toldMs.has(person)), drainMs);
  await until(() => people.every((person) => hub.isSettled(person)), drainMs);
}

function shown({ p50, p95, p99 }: Percentiles): string {
  return `${[p50, p95, p99].map((ms) => ms.toFixed(0)).join(' / ')} ms`;
}

function table(rows: readonly Row[]): string {
  const lines = tableLines([
    [
      'partitions',
      'bare p50 / p95 / p99',
      'hub p50 / p95 / p99',
      'ratio',
      'told a second',
      'and partition',
      'requests',
      'worker',
      'busy',
      'a million',
      'of it the ledger',
    ],
    ...rows.map((row) => [
      String(row.partitions),
      shown(row.bare),
      shown(row.steady),
      row.ratio.toFixed(1),
      `${row.toldPerSecond}${row.told === row.sent ? '' : ` (${row.told} of ${row.sent})`}`,
      String(row.toldPerSecondAndPartition),
      [row.tableRequestsPerChange.oneByOne, row.tableRequestsPerChange.atOnce]
        .map((count) => count.toFixed(2))
        .join(' / '),
      `${row.workerSecondsPerMillion} s`,
      `${Math.round(row.busy * 100)} %`,
      `$${row.dollarsPerMillion.together.toFixed(2)}`,
      `$${row.dollarsPerMillion.ledger.toFixed(2)}`,
    ]),
  ]);
  return `${lines.join('\n')}\n\n${virtualTable(rows)}`;
}

function virtualTable(rows: readonly Row[]): string {
  const lines = tableLines([
    ['in virtual time', 'told a second and partition', 'requests', 'p50 / p95 / p99 at 1,000 a second and partition'],
    ...rows.map(({ partitions, virtual: { atOnce, steady: even } }) => [
      String(partitions),
      atOnce.perSecondAndPartition.toFixed(0),
      atOnce.tableRequestsPerChange.toFixed(2),
      shown(even.latencyMs),
    ]),
  ]);
  return `${lines.join('\n')}\n`;
}

const { values } = parseArgs({
  options: {
    partitions: { type: 'string', default: '1,4,16' },
    rate: { type: 'string', default: '20' },
    exports: { type: 'string', default: '4000' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) process.stdout.write(help);
else {
  const load = machineLoad();
  const prices = await readPrices();
  const rows: Row[] = [];
  for (const partitions of values.partitions.split(',').map(Number))
    rows.push(await measure(partitions, Number(values.rate), Number(values.exports), prices));
  process.stdout.write(
    values.json === true ? `${JSON.stringify({ bench: 'azure', ...load, rows })}\n` : table(rows) + loadLine(load),
  );
}
