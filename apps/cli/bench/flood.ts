/* What a flood of one audience does to the changes of the others. */
import { parseArgs } from 'node:util';
import { tableLines } from '../src/terminal/table.ts';
import { startBenchHub, until, type BenchHub } from './bench-hub.ts';
import { ExportSource, type BenchExport } from './entries.ts';
import { limitedFlood, type LimitedFlood } from './limited-flood.ts';
import { loadLine, machineLoad } from './machine-load.ts';
import { monotonicMs } from './monotonic.ts';
import { percentiles, rounded, type Percentiles } from './statistics.ts';
import { sendSteadily } from './steady-load.ts';
import { startTimedReceiver, type TimedReceiver } from './timed-receiver.ts';

const help = `Maps an audience: AEP sends all its members at once, while other audiences go on.

  npm run bench:flood [-- --members 20000] [--partitions 4] [--pace 10] [--json]

  --members <count>   of the audience that is mapped, all of them new to its destination
  --partitions <n>    of the hub; one worker reads them all
  --pace <n>          requests a second that the destination of the members takes, with ten changes each; by default those of a webhook
  --json              prints JSON instead of a table

All the time 40 exports a second change nothing, and 20 a second are entries for a destination of their own. After ten
seconds of that the members come, as fast as the hub takes them, for another destination; then it goes on for ten seconds more.

before, during, after  milliseconds from the accepted send to the receiver that half, 95 and 99 of a hundred of the entries took
bare                   the same until a bare EventHubConsumerClient had them
ratio                  of the p95 to that of the bare consumer in the same time
flood                  members told a second, from the first send to the last that was told
memory                 MiB of the worker before the flood, and the most during it
deferred               changes that had to wait in the retry queue, each time that they had to

With a pace the last line is of the same flood in virtual time, where computing takes none.
`;

const steadySeconds = 10;
const rates = { unchanged: 40, changed: 20 };
const sampleEveryMs = 500;
const drainMs = 600_000;
const others = { key: 'others', id: 'flood-others' };
const mapped = { key: 'mapped', id: 'flood-mapped' };

interface Phase {
  readonly phase: 'before' | 'during' | 'after';
  readonly entries: number;
  readonly hub: Percentiles;
  readonly bare: Percentiles;
  readonly ratio: number;
}

interface Report {
  readonly bench: 'flood';
  readonly partitions: number;
  readonly members: number;
  readonly told: number;
  readonly toldPerSecond: number;
  readonly phases: readonly Phase[];
  readonly memoryMiB: { readonly before: number; readonly most: number };
  readonly deferred: { readonly times: number; readonly waiting: number };
}

interface Stage {
  readonly hub: BenchHub;
  /** Of the entries, and of the members of the audience that is mapped. */
  readonly receivers: { readonly others: TimedReceiver; readonly mapped: TimedReceiver };
}

async function measure({ hub, receivers }: Stage, members: number): Promise<Report> {
  const steady = new ExportSource(1, 'steady');
  const known = new ExportSource(2, 'known');
  const crowd = new ExportSource(3, 'crowd');
  const told = (people: readonly string[], { toldMs }: TimedReceiver) =>
    until(() => people.every((person) => toldMs.has(person)), drainMs);

  // Those who change nothing later must be known.
  const acquaintances = Array.from({ length: 200 }, () => known.entry(others, Date.now()));
  await hub.sendAll(acquaintances, 0);
  await told(
    acquaintances.map(({ person }) => person),
    receivers.others,
  );

  let sent = 0;
  const everyThird = (): BenchExport => {
    sent += 1;
    const isEntry = sent % ((rates.unchanged + rates.changed) / rates.changed) === 0;
    return isEntry ? steady.entry(others, Date.now()) : known.again();
  };
  const goOn = async (seconds: number): Promise<ReadonlyMap<string, number>> => {
    const accepted = await sendSteadily(hub, { rate: rates.unchanged + rates.changed, seconds, next: everyThird });
    return new Map([...accepted].filter(([person]) => person.startsWith('steady')));
  };
  await goOn(3);
  const before = await goOn(steadySeconds);
  const memoryBefore = await hub.workerMiB();

  const flood = Array.from({ length: members }, () => crowd.entry(mapped, Date.now()));
  const startedMs = monotonicMs();
  const memory = sampleMemory(hub);
  const sending = Promise.all(
    Array.from({ length: hub.partitions }, (_, partition) =>
      hub.sendAll(
        flood.filter((_member, index) => index % hub.partitions === partition),
        partition,
      ),
    ),
  );
  const during = new Map<string, number>();
  const isOver = (): boolean => flood.every(({ person }) => receivers.mapped.toldMs.has(person));
  while (!isOver() && monotonicMs() < startedMs + drainMs)
    for (const [person, ms] of await goOn(1)) during.set(person, ms);
  await sending;
  const toldMs = flood.flatMap(({ person }) => receivers.mapped.toldMs.get(person) ?? []);
  const after = await goOn(steadySeconds);
  await told([...before.keys(), ...during.keys(), ...after.keys()], receivers.others);

  const phase = (name: Phase['phase'], accepted: ReadonlyMap<string, number>): Phase => {
    const latencies = (at: (person: string) => number | undefined): Percentiles =>
      percentiles([...accepted].map(([person, ms]) => Math.max(0, (at(person) ?? Infinity) - ms)));
    const ofHub = latencies((person) => receivers.others.toldMs.get(person));
    const bare = latencies((person) => hub.bare.get(person)?.atMs);
    return { phase: name, entries: accepted.size, hub: ofHub, bare, ratio: rounded(ofHub.p95 / bare.p95, 1) };
  };
  return {
    bench: 'flood',
    partitions: hub.partitions,
    members,
    told: toldMs.length,
    toldPerSecond: rounded(toldMs.length / ((Math.max(...toldMs) - startedMs) / 1_000)),
    phases: [phase('before', before), phase('during', during), phase('after', after)],
    memoryMiB: { before: rounded(memoryBefore), most: rounded(await memory.most()) },
    deferred: hub.deferred(),
  };
}

/** Looks at the worker's memory until it is asked for the most. */
function sampleMemory(hub: BenchHub) {
  let most = 0;
  const look = async (): Promise<void> => {
    most = Math.max(most, await hub.workerMiB());
  };
  const timer = setInterval(() => void look(), sampleEveryMs);
  return {
    async most(): Promise<number> {
      clearInterval(timer);
      await look();
      return most;
    },
  };
}

function table({ phases, members, told, toldPerSecond, memoryMiB, deferred }: Report): string {
  const shown = ({ p50, p95, p99 }: Percentiles) => `${[p50, p95, p99].map((ms) => ms.toFixed(0)).join(' / ')} ms`;
  const lines = tableLines([
    ['', 'entries', 'bare p50 / p95 / p99', 'hub p50 / p95 / p99', 'ratio'],
    ...phases.map(({ phase, entries, hub, bare, ratio }) => [
      phase,
      String(entries),
      shown(bare),
      shown(hub),
      ratio.toFixed(1),
    ]),
  ]);
  return [
    ...lines,
    `flood     ${told} of ${members} members told, ${toldPerSecond} a second`,
    `memory    ${memoryMiB.before} MiB before, ${memoryMiB.most} at most`,
    `deferred  ${deferred.times} times, ${deferred.waiting} still wait`,
    '',
  ].join('\n');
}

const pacedChanges = 10;

function virtualLine(flood: LimitedFlood | undefined): string {
  if (flood === undefined) return '';
  const { others: waited, toldPerSecond, deferred, retries } = flood;
  const seconds = [waited.p50, waited.p95, waited.p99].map((ms) => (ms / 1_000).toFixed(2)).join(' / ');
  return `virtual   ${toldPerSecond.toFixed(0)} told a second, the others after ${seconds} s, deferred ${deferred} times in ${retries} retries\n`;
}

function activationFile(
  urls: { readonly others: string; readonly mapped: string },
  requestsPerSecond: number | undefined,
): string {
  const mailing =
    requestsPerSecond === undefined
      ? `settings: { url: ${urls.mapped} }`
      : `settings: { url: ${urls.mapped}, batchSize: ${pacedChanges} }, limits: { requestsPerSecond: ${requestsPerSecond} }`;
  return `version: 1
destinations:
  crm: { type: webhook, settings: { url: ${urls.others} } }
  mailing: { type: webhook, ${mailing} }
audiences:
  others: { id: ${others.id}, activate: [{ destination: crm, identity: crmid }] }
  mapped: { id: ${mapped.id}, activate: [{ destination: mailing, identity: crmid }] }
`;
}

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '20000' },
    partitions: { type: 'string', default: '4' },
    pace: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) process.stdout.write(help);
else {
  const load = machineLoad();
  const receivers = { others: await startTimedReceiver(), mapped: await startTimedReceiver() };
  const pace = values.pace === undefined ? undefined : Number(values.pace);
  const urls = { others: receivers.others.url, mapped: receivers.mapped.url };
  const hub = await startBenchHub({
    partitions: Number(values.partitions),
    activationFile: activationFile(urls, pace),
    seed: 1,
  });
  try {
    const report = await measure({ hub, receivers }, Number(values.members));
    const { partitions, members } = report;
    const virtual =
      pace === undefined
        ? undefined
        : await limitedFlood({ partitions, members, changesPerRequest: pacedChanges, requestsPerSecond: pace });
    process.stdout.write(
      values.json === true
        ? `${JSON.stringify({ ...report, virtual, ...load })}\n`
        : table(report) + virtualLine(virtual) + loadLine(load),
    );
  } finally {
    await hub.stop();
    for (const receiver of Object.values(receivers)) await receiver.stop();
  }
}
