/*
 * What the start of the function app costs, beside an app that registers the same functions and
 * does nothing.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startAzurite } from '@activation-hub/azurite';
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { readRegisteredFunctions, startFunctionsHost } from '@activation-hub/functions-host';
import { build } from 'esbuild';
import { buildHandler, forTheWorker } from '../build.ts';
import { packHandler } from '../pack-handler.ts';

const help = `Measures the start of the function app beside an app that registers the same functions and does nothing.

  npm run bench:start [-- --starts <count>] [--json]

  --starts <count>  how often each app is started, in turns; 9 by default
  --json            prints JSON instead of a table

load        milliseconds from the import of the app's file until its functions are registered
registered  the same from the start of the worker's process, which is what a cold start is
cpu         CPU milliseconds of that process until then
answer      milliseconds from the start of a host until the function health has answered, when the stores are open too

The medians are of all starts, and so is the ratio: of the medians of both apps, in the same run.
`;

const columns = ['load', 'registered', 'cpu', 'answer'] as const;
type Start = Readonly<Record<(typeof columns)[number], number>>;

interface App {
  readonly name: string;
  readonly folder: string;
  readonly starts: Start[];
}

const { values } = parseArgs({
  options: { starts: { type: 'string', default: '9' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
});
if (values.help === true) process.stdout.write(help);
else await measure(Number(values.starts), values.json === true);

async function measure(starts: number, asJson: boolean): Promise<void> {
  const load = { cores: availableParallelism(), loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10 };
  const folder = await mkdtemp(join(tmpdir(), 'handler-start-'));
  const azurite = await startAzurite();
  const emulator = await startEventHubsEmulator({
    eventHubs: [{ name: 'exports', partitionCount: 1, consumerGroups: ['handler'] }],
  });
  const settings = {
    ACTIVATION_FILE: 'activations/dev.yaml',
    ACTIVATION_SECRET_CRM_SIGNING_SECRET: 'a secret',
    DataStorage: azurite.connectionString,
    AzureWebJobsStorage: azurite.connectionString,
    EventHubConnection: emulator.connectionString(),
    EVENT_HUB_NAME: 'exports',
    EVENT_HUB_CONSUMER_GROUP: 'handler',
  };
  try {
    const { folder: handler } = await buildHandler({
      outputFolder: join(folder, 'app'),
      mapsFolder: join(folder, 'maps'),
    });
    const { bytes } = await packHandler(handler, join(folder, 'handler.zip'));
    const apps: readonly App[] = [
      { name: 'an app that does nothing', folder: await buildIdleApp(join(folder, 'idle'), handler), starts: [] },
      { name: 'the function app', folder: handler, starts: [] },
    ];
    for (const app of apps) await timeItself(app.folder);
    // The first start of each reads its files into the cache of the disk, and is not counted.
    for (let start = -1; start < starts; start += 1) {
      for (const app of apps) {
        const times = await timesOf(app.folder, settings);
        if (start >= 0) app.starts.push(times);
      }
    }
    const [idle, hub] = apps.map((app) => ({ name: app.name, medians: mediansOf(app.starts) }));
    if (idle === undefined || hub === undefined) return;
    const ratios = byColumn((column) => Math.round((hub.medians[column] / idle.medians[column]) * 100) / 100);
    const report = { bench: 'start', ...load, starts, packageBytes: bytes, apps: [idle, hub], ratios };
    process.stdout.write(asJson ? `${JSON.stringify(report)}\n` : table(report));
  } finally {
    await emulator.stop();
    await azurite.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Registers what the function app registers, by the same code, with functions that do nothing. */
async function buildIdleApp(outputFolder: string, handler: string): Promise<string> {
  const contents = `
    import { registerFunctions } from './src/functions.ts';
    const nothing = async () => {};
    const idle = { takeEvents: nothing, takeRetry: nothing, putBackRetry: nothing, sweep: nothing, reportLag: nothing, close: nothing };
    registerFunctions(async () => ({ ...idle, checkHealth: async () => ({ status: 'ok' }) }));`;
  await mkdir(outputFolder);
  await build({
    ...forTheWorker,
    stdin: { contents, resolveDir: join(import.meta.dirname, '..'), loader: 'ts' },
    outfile: join(outputFolder, 'main.mjs'),
  });
  for (const name of ['host.json', 'package.json'])
    await writeFile(join(outputFolder, name), await readFile(join(handler, name)));
  return outputFolder;
}

/** Lets the app say when it is loaded, in the worker's own process and by its own clock. */
async function timeItself(folder: string): Promise<void> {
  const timed = `import { writeFileSync } from 'node:fs';
const startedMs = performance.now();
await import('./main.mjs');
const registered = performance.now();
const { user, system } = process.cpuUsage();
const times = { load: registered - startedMs, registered, cpu: (user + system) / 1000 };
if (process.env.START_TIMES !== undefined) writeFileSync(process.env.START_TIMES, JSON.stringify(times));`;
  await writeFile(join(folder, 'timed.mjs'), timed);
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object;
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, main: 'timed.mjs' }));
}

async function timesOf(folder: string, settings: Readonly<Record<string, string>>): Promise<Start> {
  const file = join(folder, 'times.json');
  await readRegisteredFunctions(folder, { ...settings, START_TIMES: file });
  const times = JSON.parse(await readFile(file, 'utf8')) as Omit<Start, 'answer'>;
  const startedMs = performance.now();
  const host = await startFunctionsHost({ appFolder: folder, settings, log: () => undefined });
  try {
    const { status } = await fetch(`http://127.0.0.1:${host.httpPort}/health`);
    if (status !== 200) throw new Error(`Failed to measure: the health page answered ${status}.`);
    return { ...times, answer: performance.now() - startedMs };
  } finally {
    await host.stop();
  }
}

function byColumn(value: (column: keyof Start) => number): Start {
  return Object.fromEntries(columns.map((column) => [column, value(column)])) as unknown as Start;
}

function mediansOf(starts: readonly Start[]): Start {
  const middle = Math.floor(starts.length / 2);
  return byColumn((column) => {
    const sorted = starts.map((start) => start[column]).sort((left, right) => left - right);
    return Math.round((sorted[middle] ?? Number.NaN) * 10) / 10;
  });
}

function table({
  cores,
  loadBefore,
  starts,
  packageBytes,
  apps,
  ratios,
}: {
  readonly cores: number;
  readonly loadBefore: number;
  readonly starts: number;
  readonly packageBytes: number;
  readonly apps: readonly { readonly name: string; readonly medians: Start }[];
  readonly ratios: Start;
}): string {
  const row = (name: string, cells: readonly (string | number)[]): string =>
    `${name.padEnd(26)}${cells.map((cell) => String(cell).padStart(12)).join('')}\n`;
  return [
    `${starts} starts each, medians in milliseconds; the package has ${packageBytes.toLocaleString('en')} bytes\n\n`,
    row('', columns),
    ...apps.map(({ name, medians }) =>
      row(
        name,
        columns.map((column) => medians[column].toFixed(0)),
      ),
    ),
    row(
      'ratio',
      columns.map((column) => ratios[column].toFixed(2)),
    ),
    `${cores} cores, load ${loadBefore} before the run\n`,
  ].join('');
}
