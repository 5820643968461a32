import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRegisteredFunctions } from '@activation-hub/functions-host';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildHandler } from '../build.ts';

let folder: string;
let app: string;

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
  app = (await buildHandler(join(folder, 'app'))).folder;
  await writeFile(join(folder, 'file.yaml'), activationFile);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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
    'health',
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
  expect((await readdir(app)).sort()).toEqual(['activations', 'host.json', 'main.js', 'main.js.map', 'package.json']);
  expect(JSON.parse(await readFile(join(app, 'package.json'), 'utf8'))).toMatchObject({
    main: 'main.js',
    type: 'commonjs',
  });
});

test.each([
  ['a wrong activation file', { ACTIVATION_FILE: 'host.json' }, /host\.json:\d+:\d+/],
  ['a missing activation file', { ACTIVATION_FILE: 'absent.yaml' }, /absent\.yaml/],
  ['a missing secret', { ACTIVATION_SECRET_CRM_SIGNING: '' }, /ACTIVATION_SECRET_CRM_SIGNING/],
  ['missing settings', { ACTIVATION_FILE: '', DataStorage: '' }, /ACTIVATION_FILE.*DataStorage__tableServiceUri/],
  ['a missing hub', { EventHubConnection: '' }, /EventHubConnection__fullyQualifiedNamespace/],
  [
    'a claim that is too short',
    { ACTIVATION_CLAIM_SECONDS: '14' },
    /ACTIVATION_CLAIM_SECONDS must be a whole number from 15/,
  ],
  ['a claim that outlives the function', { ACTIVATION_CLAIM_SECONDS: '481' }, /ACTIVATION_CLAIM_SECONDS/],
  ['a claim that is no number', { ACTIVATION_CLAIM_SECONDS: '3m' }, /ACTIVATION_CLAIM_SECONDS/],
  ['a wrong setting', { ACTIVATION_LOG_LEVEL: 'loud' }, /ACTIVATION_LOG_LEVEL must be one of/],
])('%s stops the start with words that name it', async (_what, over, words) => {
  await expect(readRegisteredFunctions(app, settings(over))).rejects.toThrow(words);
});
