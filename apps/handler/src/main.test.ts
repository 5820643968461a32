import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readRegisteredFunctions } from '@activation-hub/functions-host';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { buildHandler } from '../build.ts';
import { contentsDigest, packHandler } from '../pack-handler.ts';
import { restoreTrace } from '../restore-trace.ts';

/** Beside `dist/app`, where the same sources make the same bytes. */
const builds = join(import.meta.dirname, '..', 'dist');

let folder: string;
let app: string;
let maps: string;

const activationFile = `version: 1
destinations:
  crm:
    type: webhook
    settings: { url: https://crm.example.com/hook, signingSecret: { secret: crm-signing } }
audiences:
  sports-fans:
    id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02
    activate: [{ destination: crm, identity: crmid }]
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'handler-'));
  await mkdir(builds, { recursive: true });
  maps = await mkdtemp(join(builds, 'maps-'));
  ({ folder: app } = await buildHandler({
    outputFolder: await mkdtemp(join(builds, 'tested-')),
    mapsFolder: maps,
  }));
  await writeFile(join(folder, 'file.yaml'), activationFile);
});
afterAll(async () => {
  for (const made of [folder, app, maps]) await rm(made, { recursive: true, force: true });
});

const settings = (over: Record<string, string> = {}): Record<string, string> => ({
  ACTIVATION_FILE: join(folder, 'file.yaml'),
  ACTIVATION_SECRET_CRM_SIGNING: 'hush',
  DataStorage: 'UseDevelopmentStorage=true',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  EventHubConnection: 'Endpoint=sb://127.0.0.1/;SharedAccessKeyName=a;SharedAccessKey=b',
  EVENT_HUB_NAME: 'exports',
  EVENT_HUB_CONSUMER_GROUP: 'handler',
  ...over,
});

test('the built file registers exactly the functions of the app', async () => {
  const functions = await readRegisteredFunctions(app, settings());
  expect(functions.map(({ name }) => name).sort()).toEqual([
    'export-ledger',
    'health',
    'health-details',
    'on-audience-events',
    'on-retry-due',
    'on-retry-poisoned',
    'report-lag',
    'sweep-ledger',
  ]);
});

test('the trigger asks for raw bodies, its own consumer group, and retries without an end', async () => {
  const functions = await readRegisteredFunctions(app, settings());
  const text = JSON.stringify(functions.find(({ name }) => name === 'on-audience-events'));
  expect(text).toContain('"dataType":"binary"');
  expect(text).toContain('%EVENT_HUB_CONSUMER_GROUP%');
  expect(text).toMatch(/"maxRetryCount":-1/);
});

test('the folder holds what Azure needs and nothing else', async () => {
  expect((await readdir(app)).sort()).toEqual([
    'activations',
    'chunks',
    'connectors',
    'host.json',
    'main.mjs',
    'package.json',
  ]);
  expect(JSON.parse(await readFile(join(app, 'package.json'), 'utf8'))).toMatchObject({
    main: 'main.mjs',
    type: 'module',
  });
});

test('what these tests run is what the package holds, byte for byte', async () => {
  const { path } = await packHandler(app, join(folder, 'handler.zip'));
  const packed = Object.entries(unzipSync(await readFile(path)));
  const entries = await readdir(app, { recursive: true, withFileTypes: true });
  expect(packed).toHaveLength(entries.filter((entry) => entry.isFile()).length);
  for (const [name, bytes] of packed) {
    expect(Buffer.compare(bytes, await readFile(join(app, name))), name).toBe(0);
  }
});

test(
  'a build by another process, elsewhere and in another time zone, makes the same package',
  { timeout: 300_000 },
  async () => {
    const here = await packHandler(app, join(folder, 'here.zip'));
    const other = await mkdtemp(join(builds, 'other-'));
    try {
      const url = (name: string): string => JSON.stringify(new URL(`../${name}`, import.meta.url).href);
      const script = `
      const { buildHandler } = await import(${url('build.ts')});
      const { packHandler } = await import(${url('pack-handler.ts')});
      const { folder } = await buildHandler({
        outputFolder: ${JSON.stringify(join(other, 'app'))},
        mapsFolder: ${JSON.stringify(join(other, 'maps'))},
      });
      console.log((await packHandler(folder, ${JSON.stringify(join(folder, 'there.zip'))})).digest);`;
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: folder,
        env: { ...process.env, TZ: 'Asia/Kolkata' },
      });
      expect(stdout.trim()).toBe(here.digest);
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  },
);

test('the build says in its manifest which it is, and another byte or another name is another build', async () => {
  const manifest = JSON.parse(await readFile(join(app, 'package.json'), 'utf8')) as { readonly contents: string };
  expect(manifest.contents).toBe(await contentsDigest(app));

  const copy = join(folder, 'copy');
  await mkdir(copy);
  const digests = new Set<string>();
  for (const [name, text] of [
    ['a', 'x'],
    ['a', 'y'],
    ['b', 'y'],
  ] as const) {
    await rm(copy, { recursive: true });
    await mkdir(copy);
    await writeFile(join(copy, name), text);
    digests.add(await contentsDigest(copy)).add((await packHandler(copy, join(folder, 'copy.zip'))).digest);
  }
  expect(digests.size).toBe(6);
});

test('nothing in the build says where it was built', async () => {
  const root = join(import.meta.dirname, '..', '..', '..');
  for (const entry of await readdir(app, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    expect(await readFile(join(entry.parentPath, entry.name), 'utf8'), entry.name).not.toContain(`${root}/`);
  }
});

test('a trace of the build names the lines of the sources', async () => {
  const failed = await readRegisteredFunctions(app, settings({ EVENT_HUB_NAME: '' })).catch((error: unknown) => error);
  const trace = (failed as Error).message;
  expect(trace).toContain(join(app, 'main.mjs:'));
  const restored = restoreTrace(trace, maps);
  expect(restored).not.toContain('main.mjs');
  const [, line = ''] = /at readSettings \(apps\/handler\/src\/settings\.ts:(\d+):\d+\)/.exec(restored) ?? [];
  const source = await readFile(join(import.meta.dirname, 'settings.ts'), 'utf8');
  expect(source.split('\n')[Number(line) - 1]).toContain('throw new Error(`Failed to start:');
  expect(restored.split('\n').at(-1)).toBe(trace.split('\n').at(-1));
});

test('a bundle that was kept makes the same app as a new one', async () => {
  const bundlesFolder = join(folder, 'bundles');
  for (const name of ['first', 'second']) {
    const mapsFolder = join(folder, `${name}-maps`);
    const built = await buildHandler({ outputFolder: join(folder, name), mapsFolder, bundlesFolder });
    expect(await contentsDigest(built.folder)).toBe(await contentsDigest(app));
    expect(await readdir(bundlesFolder)).toHaveLength(1);
  }
});

test('a source map without its sources beside it says where they are', async () => {
  const { folder: elsewhere } = await buildHandler({ outputFolder: join(folder, 'elsewhere') });
  const map = JSON.parse(await readFile(join(elsewhere, 'main.mjs.map'), 'utf8')) as {
    readonly sourceRoot: string;
    readonly sources: readonly string[];
  };
  const main = map.sources.find((source) => source.endsWith('src/main.ts')) ?? '';
  expect(await readFile(join(map.sourceRoot, main), 'utf8')).toContain('readConfiguration(process.env');
  expect(await readFile(join(elsewhere, 'main.mjs'))).toEqual(await readFile(join(app, 'main.mjs')));
});

test.each([
  ['a wrong activation file', { ACTIVATION_FILE: 'host.json' }, /host\.json:\d+:\d+/],
  ['a missing activation file', { ACTIVATION_FILE: 'absent.yaml' }, /absent\.yaml/],
  ['a missing secret', { ACTIVATION_SECRET_CRM_SIGNING: '' }, /ACTIVATION_SECRET_CRM_SIGNING/],
  ['missing settings', { ACTIVATION_FILE: '', DataStorage: '' }, /ACTIVATION_FILE.*DataStorage__tableServiceUri/],
  [
    'a storage account that is none',
    { DataStorage: 'hush' },
    /DataStorage is no connection string of a storage account: it cannot/,
  ],
  [
    'a storage account in the open',
    { DataStorage: '', DataStorage__tableServiceUri: 'http://contoso.table.core.windows.net' },
    /DataStorage__tableServiceUri is no address of a storage account: plain http is allowed only/,
  ],
  [
    'an account of the host that is none',
    { AzureWebJobsStorage: 'AccountName=a;AccountKey=b' },
    /AzureWebJobsStorage is no/,
  ],
  ['a proxy that cannot be used', { HTTPS_PROXY: 'socks5://127.0.0.1:1' }, /Failed to read HTTPS_PROXY/],
  ['a missing hub', { EventHubConnection: '' }, /EventHubConnection__fullyQualifiedNamespace/],
  [
    'a lease that is too short',
    { ACTIVATION_LEASE_SECONDS: '14' },
    /ACTIVATION_LEASE_SECONDS must be a whole number from 15/,
  ],
  ['a lease that outlives the function', { ACTIVATION_LEASE_SECONDS: '481' }, /ACTIVATION_LEASE_SECONDS/],
  ['a lease that is no number', { ACTIVATION_LEASE_SECONDS: '3m' }, /ACTIVATION_LEASE_SECONDS/],
  [
    'a collector in no form of an address',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
    /OTEL_EXPORTER_OTLP_ENDPOINT must be the http or https address/,
  ],
  [
    'Application Insights without a key',
    { APPLICATIONINSIGHTS_CONNECTION_STRING: 'IngestionEndpoint=https://x.example.com/' },
    /APPLICATIONINSIGHTS_CONNECTION_STRING has no InstrumentationKey/,
  ],
  ['a wrong setting', { ACTIVATION_LOG_LEVEL: 'loud' }, /ACTIVATION_LOG_LEVEL must be one of/],
])('%s stops the start with words that name it', async (_what, over, words) => {
  await expect(readRegisteredFunctions(app, settings(over))).rejects.toThrow(words);
});

/** What a package of its own would have. */
const pigeon = join(import.meta.dirname, '..', 'fixtures', 'pigeon-destination.js');

test('a destination that is a package of its own is in the bundle when an activation file names it, and only then', async () => {
  const name = '@activation-hub-test/pigeon';
  const scope = join(import.meta.dirname, '..', 'node_modules', '@activation-hub-test');
  onTestFinished(() => rm(scope, { recursive: true, force: true }));
  const file = join(folder, 'pigeon.yaml');
  const own = activationFile
    .replace('type: webhook', `type: '${name}'`)
    .replace(/settings: .*/, 'settings: { loft: roof }');
  await writeFile(file, own);
  const outputFolder = join(folder, 'app-with-a-package');
  const options = { outputFolder, activationFiles: [file] };
  await expect(buildHandler(options)).rejects.toThrow(
    `${file} names the destination ${name}, and there is no such package. Run npm install ${name}.`,
  );

  await mkdir(join(scope, 'pigeon'), { recursive: true });
  await writeFile(
    join(scope, 'pigeon', 'package.json'),
    JSON.stringify({ name, type: 'module', exports: './index.js' }),
  );
  await copyFile(pigeon, join(scope, 'pigeon', 'index.js'));
  const built = await buildHandler(options);
  const withPackage = settings({ ACTIVATION_FILE: file });
  expect(await readRegisteredFunctions(built.folder, withPackage)).toHaveLength(8);
  await writeFile(file, own.replace('loft: roof', 'nest: tree'));
  await expect(readRegisteredFunctions(built.folder, withPackage)).rejects.toThrow(
    /crm\.settings has the unknown key \\*"nest/,
  );
  await expect(readRegisteredFunctions(app, withPackage)).rejects.toThrow(
    `Failed to load the destination ${name}: it fails as it is loaded: it is not in this build`,
  );
});
