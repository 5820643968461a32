import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { localVendorOf } from '../testing/local-vendors.ts';
import { destinationTypes, destinationPackage, loadDestination, loadDestinations } from './registry.ts';
import { webhook } from './webhook/destination.ts';

test('every folder holds a destination of its name, its settings, its test and its README', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(destinationTypes);
  for (const { name } of folders) {
    const files = readdirSync(`${import.meta.dirname}/${name}`);
    expect(files).toEqual(
      expect.arrayContaining(['destination.ts', 'settings.ts', 'destination.test.ts', 'README.md']),
    );
  }
});

test.each(destinationTypes)('%s is registered under its type and describes each of its settings', async (type) => {
  const definition = await loadDestination(type);
  expect(definition?.type).toBe(type);
  const { properties = {} } = z.toJSONSchema(definition?.settings ?? z.never(), { io: 'input' });
  for (const [name, setting] of Object.entries(properties)) {
    expect(setting, name).toHaveProperty('description');
  }
});

test('only what is asked for is loaded, each once', async () => {
  expect([...(await loadDestinations(['webhook', 'log', 'webhook'])).keys()]).toEqual(['webhook', 'log']);
  expect(await loadDestinations([])).toEqual(new Map());
});

test.each([
  'pigeon',
  '__proto__',
  'toString',
  '@acme',
  '@Acme/x',
  '@acme/../x',
  'own/',
  'own/../x',
  'own/A',
  'own/a/b',
  '',
])('for the unknown type %j all that there are are loaded, so that a sentence can name them', async (type) => {
  expect([...(await loadDestinations(['log', type])).keys()]).toEqual(destinationTypes);
  expect(await loadDestination(type)).toBeUndefined();
  expect(destinationPackage(type)).toBeUndefined();
});

test('a type that is the name of a package is the default export of that package', async () => {
  const imported: string[] = [];
  const importPackage = (name: string) => {
    imported.push(name);
    return Promise.resolve({ default: webhook });
  };
  const definitions = await loadDestinations(['@acme/pigeon', 'log'], importPackage);
  expect(definitions.get('@acme/pigeon')).toBe(webhook);
  expect([...definitions.keys()]).toEqual(['@acme/pigeon', 'log']);
  expect(imported).toEqual(['@acme/pigeon']);
});

test('a type that begins with own/ is the connector in that folder of the company’s own', async () => {
  const imported: string[] = [];
  const importPackage = (name: string) => {
    imported.push(name);
    return Promise.resolve({ default: webhook });
  };
  expect(await loadDestination('own/pigeon-post', importPackage)).toBe(webhook);
  expect(imported).toEqual(['@activation-hub/own/pigeon-post']);
});

test('a connector of the company’s own that is not there is named, with what makes it', async () => {
  await expect(loadDestination('own/no-such-connector')).rejects.toThrow(
    'Failed to load the destination own/no-such-connector: there is no own/connectors/no-such-connector/destination.ts. Run npx nx g @activation-hub/tools:destination no-such-connector --own.',
  );
});

test('the stand-in of a connector of the company’s own is what its vendor.ts exports', async () => {
  const startLocalPigeonVendor = () => Promise.reject(new Error('not started'));
  const importVendor = () => Promise.resolve({ birds: 3, startLocalPigeonVendor });
  expect(await localVendorOf('own/pigeon', importVendor)).toBe(startLocalPigeonVendor);
  expect(await localVendorOf('own/pigeon', () => Promise.resolve({}))).toBeUndefined();
  expect(await localVendorOf('@acme/pigeon', importVendor)).toBeUndefined();
});

test('a connector of the company’s own without a vendor.ts has no stand-in', async () => {
  expect(await localVendorOf('own/no-such-connector')).toBeUndefined();
  const notFound = (words: string) => Object.assign(new Error(words), { code: 'ERR_MODULE_NOT_FOUND' });
  const missing = notFound(
    "Cannot find module 'C:\\hub\\own\\connectors\\pigeon\\vendor.ts' imported from C:\\hub\\a.ts",
  );
  expect(await localVendorOf('own/pigeon', () => Promise.reject(missing))).toBeUndefined();
});

test.each([
  Object.assign(new Error("Cannot find module '/hub/birds.ts' imported from /hub/own/connectors/pigeon/vendor.ts"), {
    code: 'ERR_MODULE_NOT_FOUND',
  }),
  new Error('no birds'),
])('a vendor.ts that fails as it is loaded is named: %s', async (error) => {
  await expect(localVendorOf('own/pigeon', () => Promise.reject(error))).rejects.toThrow(
    `own/connectors/pigeon/vendor.ts fails as it is loaded: ${error.message}.`,
  );
});

test('a package that is not installed is named, with what to do', async () => {
  await expect(loadDestination('@acme/no-such-destination')).rejects.toThrow(
    'Failed to load the destination @acme/no-such-destination: there is no such package. Run npm install @acme/no-such-destination.',
  );
});

test.each<[string, unknown, string]>([
  ['without a default export', { webhook }, 'it has no default export. Let it export'],
  ['that exports a function', { default: () => webhook }, 'its default export is not a destination.'],
  ['that exports less than a destination', { default: { ...webhook, connect: undefined } }, 'is not a destination.'],
])('a package %s is refused', async (_what, exports, words) => {
  await expect(loadDestination('@acme/pigeon', () => Promise.resolve(exports))).rejects.toThrow(words);
});

test('a package whose own code or dependency fails is not taken for one that is missing', async () => {
  const missing = Object.assign(new Error("Cannot find package '@acme/other'"), { code: 'ERR_MODULE_NOT_FOUND' });
  await expect(loadDestination('@acme/pigeon', () => Promise.reject(missing))).rejects.toThrow(
    "it fails as it is loaded: Cannot find package '@acme/other'.",
  );
});
