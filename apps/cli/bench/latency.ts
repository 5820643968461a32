/*
 * How long a change takes from AEP to the third party, beside a consumer that does nothing with it.
 */
import { parseArgs } from 'node:util';
import { tableLines } from '../src/terminal/table.ts';
import { startBenchHub, until, type BenchHub } from './bench-hub.ts';
import { ExportSource } from './entries.ts';
import { loadLine, machineLoad } from './machine-load.ts';
import { percentiles, rounded, type Percentiles } from './statistics.ts';
import { sendSteadily } from './steady-load.ts';
import { latencyMs, stageMeans, type Journey, type StageShares } from './timeline.ts';
import { startTimedReceiver, type TimedReceiver } from './timed-receiver.ts';

const help = `Measures how long an entry takes from the send that the hub accepted to the receiver of a webhook, through
Event Hubs, host, function app and ledger on this machine, beside a bare EventHubConsumerClient that reads the same events.

  npm run bench:latency [-- --rates 50,200,1000] [--seconds 15] [--partitions 4] [--json]

  --rates <list>      entries per second, one run after the other
  --seconds <count>   how long each is measured, after three seconds that are not
  --partitions <n>    of the hub; one worker reads them all
  --json              prints JSON instead of a table

p50, p95, p99  milliseconds that half, 95 and 99 of a hundred entries took at the most
ratio          of the p95 to that of the bare consumer, over the same events
requests       to the receiver, a second; a webhook is sent 100 at the most, and then waits for its turn
behind         milliseconds, on average, that the batch before of the same partition was at work
reading        that no batch had it and none was at work: hub, SDK and checkpoint
telling        that its batch was at work: ledger and request
slowest        the same of the slowest twentieth, which make the p95
`;

const warmUpSeconds = 3;
const drainMs = 120_000;
const audience = { key: 'entered', id: 'latency-1' };

interface Row {
  readonly rate: number;
  readonly sent: number;
  readonly told: number;
  readonly bare: Percentiles;
  readonly hub: Percentiles;
  readonly ratio: number;
  readonly requestsPerSecond: number;
  readonly stages: { readonly all: StageShares; readonly slowest: StageShares };
}

async function measure(hub: BenchHub, receiver: TimedReceiver, rate: number, seconds: number): Promise<Row> {
  const source = new ExportSource(rate, `p${rate}`);
  const next = () => source.entry(audience, Date.now());
  await sendSteadily(hub, { rate, seconds: warmUpSeconds, next });
  const requestsBefore = receiver.counts().requests;
  const acceptedMs = await sendSteadily(hub, { rate, seconds, next });
  const requests = receiver.counts().requests - requestsBefore;
  await until(() => [...acceptedMs.keys()].every((person) => receiver.toldMs.has(person)), drainMs);
  const journeys = [...acceptedMs].flatMap(([person, at]): Journey[] => {
    const bare = hub.bare.get(person);
    const toldMs = receiver.toldMs.get(person);
    return bare === undefined || toldMs === undefined ? [] : [{ acceptedMs: at, bare, toldMs }];
  });
  // A batch is known when it has returned, which is after the last change in it was told.
  await until(() => stageMeans(journeys.slice(-1), hub.batches).all.telling >= 0, drainMs);
  const bare = percentiles(journeys.map(({ acceptedMs: at, bare: { atMs } }) => Math.max(0, atMs - at)));
  const told = percentiles(journeys.map(latencyMs));
  return {
    rate,
    sent: acceptedMs.size,
    told: journeys.length,
    bare,
    hub: told,
    ratio: rounded(told.p95 / bare.p95, 1),
    requestsPerSecond: rounded(requests / seconds),
    stages: stageMeans(journeys, hub.batches),
  };
}

function table(rows: readonly Row[]): string {
  const ms = (value: number) => value.toFixed(0);
  const shown = ({ p50, p95, p99 }: Percentiles) => [p50, p95, p99].map(ms).join(' / ');
  const shares = ({ behind, reading, telling }: StageShares) => [behind, reading, telling].map(ms).join(' / ');
  const lines = tableLines([
    [
      'a second',
      'told',
      'bare p50 / p95 / p99',
      'hub p50 / p95 / p99',
      'ratio',
      'requests',
      'behind / reading / telling',
      'slowest',
    ],
    ...rows.map(({ rate, sent, told, bare, hub, ratio, requestsPerSecond, stages }) => [
      String(rate),
      `${told} of ${sent}`,
      `${shown(bare)} ms`,
      `${shown(hub)} ms`,
      ratio.toFixed(1),
      `${requestsPerSecond}/s`,
      `${shares(stages.all)} ms`,
      `${shares(stages.slowest)} ms`,
    ]),
  ]);
  return `${lines.join('\n')}\n`;
}

function activationFile(url: string): string {
  return `version: 1
destinations:
  receiver: { type: webhook, settings: { url: ${url} } }
audiences:
  entered: { id: ${audience.id}, activate: [{ destination: receiver, identity: crmid }] }
`;
}

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '50,200,1000' },
    seconds: { type: 'string', default: '15' },
    partitions: { type: 'string', default: '4' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) process.stdout.write(help);
else {
  const load = machineLoad();
  const receiver = await startTimedReceiver();
  const partitions = Number(values.partitions);
  const hub = await startBenchHub({ partitions, activationFile: activationFile(receiver.url), seed: 1 });
  try {
    const rows: Row[] = [];
    for (const rate of values.rates.split(',').map(Number))
      rows.push(await measure(hub, receiver, rate, Number(values.seconds)));
    process.stdout.write(
      values.json === true
        ? `${JSON.stringify({ bench: 'latency', ...load, partitions, rows })}\n`
        : table(rows) + loadLine(load),
    );
  } finally {
    await hub.stop();
    await receiver.stop();
  }
}
