/**
 * Runs the emulator against the SDKs of other languages, and prints which features work with which.
 *
 *     npm run foreign -- [--only python,go] [--without rust] [--caches <folder>] [--write <file>] [--throughput <events>]
 *
 * With --throughput it measures instead how fast each SDK sends and receives so many events of 1
 * KB.
 *
 * An SDK whose toolchain is not there is left out, which is said. Ends with 1 when a feature of an
 * SDK that ran does not work.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { featureNames, type Feature } from './features.ts';
import { notInSdk, printMatrix, type SdkResult } from './matrix.ts';
import { slowNetwork } from './slow-network.ts';
import { sdks, type Caches, type Command, type Sdk } from './sdks.ts';

/** A program that takes longer than this hangs. */
const programTimeoutMs = 240_000;
const prepareTimeoutMs = 600_000;
const emptyHub = 'empty';

interface Ended {
  readonly code: number | undefined;
  readonly output: string;
}

/**
 * Runs the command to its end, or kills it after the time. A command that cannot be started ends
 * without a code.
 */
function runCommand(
  { program, args, env }: Command,
  options: { readonly folder: string; readonly timeoutMs: number; readonly env?: Readonly<Record<string, string>> },
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.folder,
      env: { ...process.env, ...env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += String(bytes)));
    child.on('error', (error) => resolve({ code: undefined, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? undefined, output }));
  });
}

/** A program of an SDK that ran. */
interface Ran extends Ended {
  readonly name: string;
  readonly seconds: number;
  /** CPU time that the emulator took meanwhile, which runs in this process. */
  readonly emulatorCpuMs: number;
}

async function runSdk(
  sdk: Sdk,
  caches: Caches,
  { args = [], env = {} }: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<Ran | { name: string; leftOut: string }> {
  const folder = join(import.meta.dirname, sdk.folder ?? sdk.name);
  const { name } = sdk;
  const quick = { folder, timeoutMs: 30_000 };
  if ((await runCommand(sdk.toolchain, quick)).code !== 0) {
    return { name, leftOut: `${sdk.toolchain.program} is not there` };
  }
  for (const command of sdk.prepare(caches)) {
    const { code, output } = await runCommand(command, { folder, timeoutMs: prepareTimeoutMs });
    if (code !== 0) return { name, leftOut: `its program could not be built: ${output.slice(-2000)}` };
  }
  const emulator = await startEventHubsEmulator({
    tls: {},
    eventHubs: [
      { name: sdk.name, partitionCount: 2, consumerGroups: ['other'] },
      { name: emptyHub, partitionCount: 2 },
    ],
  });
  const control = createServer((request, response) => {
    if (request.url === '/throttle') emulator.faults.throttle({ sends: 1 });
    response.end();
  });
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  const { authorityFile = '', port: tlsPort = 0 } = emulator.tls ?? {};
  const networks = await Promise.all(
    sdk.networkDelayMs === undefined
      ? []
      : [slowNetwork(emulator.port, sdk.networkDelayMs), slowNetwork(tlsPort, sdk.networkDelayMs)],
  );
  const [port = emulator.port, slowTlsPort = tlsPort] = networks.map((network) => network.port);
  const connection = (options?: Parameters<typeof emulator.connectionString>[0]): string =>
    emulator
      .connectionString(options)
      .replace(`:${emulator.port}/`, `:${port}/`)
      .replace(`:${tlsPort}/`, `:${slowTlsPort}/`);
  try {
    const startedMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const command = sdk.run(caches);
    const ended = await runCommand(
      { ...command, args: [...command.args, ...args] },
      {
        folder,
        timeoutMs: programTimeoutMs,
        env: {
          ...env,
          EMULATOR_CONNECTION: connection(),
          EMULATOR_TLS_CONNECTION: connection({ tls: true, host: 'localhost' }),
          EMULATOR_TLS_ENDPOINT: `localhost:${slowTlsPort}`,
          EMULATOR_CA_FILE: authorityFile,
          // For SDKs that trust what their runtime trusts: Node's, and those that use OpenSSL.
          NODE_EXTRA_CA_CERTS: authorityFile,
          SSL_CERT_FILE: authorityFile,
          EMULATOR_CONTROL: `127.0.0.1:${(control.address() as AddressInfo).port}`,
          EMULATOR_HUB: sdk.name,
          EMULATOR_EMPTY_HUB: emptyHub,
        },
      },
    );
    const { user, system } = process.cpuUsage(cpuBefore);
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    return { name, seconds, ...ended, emulatorCpuMs: (user + system) / 1000 };
  } finally {
    control.close();
    await Promise.all(networks.map((network) => network.close()));
    await emulator.stop();
  }
}

async function tryFeatures(sdk: Sdk, caches: Caches): Promise<SdkResult> {
  const ran = await runSdk(sdk, caches);
  if ('leftOut' in ran) return ran;
  const { name, seconds, code, output } = ran;
  return { name, seconds, outcomes: readOutcomes(output), ended: code === 0 ? undefined : output.slice(-2000) };
}

/** The rates of the SDK as a row of a table, or why there are none. */
async function measureThroughput(sdk: Sdk, caches: Caches, events: number): Promise<string> {
  const ran = await runSdk(sdk, caches, { args: ['throughput'], env: { EMULATOR_EVENTS: String(events) } });
  if ('leftOut' in ran) return `LEFT OUT: ${sdk.name}: ${ran.leftOut}`;
  const rate = (way: string) => new RegExp(`^rate ${way} (\\d+)`, 'm').exec(ran.output)?.[1];
  const [sent, received] = [rate('in'), rate('out')];
  if (sent === undefined || received === undefined) return `FAILED: ${sdk.name}: ${ran.output.slice(-2000)}`;
  const cpuPerEvent = Math.round((ran.emulatorCpuMs / events) * 1000);
  return `| ${[sdk.package, sent, received, `${cpuPerEvent} µs`].join(' | ')} |`;
}

function readOutcomes(output: string): ReadonlyMap<Feature, string> {
  const outcomes = new Map<Feature, string>();
  for (const line of output.split('\n')) {
    const { word, name, why } =
      /^(?<word>works|fails|lacks) (?<name>[a-z-]+)(?: (?<why>.*))?$/.exec(line.trim())?.groups ?? {};
    const feature = featureNames.find((known) => known === name);
    const outcome = { works: 'works', lacks: notInSdk }[word ?? ''] ?? `fails: ${(why ?? '').slice(0, 300)}`;
    if (feature) outcomes.set(feature, outcome);
  }
  return outcomes;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    without: { type: 'string' },
    caches: { type: 'string', default: join(homedir(), '.cache', 'event-hubs-emulator-foreign') },
    write: { type: 'string' },
    throughput: { type: 'string' },
  },
});
const names = (list: string | undefined) => list?.split(',') ?? [];
const caches = { folder: values.caches };
await mkdir(caches.folder, { recursive: true });
const wanted = sdks.filter(({ name }) => values.only === undefined || names(values.only).includes(name));
const isLeftOut = ({ name }: Sdk) => names(values.without).includes(name);
let name: string;
let text: string;
let failed: boolean;
if (values.throughput === undefined) {
  const results: SdkResult[] = [];
  for (const sdk of wanted) {
    const leftOut = { name: sdk.name, leftOut: 'it was asked to leave it out' };
    results.push(isLeftOut(sdk) ? leftOut : await tryFeatures(sdk, caches));
  }
  name = 'matrix';
  ({ text, failed } = printMatrix(results, (sdkName) => sdks.find((sdk) => sdk.name === sdkName)?.package ?? sdkName));
} else {
  const lines = [
    '| SDK | events sent per second | received per second | CPU of the emulator, for both |',
    '| --- | --- | --- | --- |',
  ];
  for (const sdk of wanted) {
    if (!isLeftOut(sdk)) lines.push(await measureThroughput(sdk, caches, Number(values.throughput)));
  }
  name = 'throughput';
  text = `${lines.join('\n')}\n`;
  failed = lines.some((line) => line.startsWith('FAILED'));
}
process.stdout.write(text);
if (values.write !== undefined) {
  const page = await readFile(values.write, 'utf8');
  const table = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .join('\n');
  const place = new RegExp(`(<!-- ${name} -->\\n)[^]*(\\n<!-- end of ${name} -->)`);
  await writeFile(values.write, page.replace(place, `$1\n${table}\n$2`));
}
process.exitCode = failed ? 1 : 0;
