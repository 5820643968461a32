import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRegisteredFunctions, type RegisteredFunction } from '@activation-hub/functions-host';
import { dataStores, settingNames, triggers } from '@activation-hub/handler-contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildHandler } from '../build.ts';
import { readSettings } from './settings.ts';

/** As in Azure: everything by identity. */
const inAzure = (): Record<string, string> =>
  Object.fromEntries(
    [...settingNames.required, ...settingNames.identity].map((name) => [name, `https://${name.length}.example.com`]),
  );

test('the settings that are read are those that are named, each of them and no other', () => {
  const read = new Set<string>();
  const environment = (values: Record<string, string>) =>
    new Proxy(values, {
      get: (target, name) => {
        read.add(String(name));
        return target[String(name)];
      },
    });
  readSettings(environment(inAzure())).secret('crm-key');
  const named = Object.values(settingNames).flat();
  expect([...read].sort()).toEqual([...named, 'ACTIVATION_SECRET_CRM_KEY'].sort());
});

test.each(settingNames.required)('without %s the app does not start, and says so', (name) => {
  expect(() => readSettings({ ...inAzure(), [name]: '' })).toThrow(`The app setting ${name} is missing.`);
});

test('with the required settings alone it starts', () => {
  const required = Object.fromEntries(settingNames.required.map((name) => [name, 'https://x.example.com']));
  expect(readSettings(required)).toMatchObject({ leaseSeconds: 180, allowPrivateAddresses: false });
});

let folder: string;
let functions: readonly RegisteredFunction[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'handler-contract-'));
  const app = await buildHandler({ outputFolder: join(folder, 'app') });
  const file = join(folder, 'file.yaml');
  await writeFile(file, 'version: 1\ndestinations: { trial: { type: log } }\naudiences: {}\n');
  const settings = { ...inAzure(), ACTIVATION_FILE: file };
  functions = await readRegisteredFunctions(app.folder, settings);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the triggers that need a connection are those that are named', () => {
  const connected = functions.filter(({ trigger }) => trigger.connection !== undefined);
  const registered = connected.map(({ name, trigger: { connection, queueName, eventHubName } }) => [
    name,
    { connection, ...(queueName === undefined ? { eventHub: eventHubName } : { queue: queueName }) },
  ]);
  expect(Object.fromEntries(registered)).toEqual(triggers);
});

test('every setting that a trigger names is among the settings', () => {
  const named = [...JSON.stringify(functions).matchAll(/%(\w+)%/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(1);
  expect(settingNames.required).toEqual(expect.arrayContaining(named));
});

test('the queue of what the host puts aside is the one that the host takes', () => {
  const { queue } = triggers['on-retry-due'];
  expect(triggers['on-retry-poisoned'].queue).toBe(`${queue}-poison`);
});

const spread = (addresses: readonly string[]) => ({
  ...inAzure(),
  DataStorage__tableServiceUri: addresses.join(','),
});

test('a ledger over several accounts is named by the addresses of all, in their order', () => {
  const addresses = [1, 2, 3, 4].map((number) => `https://ledger${number}.table.core.windows.net`);
  expect(readSettings(spread(addresses)).dataStorage).toMatchObject({ tableEndpoint: addresses.join(',') });
  expect(() => readSettings(spread(addresses.slice(1)))).toThrow(
    'The app setting DataStorage__tableServiceUri names 3 addresses: a ledger cannot be spread over 3 accounts. Give 1, 2, 4, 8, 16, 32 of them.',
  );
  expect(() => readSettings(spread(['https://ledger1.table.core.windows.net', 'http://elsewhere.example']))).toThrow(
    'The app setting DataStorage__tableServiceUri is no address of a storage account: plain http is allowed only',
  );
});

test('log lines have no budget unless one is set', () => {
  expect(readSettings(inAzure()).logLinesPerMinute).toBeUndefined();
  expect(readSettings({ ...inAzure(), ACTIVATION_LOG_LINES_PER_MINUTE: '6' }).logLinesPerMinute).toBe(6);
  expect(() => readSettings({ ...inAzure(), ACTIVATION_LOG_LINES_PER_MINUTE: 'few' })).toThrow(
    'The app setting ACTIVATION_LOG_LINES_PER_MINUTE must be a whole number from 0 to 60000.',
  );
});

test('stores are opened by the names that are given here', async () => {
  const sources = await Promise.all(
    ['hub.ts', 'report-lag.ts'].map((name) => readFile(join(import.meta.dirname, name), 'utf8')),
  );
  const text = sources.join('');
  const opened = [...text.matchAll(/(?:container|queue)Client\([^,]+, ([^)]+)\)/g)].map(([, name]) => name);
  expect(opened.sort()).toEqual([
    'checkpointContainer',
    'dataStores.containers.controls',
    'dataStores.containers.deadLetters',
    'dataStores.containers.ledgerExports',
    'dataStores.containers.retries',
    'dataStores.queues.retries',
  ]);
  expect(text).toContain('names = { rows: tables.ledger, layout: tables.ledgerLayout }');
  expect(Object.keys(dataStores.tables)).toEqual(['ledger', 'ledgerLayout']);
});
