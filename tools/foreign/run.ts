/**
 * Runs the emulator against the SDKs of other languages, and prints which features work with which.
 *
 *     npm run foreign -- [--only python,go] [--without rust] [--caches <folder>] [--write <file>]
 *
 * An SDK whose toolchain is not there is left out, which is said. Ends with 1 when a feature of an SDK that ran does not work.
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
import { printMatrix, type SdkResult } from './matrix.ts';
import { slowNetwork } from './slow-network.ts';
import { sdks, type Caches, type Command, type Sdk } from './sdks.ts';

/** A program that takes longer than this hangs. */
const programTimeoutMs = 240_000;
const prepareTimeoutMs = 600_000;

interface Ended {
  readonly code: number | undefined;
  readonly output: string;
}

/** Runs the command to its end, or kills it after the time. A command that cannot be started ends without a code. */
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

async function runSdk(sdk: Sdk, caches: Caches): Promise<SdkResult> {
  const folder = join(import.meta.dirname, sdk.name);
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
    eventHubs: [{ name: sdk.name, partitionCount: 2, consumerGroups: ['other'] }],
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
    const { code, output } = await runCommand(sdk.run(caches), {
      folder,
      timeoutMs: programTimeoutMs,
      env: {
        EMULATOR_CONNECTION: connection(),
        EMULATOR_TLS_CONNECTION: connection({ tls: true, host: 'localhost' }),
        EMULATOR_TLS_ENDPOINT: `localhost:${slowTlsPort}`,
        EMULATOR_CA_FILE: authorityFile,
        // For SDKs that trust what their runtime trusts: Node's, and those that use OpenSSL.
        NODE_EXTRA_CA_CERTS: authorityFile,
        SSL_CERT_FILE: authorityFile,
        EMULATOR_CONTROL: `127.0.0.1:${(control.address() as AddressInfo).port}`,
        EMULATOR_HUB: sdk.name,
      },
    });
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    return { name, seconds, outcomes: readOutcomes(output), ended: code === 0 ? undefined : output.slice(-2000) };
  } finally {
    control.close();
    await Promise.all(networks.map((network) => network.close()));
    await emulator.stop();
  }
}

function readOutcomes(output: string): ReadonlyMap<Feature, string> {
  const outcomes = new Map<Feature, string>();
  for (const line of output.split('\n')) {
    const { word, name, why } =
      /^(?<word>works|fails) (?<name>[a-z-]+)(?: (?<why>.*))?$/.exec(line.trim())?.groups ?? {};
    const feature = featureNames.find((known) => known === name);
    if (feature) outcomes.set(feature, word === 'works' ? 'works' : `fails: ${(why ?? '').slice(0, 300)}`);
  }
  return outcomes;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    without: { type: 'string' },
    caches: { type: 'string', default: join(homedir(), '.cache', 'event-hubs-emulator-foreign') },
    write: { type: 'string' },
  },
});
const names = (list: string | undefined) => list?.split(',') ?? [];
const caches = { folder: values.caches };
await mkdir(caches.folder, { recursive: true });
const results: SdkResult[] = [];
for (const sdk of sdks) {
  if (values.only !== undefined && !names(values.only).includes(sdk.name)) continue;
  if (names(values.without).includes(sdk.name))
    results.push({ name: sdk.name, leftOut: 'it was asked to leave it out' });
  else results.push(await runSdk(sdk, caches));
}
const { text, failed } = printMatrix(results, (name) => sdks.find((sdk) => sdk.name === name)?.package ?? name);
process.stdout.write(text);
if (values.write !== undefined) {
  const page = await readFile(values.write, 'utf8');
  const table = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .join('\n');
  const written = page.replace(/(<!-- matrix -->\n)[^]*(\n<!-- end of matrix -->)/, `$1\n${table}\n$2`);
  await writeFile(values.write, written);
}
process.exitCode = failed ? 1 : 0;
