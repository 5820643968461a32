import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { destinationTypes } from '@activation-hub/destinations';
import { secretVariable } from '@activation-hub/handler-contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildHandler, type BuiltHandler } from '../build.ts';
import { packHandler } from '../pack-handler.ts';

/** A quarter of it are parts of SDKs that nothing asks for, and that no file loads. */
const packageBytesMax = 1_100_000;

let folder: string;
let app: string;
let outputs: BuiltHandler['outputs'];
/**
 * A file that the build has checked: an operator's own, whichever it is, and the settings of the
 * secrets that it names.
 */
let deployed: string;
let secrets: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'handler-start-'));
  ({ folder: app, outputs } = await buildHandler({
    outputFolder: join(folder, 'app'),
    mapsFolder: join(folder, 'maps'),
  }));
  const [file = ''] = (await readdir(join(app, 'activations'))).filter((name) => name.endsWith('.yaml'));
  deployed = `activations/${file}`;
  const named = (await readFile(join(app, deployed), 'utf8')).matchAll(/\bsecret: *([\w-]+)/g);
  secrets = Object.fromEntries([...named].map(([, name = '']) => [secretVariable(name), 'hush']));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test(`the package has at most ${packageBytesMax} bytes`, async () => {
  const { path, bytes } = await packHandler(app, join(folder, 'handler.zip'));
  expect((await stat(path)).size).toBe(bytes);
  expect(bytes).toBeLessThanOrEqual(packageBytesMax);
});

const settings = (activationFile: string) => ({
  ACTIVATION_FILE: activationFile,
  ...secrets,
  DataStorage: 'UseDevelopmentStorage=true',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  EventHubConnection: 'Endpoint=sb://127.0.0.1/;SharedAccessKeyName=a;SharedAccessKey=b',
  EVENT_HUB_NAME: 'exports',
  EVENT_HUB_CONSUMER_GROUP: 'handler',
});

interface Loaded {
  /** Of the build, relative to it. */
  readonly files: readonly string[];
  /** Modules of Node. */
  readonly builtins: readonly string[];
}

/** Starts the app in a process of its own, and says what that has loaded when `file` is. */
async function loadedBy(
  file: string,
  activationFile: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Loaded> {
  const script = `
    import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({ load: (url, context, nextLoad) => (urls.push(url), nextLoad(url, context)) });
    for (const file of ['main.mjs', ${JSON.stringify(file)}]) await import(${JSON.stringify(`${pathToFileURL(app).href}/`)} + file);
    process.stdout.write(JSON.stringify({ urls, builtins: process.moduleLoadList }), () => process.exit());`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...settings(activationFile), ...more },
  });
  const { urls, builtins } = JSON.parse(stdout) as {
    readonly urls: readonly string[];
    readonly builtins: readonly string[];
  };
  const files = urls
    .filter((url) => url.startsWith('file:'))
    .map((url) => relative(app, fileURLToPath(url)).replaceAll('\\', '/'));
  return { files: [...new Set(files)], builtins };
}

/** The sources of which something is in these files. */
function sourcesIn(files: readonly string[]): readonly string[] {
  return files.flatMap((file) =>
    Object.entries(outputs[`dist/app/${file}`]?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
}

/** Whose code these sources are: packages, and libraries of ours. */
function ownersOf(sources: readonly string[]): ReadonlySet<string> {
  const owner = /(?:.*node_modules\/((?:@[^/]+\/)?[^/]+)|(libs\/[^/]+))\//;
  return new Set(
    sources.flatMap((path) => {
      const [, ofPackage, ofLibrary] = owner.exec(path) ?? [];
      return ofPackage ?? ofLibrary ?? [];
    }),
  );
}

const nameOfHub = (): string =>
  relative('dist/app', Object.keys(outputs).find((path) => /\/hub-\w+\.mjs$/.test(path)) ?? '');

test('the start loads the library of Functions, and of ours what checks the configuration', async () => {
  const { files, builtins } = await loadedBy('main.mjs', deployed);
  expect([...ownersOf(sourcesIn(files))].sort()).toEqual([
    '@azure/functions',
    '@azure/functions-extensions-base',
    'cookie',
    'libs/activation',
    'libs/activation-file',
    'libs/azure-adapters',
    'libs/destination-kit',
    'libs/handler-contract',
  ]);
  const bytes = files.reduce((sum, file) => sum + (outputs[`dist/app/${file}`]?.bytes ?? 0), 0);
  expect(bytes).toBeLessThan(200_000);
  for (const name of ['internal/deps/undici/undici', 'http2', 'https', 'zlib', 'worker_threads']) {
    expect(builtins).not.toContain(`NativeModule ${name}`);
  }
});

test('control: a file that the build has not seen is checked at the start, by the parser and the kinds that it names', async () => {
  const path = join(folder, 'new.yaml');
  await writeFile(path, 'version: 1\ndestinations: { diary: { type: log } }\naudiences: {}\n');
  const { files } = await loadedBy('main.mjs', path);
  const owners = ownersOf(sourcesIn(files));
  expect(owners).toContain('yaml');
  expect(owners).toContain('zod');
  expect(files).toContain('connectors/log.mjs');
  expect(files).not.toContain('connectors/webhook.mjs');
});

test('what the functions do needs no sign-in, no Event Hubs and no Arrow until something asks for it', async () => {
  const { files } = await loadedBy(nameOfHub(), deployed);
  const owners = ownersOf(sourcesIn(files));
  expect(owners).toContain('@azure/data-tables');
  expect(owners).toContain('libs/activation');
  for (const name of ['@azure/identity', '@azure/msal-node', '@azure/event-hubs', '@azure/core-amqp', 'rhea', 'open']) {
    expect(owners).not.toContain(name);
  }
  expect(files.filter((file) => file.includes('Arrow'))).toEqual([]);
  expect(files.filter((file) => file.startsWith('connectors/'))).toEqual([]);
});

const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
const insights = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=11111111-2222-3333-4444-555555555555',
};

test.each([
  ['without a receiver of metrics and spans', {}],
  ['with a collector', collector],
  ['with Application Insights', insights],
])('nothing of OpenTelemetry is loaded before the first invocation %s', async (_with, more) => {
  const { files } = await loadedBy(nameOfHub(), deployed, more);
  const named = [...ownersOf(sourcesIn(files))].filter((owner) => owner.includes('opentelemetry'));
  expect(named).toEqual([]);
  expect(files.filter((file) => file.includes('open-telemetry'))).toEqual([]);
});

/** The files that are loaded with a file of the build, itself included. */
function loadedWith(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const { path, kind, external } of outputs[file]?.imports ?? []) {
    if (external !== true && kind === 'import-statement') loadedWith(path, found);
  }
  return found;
}

test('control: OpenTelemetry is in files of its own, with both of its exporters', () => {
  const entries = Object.keys(outputs).filter((path) => /\/open-telemetry-\w+\.mjs$/.test(path));
  const owners = new Set(entries.flatMap((path) => [...ownersOf(Object.keys(outputs[path]?.inputs ?? {}))]));
  for (const name of ['@azure/monitor-opentelemetry-exporter', '@opentelemetry/exporter-trace-otlp-proto']) {
    expect(owners).toContain(name);
  }
});

test('each connector loads none of the others', () => {
  const codeOfConnector = /libs\/destinations\/src\/[^/]+\//;
  for (const type of destinationTypes) {
    const files = loadedWith(`dist/app/connectors/${type}.mjs`);
    const own = [...files].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
    const folders = own.flatMap((path) => codeOfConnector.exec(path) ?? []);
    expect(new Set(folders), type).toEqual(new Set([`libs/destinations/src/${type}/`]));
  }
});
