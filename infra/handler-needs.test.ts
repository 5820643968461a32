import { dataStores, secretPrefix, settingNames, triggers } from '@activation-hub/handler-contract';
import { beforeAll, expect, test } from 'vitest';
import { stalls } from './components/alert-rules.ts';
import { roleDefinitions, type RoleName } from './roles.ts';
import { armId, armResources } from './arm-resources.ts';
import { subscriptionId, type RecordedResource } from './plan/record-stack.ts';
import { ofType, recordTestedStack, testedStacks, theOnly, type TestedStack } from './testing/stacks.ts';
import { stableUuid } from './place.ts';

const connections = ['AzureWebJobsStorage', ...new Set(Object.values(triggers).map(({ connection }) => connection))];

/**
 * What the Functions host reads itself: besides its version and telemetry, how each connection
 * signs in.
 */
const hostSettings = [
  'FUNCTIONS_EXTENSION_VERSION',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  ...connections.flatMap((connection) => [`${connection}__credential`, `${connection}__clientId`]),
];

/**
 * The role without which a thing cannot be used, and on which resource the handler is to have it.
 */
const rolesByUse: readonly (readonly [role: RoleName, on: string])[] = [
  ['Azure Event Hubs Data Receiver', 'stream-hub'],
  ['Storage Blob Data Owner', 'storage-host'],
  ['Storage Blob Data Contributor', 'storage-data'],
  ['Storage Queue Data Contributor', 'storage-data'],
  ['Key Vault Secrets User', 'vault-vault'],
  ['Monitoring Metrics Publisher', 'observability-application-insights'],
];

type Resources = readonly RecordedResource[];
const settingsOf = (resources: Resources): Readonly<Record<string, string>> =>
  theOnly(resources, 'WebAppApplicationSettings').inputs.properties as Record<string, string>;

/** What the handler would miss in a stack, or find otherwise than it needs it; a line each. */
function missing(resources: Resources): readonly string[] {
  return [...settingsMissing(resources), ...storesMissing(resources), ...rolesMissing(resources)];
}

/** The accounts that have the ledger. */
function ledgerAccountsIn(resources: Resources): readonly string[] {
  const spread = resources.flatMap(({ name }) => (/^storage-ledger-\d+$/.test(name) ? [name] : []));
  return spread.length === 0 ? ['storage-data'] : spread;
}

function settingsMissing(resources: Resources): readonly string[] {
  const settings = settingsOf(resources);
  const { required, identity, optional, telemetry } = settingNames;
  const known = new Set([...required, ...identity, ...optional, ...telemetry, ...hostSettings]);
  const absent = [...required, ...identity, ...hostSettings].filter((name) => (settings[name] ?? '') === '');
  const unread = Object.keys(settings).filter((name) => !known.has(name) && !name.startsWith(secretPrefix));
  const valueOf = (type: string, key: string) => ofType(resources, type).map(({ inputs }) => String(inputs[key]));
  const account = (name: string) => resources.find((each) => each.name === name)?.inputs.accountName as string;
  const clientId = stableUuid('client of handler-identity');
  const ofLedger = ledgerAccountsIn(resources);
  const expected: Readonly<Record<string, string | undefined>> = {
    EVENT_HUB_NAME: valueOf('EventHub', 'eventHubName')[0],
    EVENT_HUB_CONSUMER_GROUP: valueOf('ConsumerGroup', 'consumerGroupName')[0],
    EventHubConnection__fullyQualifiedNamespace: `${valueOf('Namespace', 'namespaceName').join()}.servicebus.windows.net`,
    AzureWebJobsStorage__blobServiceUri: `https://${account('storage-host')}.blob.core.windows.net`,
    ...Object.fromEntries(
      ['blob', 'queue'].map((service) => [
        `DataStorage__${service}ServiceUri`,
        `https://${account('storage-data')}.${service}.core.windows.net`,
      ]),
    ),
    DataStorage__tableServiceUri: ofLedger.map((name) => `https://${account(name)}.table.core.windows.net`).join(','),
    ...Object.fromEntries(connections.map((connection) => [`${connection}__credential`, 'managedidentity'])),
    ...Object.fromEntries(connections.map((connection) => [`${connection}__clientId`, clientId])),
  };
  const other = Object.entries(expected).filter(([name, value]) => settings[name] !== value);
  return [
    ...absent.map((name) => `setting ${name} is absent`),
    ...unread.map((name) => `setting ${name} is read by nobody`),
    ...other.map(([name, value]) => `setting ${name} is not ${value ?? 'known'}`),
  ];
}

function storesMissing(resources: Resources): readonly string[] {
  const inDataAccount = (type: string, key: string) => {
    const { accountName } = resources.find(({ name }) => name === 'storage-data')?.inputs ?? {};
    return ofType(resources, type).flatMap(({ inputs }) => (inputs.accountName === accountName ? [inputs[key]] : []));
  };
  const made = {
    tables: inDataAccount('Table', 'tableName'),
    containers: inDataAccount('BlobContainer', 'containerName'),
    queues: inDataAccount('Queue', 'queueName'),
  };
  return (['tables', 'containers', 'queues'] as const).flatMap((kind) => {
    const needed: readonly string[] = Object.values(dataStores[kind]);
    return [
      ...needed.filter((name) => !made[kind].includes(name)).map((name) => `no ${name} among ${kind}`),
      ...made[kind].filter((name) => !needed.includes(String(name))).map((name) => `${String(name)} of ${kind} unused`),
    ];
  });
}

function rolesMissing(resources: Resources): readonly string[] {
  const idOf = (name: string): string | undefined => {
    const resource = resources.find((each) => each.name === name);
    const arm = resource === undefined ? undefined : armResources[resource.type];
    return resource === undefined || arm === undefined ? undefined : armId(arm, resource.inputs, subscriptionId);
  };
  const principal = stableUuid('principal of handler-identity');
  const ofLedger = ledgerAccountsIn(resources).map((name) => ['Storage Table Data Contributor', name] as const);
  return [...rolesByUse, ...ofLedger]
    .filter(
      ([role, on]) =>
        !ofType(resources, 'RoleAssignment').some(
          ({ inputs: { principalId, roleDefinitionId, scope } }) =>
            principalId === principal && String(roleDefinitionId).endsWith(roleDefinitions[role]) && scope === idOf(on),
        ),
    )
    .map(([role, on]) => `no role ${role} on ${on}`);
}

const stacks = new Map<TestedStack, Resources>();
beforeAll(async () => {
  for (const name of testedStacks) stacks.set(name, (await recordTestedStack(name)).resources);
});
const resourcesOf = (name: TestedStack): Resources => stacks.get(name) ?? [];

test.each(testedStacks)(
  '%s gives the handler every setting, store and role that it needs, and no setting more',
  (name) => {
    expect(resourcesOf(name).length).toBeGreaterThan(40);
    expect(missing(resourcesOf(name))).toEqual([]);
  },
);

test('what stands for identities on a machine is in no stack, for it would hold a key', () => {
  for (const name of testedStacks) {
    for (const instead of settingNames.instead) expect(settingsOf(resourcesOf(name))).not.toHaveProperty(instead);
  }
});

test('the functions that infra knows by name are functions of the handler', () => {
  const { functionAppConfig } = theOnly(resourcesOf('prod'), 'WebApp').inputs;
  const kept = [...JSON.stringify(functionAppConfig).matchAll(/"function:([a-z-]+)"/g)].map(([, name]) => name);
  expect(kept).toEqual(['on-audience-events']);
  expect(stalls).toContain("Name == 'on-audience-events'");
  expect(Object.keys(triggers)).toContain('on-audience-events');
});

test.each(['stream-hub', 'stream-consumer-group', 'storage-data', 'storage-host'])(
  'control: a stack without %s is found to lack something',
  (gone) => {
    expect(missing(resourcesOf('prod').filter(({ name }) => name !== gone))).not.toEqual([]);
  },
);

test('control: each store and each role that is taken away is missed', () => {
  const stores = ['Table', 'Queue', 'BlobContainer', 'RoleAssignment'].flatMap((type) =>
    ofType(resourcesOf('prod'), type),
  );
  const needed = stores.filter(({ name }) => !/^stream-archive|^storage-packages/.test(name));
  // Of the ledger too.
  expect(needed).toHaveLength(8 + rolesByUse.length + 1);
  for (const gone of needed) {
    const faults = missing(resourcesOf('prod').filter((resource) => resource !== gone));
    expect(faults, gone.name).toHaveLength(1);
    expect(faults[0]).toMatch(/^no /);
  }
});

test('control: each setting that the handler cannot be without is missed, and one that no code reads is seen', () => {
  const withSettings = (change: (settings: Readonly<Record<string, string>>) => Readonly<Record<string, unknown>>) =>
    resourcesOf('prod').map((resource) =>
      resource.type.endsWith(':WebAppApplicationSettings')
        ? { ...resource, inputs: { ...resource.inputs, properties: change(settingsOf(resourcesOf('prod'))) } }
        : resource,
    );
  const { required, identity } = settingNames;
  // The handler has a default for the others that a stack sets, such as the level of its log.
  const names = new Set<string>([...required, ...identity, ...hostSettings]);
  expect(names.size).toBeGreaterThan(15);
  for (const gone of names) {
    const faults = missing(
      withSettings((all) => Object.fromEntries(Object.entries(all).filter(([name]) => name !== gone))),
    );
    expect(faults, gone).toContain(`setting ${gone} is absent`);
  }
  expect(missing(withSettings((all) => ({ ...all, DATA_STORAGE: 'x' })))).toEqual([
    'setting DATA_STORAGE is read by nobody',
  ]);
});

test('control: a ledger over four accounts needs each of them, in their order, and the role on each', () => {
  const resources = resourcesOf('everything');
  const last = resources.filter(({ name }) => name !== 'storage-ledger-4');
  expect(missing(last)).toContain('setting DataStorage__tableServiceUri is not ' + tableServices([1, 2, 3]));
  const role = 'handler-storage-table-data-contributor-on-ledger-account-3';
  expect(missing(resources.filter(({ name }) => name !== role))).toEqual([
    'no role Storage Table Data Contributor on storage-ledger-3',
  ]);
});

const tableServices = (numbers: readonly number[]): string =>
  numbers
    .map((number) => {
      const account = resourcesOf('everything').find(({ name }) => name === `storage-ledger-${number}`);
      return `https://${String(account?.inputs.accountName)}.table.core.windows.net`;
    })
    .join(',');

test('control: a role on more than the resource does not count as the role', () => {
  const wider = resourcesOf('prod').map((resource) =>
    resource.name === 'handler-azure-event-hubs-data-receiver-on-hub'
      ? { ...resource, inputs: { ...resource.inputs, scope: `/subscriptions/${subscriptionId}` } }
      : resource,
  );
  expect(missing(wider)).toEqual(['no role Azure Event Hubs Data Receiver on stream-hub']);
});
