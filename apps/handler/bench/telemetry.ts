/*
 * What exporting metrics and spans costs the function app under load. Run: npm run bench:telemetry
 * [-- --json]
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  buildProfileExport,
  encodeProfileExport,
  randomPerson,
  seededRandom,
} from '@activation-hub/audience-events/testing';
import { startAzurite } from '@activation-hub/azurite';
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { startFunctionsHost } from '@activation-hub/functions-host';
import { EventHubProducerClient } from '@azure/event-hubs';
import { buildHandler } from '../build.ts';

const help = `Measures what exporting metrics and spans costs the function app under load.

  npm run bench:telemetry [-- --rounds <count>] [--events <count>] [--json]

  --rounds <count>  how often the same events are played with and without, in turns; 4 by default
  --events <count>  how many events a round has, a third of them entries; the first 3000 warm the worker up; 24000 by default
  --json            prints JSON instead of a line

The ratio is the user CPU of the worker with exporting over that without, for the same events, in the same run: the median of the rounds. It runs
the built app against Azurite and our own Event Hubs, with a webhook, and exports as it does by default. The metrics of a minute, whose
sending takes some milliseconds, mostly leave after the run.
`;

/** USER_HZ of Linux is 100 wherever Node runs. */
const tickMs = 10;
const warmUpEvents = 3_000;
const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    events: { type: 'string', default: '24000' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) process.stdout.write(help);
else await measure(Number(values.rounds), Number(values.events), values.json === true);

async function measure(rounds: number, events: number, asJson: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'handler-telemetry-'));
  const taker = createServer((request, response) => request.resume().on('end', () => response.writeHead(200).end()));
  taker.listen(0, '127.0.0.1');
  await once(taker, 'listening');
  const url = `http://127.0.0.1:${(taker.address() as AddressInfo).port}`;
  try {
    const { folder: app } = await buildHandler({
      outputFolder: join(folder, 'app'),
      mapsFolder: join(folder, 'maps'),
    });
    const file = join(folder, 'file.yaml');
    await writeFile(
      file,
      `version: 1
destinations: { hook: { type: webhook, settings: { url: "${url}/changes" } } }
audiences:
  fans:
    id: ${audienceId}
    activate: [{ destination: hook, identity: [email], attributes: { firstname: person.name.firstName } }]
`,
    );
    const bodies = exportsOf(events);
    const exporting = { OTEL_EXPORTER_OTLP_ENDPOINT: url };
    const measured: { readonly withoutMs: number; readonly withMs: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const played: Record<'without' | 'with', number> = { without: 0, with: 0 };
      // In turns also as to which comes first: the machine gets warmer, or busier.
      for (const how of round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
        const settings = { ACTIVATION_FILE: file, ...(how === 'with' ? exporting : {}) };
        played[how] = await userCpuMs(app, bodies, settings);
      }
      measured.push({ withoutMs: played.without, withMs: played.with });
    }
    const ratio = Number(median(measured.map(({ withMs, withoutMs }) => withMs / withoutMs)).toFixed(3));
    if (asJson) process.stdout.write(`${JSON.stringify({ bench: 'telemetry', events, measured, ratio })}\n`);
    else {
      const of = measured.map(({ withMs, withoutMs }) => `${withMs} to ${withoutMs}`).join(', ');
      process.stdout.write(`${events} events, user CPU with and without exporting in ms: ${of}; ratio ${ratio}\n`);
    }
  } finally {
    taker.closeAllConnections();
    taker.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The user CPU of a worker for these events, but for those with which it warms up. */
async function userCpuMs(
  app: string,
  bodies: readonly Buffer[],
  settings: Readonly<Record<string, string>>,
): Promise<number> {
  const azurite = await startAzurite();
  const emulator = await startEventHubsEmulator({
    eventHubs: [{ name: 'exports', partitionCount: 1, consumerGroups: ['handler'] }],
  });
  let settled = 0;
  let reached: { readonly events: number; readonly resolve: () => void } | undefined;
  const host = await startFunctionsHost({
    appFolder: app,
    settings: {
      ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true',
      AzureWebJobsStorage: azurite.connectionString,
      DataStorage: azurite.connectionString,
      EventHubConnection: emulator.connectionString(),
      EVENT_HUB_NAME: 'exports',
      EVENT_HUB_CONSUMER_GROUP: 'handler',
      ...settings,
    },
    log: () => undefined,
    observe: ({ functionName, failed, batchSize = 0 }) => {
      if (functionName !== 'on-audience-events' || failed) return;
      settled += batchSize;
      if (reached !== undefined && settled >= reached.events) reached.resolve();
    },
  });
  const producer = new EventHubProducerClient(emulator.connectionString(), 'exports');
  try {
    const play = async (part: readonly Buffer[]): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      reached = { events: settled + part.length, resolve: () => resolve(undefined) };
      for (let at = 0; at < part.length; at += 100)
        await producer.sendBatch(
          part.slice(at, at + 100).map((body) => ({ body })),
          { partitionId: '0' },
        );
      await promise;
    };
    // What a process loads and compiles at first is a matter of its start.
    await play(bodies.slice(0, warmUpEvents));
    const before = await userTicks(host.workerProcessId);
    await play(bodies.slice(warmUpEvents));
    return ((await userTicks(host.workerProcessId)) - before) * tickMs;
  } finally {
    await producer.close();
    await host.stop();
    await emulator.stop();
    await azurite.stop();
  }
}

/**
 * `utime` of `/proc/<pid>/stat`, the fourteenth field (proc(5)). The second, the name, ends with a
 * parenthesis.
 */
async function userTicks(processId: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${processId ?? 0}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11]);
}

/** Every person comes three times: as an entry, and twice unchanged. */
function exportsOf(count: number): readonly Buffer[] {
  const random = seededRandom(1);
  const people = Array.from({ length: Math.ceil(count / 3) }, (_, number) => {
    const { attributes } = randomPerson(random);
    const qualifiedAtMs = Date.UTC(2026, 0, 15);
    const memberships = [{ audienceId, status: 'realized' as const, qualifiedAtMs }];
    const identities = { email: [`person-${number}@example.com`] };
    return Buffer.from(encodeProfileExport(buildProfileExport({ attributes, memberships, identities })));
  });
  return [...people, ...people, ...people].slice(0, count);
}

function median(of: readonly number[]): number {
  return of.toSorted((left, right) => left - right)[Math.floor(of.length / 2)] ?? Number.NaN;
}
