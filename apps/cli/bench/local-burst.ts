/**
 * The burst: many exports at once, each the entry of another person, through `activation local` as
 * a user would run it, to a receiver of our own; and a bare consumer of the official SDK over the
 * same events on the same emulator, in the same run.
 *
 *   npm run bench:local -- burst [--exports 20000] [--partitions 4] [--json]
 *
 * Prints a table (or one JSON object): changes a second from the first send to the last change
 * told, the ratio to the bare consumer, CPU seconds of every process for a million changes, and
 * requests to the ledger's table for each change. Exits with 1 when a change is missing or told
 * twice. Reads CPU times from /proc, so it needs Linux.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { earliestEventPosition, EventHubConsumerClient } from '@azure/event-hubs';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import { openEventSender } from '../src/traffic/event-sender.ts';
import { tableLines } from '../src/terminal/table.ts';
import { startLocal, type ReadyLocal } from './local-process.ts';
import { processorSeconds } from './processor-time.ts';
import { startRecordingReceiver } from './recording-receiver.ts';
import { countingEnvironment, tableRequests } from './table-requests.ts';

const { values } = parseArgs({
  options: {
    exports: { type: 'string', default: '20000' },
    partitions: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const exportCount = Number(values.exports);
const partitions = Number(values.partitions);
const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
const giveUp = AbortSignal.timeout(15 * 60_000);

const folder = await mkdtemp(join(tmpdir(), 'activation-burst-'));
const receiver = await startRecordingReceiver();
const activations = join(folder, 'burst.yaml');
await writeFile(activations, activationFile(receiver.url));
const local = startLocal(activations, { partitions, environment: countingEnvironment(folder) });
let isStopped = false;
try {
  const report = await measure();
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : shown(report));
  process.exitCode = report.ok ? 0 : 1;
} finally {
  await stopLocal();
  await receiver.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure() {
  const ready = await local.ready;
  const processes = await processesOf(ready);
  const before = await cpuSeconds(processes);
  const bareBeside = startBareConsumer(ready);
  const startedAtMs = performance.now();
  const sentAfterMs = await sendEntries(ready, startedAtMs);
  while (!giveUp.aborted && receiver.counts().changes < exportCount) await sleep(10);
  const toldAfterMs = performance.now() - startedAtMs;
  while (!giveUp.aborted && (local.settled() < exportCount || local.waiting() > 0)) await sleep(20);
  const after = await cpuSeconds(processes);
  const besideAfterMs = (await bareBeside) - startedAtMs;
  const aloneFromMs = performance.now();
  const aloneAfterMs = (await startBareConsumer(ready)) - aloneFromMs;
  await stopLocal();

  const { requests, changes, outOfOrder } = receiver.counts();
  const told = (exportCount / toldAfterMs) * 1000;
  const bare = (exportCount / besideAfterMs) * 1000;
  const alone = (exportCount / aloneAfterMs) * 1000;
  const table = await tableRequests(folder, ready);
  return {
    bench: 'local-burst',
    ok: changes === exportCount && receiver.members.size === exportCount && outOfOrder === 0,
    exports: exportCount,
    partitions,
    sentPerSecond: Math.round((exportCount / sentAfterMs) * 1000),
    changesPerSecond: Math.round(told),
    bareEventsPerSecond: Math.round(bare),
    ratioToBare: rounded(told / bare),
    bareAloneEventsPerSecond: Math.round(alone),
    deferred: local.deferred(),
    requestsToReceiver: requests,
    storageRequestsPerChange: rounded(table.all / exportCount),
    storageRequests: table,
    rowsReadPerChange: rounded(local.ledgerReads() / exportCount),
    rowsWrittenPerChange: rounded(local.ledgerWrites() / exportCount),
    cpuSecondsPerMillionChanges: Object.fromEntries(
      [...after].map(([name, seconds]) => [
        name,
        Math.round(((seconds - (before.get(name) ?? 0)) / exportCount) * 1_000_000),
      ]),
    ),
  };
}

async function sendEntries(ready: ReadyLocal, startedAtMs: number): Promise<number> {
  const sender = openEventSender(ready.connectionString, ready.eventHubName);
  const qualifiedAtMs = Math.floor(Date.now() / 1000) * 1000;
  const bodies = Array.from({ length: exportCount }, (_, person) =>
    encodeProfileExport(
      buildProfileExport({
        attributes: { 'homeAddress.city': 'Basel', 'person.name.firstName': 'Ada' },
        memberships: [{ audienceId, qualifiedAtMs }],
        identities: { crmid: [`person-${person}`] },
      }),
    ),
  );
  for (let from = 0; from < bodies.length; from += 500) await sender.send(bodies.slice(from, from + 500));
  const sentAfterMs = performance.now() - startedAtMs;
  await sender.close();
  return sentAfterMs;
}

/**
 * A consumer of the official SDK that does nothing. Gives the time (`performance.now`) of the last
 * event.
 */
async function startBareConsumer({ connectionString, eventHubName }: ReadyLocal): Promise<number> {
  const group = EventHubConsumerClient.defaultConsumerGroupName;
  const consumer = new EventHubConsumerClient(group, connectionString, eventHubName);
  let received = 0;
  const { promise: all, resolve, reject } = Promise.withResolvers<number>();
  const subscription = consumer.subscribe(
    {
      processEvents: (events) => {
        received += events.length;
        if (received >= exportCount) resolve(performance.now());
        return Promise.resolve();
      },
      processError: (error) => {
        reject(error);
        return Promise.resolve();
      },
    },
    { startPosition: earliestEventPosition, maxBatchSize: 100 },
  );
  const endedAtMs = await all;
  await subscription.close();
  await consumer.close();
  return endedAtMs;
}

async function stopLocal(): Promise<void> {
  if (isStopped) return;
  isStopped = true;
  local.child.kill('SIGTERM');
  await once(local.child, 'close');
}

/** Process ids by what they do. */
async function processesOf({ processIds }: ReadyLocal): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await promisify(execFile)('ps', ['-e', '-o', 'pid=,ppid=,args=']);
  const azurite = stdout.split('\n').flatMap((line) => {
    const [, pid, parent, words = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === processIds.local && words.includes('azurite') ? [Number(pid)] : [];
  });
  const handler = processIds.workers.map((id): [string, number] => ['handler', id]);
  return new Map([
    ['hub and host', processIds.local],
    ...handler,
    ...azurite.map((id): [string, number] => ['azurite', id]),
    ['sender and receiver', process.pid],
  ]);
}

async function cpuSeconds(processes: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, number>> {
  const seconds = new Map<string, number>();
  for (const [name, id] of processes) seconds.set(name, await processorSeconds(id));
  return seconds;
}

function shown(report: Awaited<ReturnType<typeof measure>>): string {
  const { storageRequests: asked, cpuSecondsPerMillionChanges: cpu } = report;
  const rows = [
    ['told', `${report.changesPerSecond} changes/s of ${report.exports} exports over ${report.partitions} partitions`],
    [
      'bare consumer',
      `${report.bareEventsPerSecond} events/s beside it, ratio ${report.ratioToBare}; ${report.bareAloneEventsPerSecond} events/s alone afterwards`,
    ],
    [
      'storage requests',
      `${report.storageRequestsPerChange} a change: ${asked.reads} reads, ${asked.transactions} transactions, ${asked.singleWrites} writes alone`,
    ],
    ['ledger rows', `${report.rowsReadPerChange} read and ${report.rowsWrittenPerChange} written a change`],
    ['receiver', `${report.requestsToReceiver} requests; ${report.deferred} changes deferred on the way`],
    ...Object.entries(cpu).map(([name, seconds]) => [name, `${seconds} CPU seconds per million changes`]),
    ['result', report.ok ? 'every change told once' : 'WRONG: changes are missing, or were told twice'],
  ];
  return `${tableLines(rows).join('\n')}\n`;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function activationFile(url: string): string {
  return `version: 1
destinations:
  receiver: { type: webhook, settings: { url: ${url} } }
audiences:
  sports-fans:
    id: ${audienceId}
    activate: [{ destination: receiver, identity: [crmid], attributes: { city: homeAddress.city } }]
`;
}
