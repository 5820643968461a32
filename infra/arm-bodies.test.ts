import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { armResources, type ArmResource } from './arm-resources.ts';
import { armTypesOf } from './testing/arm-types.ts';
import type { RecordedResource } from './plan/record-stack.ts';
import { named, recordTestedStack, testedStacks } from './testing/stacks.ts';
import { armFaults } from './testing/validate-arm.ts';

function armResourceOf({ type }: RecordedResource): ArmResource {
  const resource = armResources[type];
  if (resource === undefined) throw new Error(`Failed to validate ${type}: add it to arm-resources.ts.`);
  return resource;
}

/** The resources of the largest stack. */
const everything = async (): Promise<readonly RecordedResource[]> => (await recordTestedStack('everything')).resources;

const isAzure = ({ type }: RecordedResource): boolean => type.startsWith('azure-native:');

test.for(testedStacks)('every resource of %s is what Azure takes', async (stack) => {
  const resources = (await recordTestedStack(stack)).resources.filter(isAzure);
  expect(resources.length).toBeGreaterThan(35);
  const faults = resources.flatMap((resource) =>
    armFaults(armResourceOf(resource), resource.inputs).map((fault) => `${resource.name}: ${fault}`),
  );
  expect(faults).toEqual([]);
});

test('what is unknown before Azure answers passes for anything', async () => {
  const resources = (await recordTestedStack('everything', {}, 'planned')).resources.filter(isAzure);
  expect(resources.flatMap((resource) => armFaults(armResourceOf(resource), resource.inputs))).toEqual([]);
});

const changed = (path: readonly string[], value: unknown, of: unknown): unknown => {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(of))
    return of.map((item: unknown, index) => (index === Number(key) ? changed(rest, value, item) : item));
  const record = (of ?? {}) as Record<string, unknown>;
  return { ...record, [key]: changed(rest, value, record[key]) };
};

test.for([
  ['a property that does not exist', 'stream-hub', 'partitions', 4, 'properties.partitions is not known'],
  ['one of the wrong kind', 'stream-hub', 'partitionCount', '4', 'properties.partitionCount must be a whole number'],
  ['one out of range', 'stream-hub', 'partitionCount', 0, 'properties.partitionCount must be from 1 to Infinity'],
  ['a word that is none', 'stream-namespace', 'sku.name', 'Gold', 'sku.name must be one of Basic, Standard, Premium'],
  ['a name too long', 'stream-namespace', 'namespaceName', 'n'.repeat(60), 'name must have 6 to 50 characters'],
  ['a name of wrong letters', 'vault-vault', 'vaultName', 'kv_activation', 'name must match ^[a-zA-Z0-9-]{3,24}$'],
  ['a missing property', 'vault-vault', 'properties.tenantId', undefined, 'properties.tenantId is missing'],
  ['a missing region', 'handler-plan', 'location', undefined, 'location is missing'],
  ['what is read only', 'storage-host', 'primaryLocation', 'x', "properties.primaryLocation is Azure's to set"],
  [
    'one deep inside',
    'handler-app',
    'functionAppConfig.runtime.name',
    'nodejs',
    'properties.functionAppConfig.runtime.name must be one of dotnet-isolated, node, java, powershell, python, custom',
  ],
  [
    'one inside a list',
    'network-network',
    'subnets.0.addressPrefx',
    '10.0.0.0/8',
    'properties.subnets[0].addressPrefx is not known',
  ],
  [
    'one inside what is told apart by a word',
    'observability-alert-throttled',
    'criteria.allOf.0.operator',
    'Over',
    'properties.criteria.allOf[0].operator must be one of Equals, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual',
  ],
  [
    'a setting that is no text',
    'handler-settings',
    'properties.AzureWebJobsStorage__clientId',
    1,
    'properties.AzureWebJobsStorage__clientId must be text',
  ],
] as const)('control: %s is found', async ([, name, path, value, fault]) => {
  const resource = named(await everything(), name);
  const inputs = changed(path.split('.'), value, resource.inputs) as RecordedResource['inputs'];
  expect(armFaults(armResourceOf(resource), inputs)).toEqual([fault]);
});

test.for(Object.entries(armResources))('the version of %s is the one that the SDK sends', ([type, { apiVersion }]) => {
  const [, module = '', name = ''] = type.split(':');
  const file = `${name.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (start) => start.toLowerCase())}.d.ts`;
  const path = createRequire(import.meta.url).resolve(`@pulumi/azure-native/${module}/${file}`);
  expect(/Uses Azure REST API version (\S+?)\./.exec(readFileSync(path, 'utf8'))?.[1]).toBe(apiVersion);
});

test('what is excused as newer than the published types is indeed not in them', async () => {
  const resources = await everything();
  for (const [type, resource] of Object.entries(armResources)) {
    for (const path of resource.notInTypes ?? []) {
      const used = resources.find((one) => one.type === type);
      expect(armFaults({ ...resource, notInTypes: [] }, used?.inputs ?? {})).toEqual([`${path} is not known`]);
    }
  }
});

test('Azure publishes types for every resource but the group', () => {
  const without = Object.entries(armResources).filter(([, resource]) => resource.typesFile === undefined);
  expect(without.map(([type]) => type)).toEqual(['azure-native:resources:ResourceGroup']);
});

test('the version of the types is the version that is sent, but for the web, which lags behind', () => {
  const behind = Object.values(armResources).filter(
    ({ typesFile, apiVersion }) => typesFile !== undefined && !typesFile.includes(`-${apiVersion}.json`),
  );
  expect([...new Set(behind.map(({ typesFile }) => typesFile))]).toEqual(['web-microsoft.web-2025-03-01.json']);
  for (const resource of Object.values(armResources)) {
    if (resource.typesFile !== undefined) expect(armTypesOf(resource)?.bodyOf(resource.type)).toBeDefined();
  }
});
