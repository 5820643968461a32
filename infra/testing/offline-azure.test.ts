import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { subscriptionId } from '../plan/azure-answers.ts';
import { OfflineAzure } from './offline-azure.ts';

const group = { resourceGroupName: 'rg' };
const namespace = { ...group, namespaceName: 'ns-one', location: 'westeurope' };
const hub = { ...group, namespaceName: 'ns-one', eventHubName: 'exports' };
const root = `/subscriptions/${subscriptionId}/resourceGroups/rg`;
const types = {
  group: 'azure-native:resources:ResourceGroup',
  namespace: 'azure-native:eventhub:Namespace',
  hub: 'azure-native:eventhub:EventHub',
  account: 'azure-native:storage:StorageAccount',
  container: 'azure-native:storage:BlobContainer',
  role: 'azure-native:authorization:RoleAssignment',
  app: 'azure-native:web:WebApp',
  vault: 'azure-native:keyvault:Vault',
};

function emptyAzure(): OfflineAzure {
  const folder = mkdtempSync(join(tmpdir(), 'offline-azure-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return new OfflineAzure(folder);
}

function azureWithHub(): OfflineAzure {
  const azure = emptyAzure();
  azure.create(types.group, group);
  azure.create(types.namespace, namespace);
  azure.create(types.hub, hub);
  return azure;
}

test('what is created has the id that Azure gives it, and is found whatever the case of its letters', () => {
  const azure = azureWithHub();
  const id = `${root}/providers/Microsoft.EventHub/namespaces/ns-one/eventhubs/exports`;
  expect(azure.find(id)).toEqual({ id, type: types.hub, inputs: hub });
  expect(azure.find(id.toUpperCase())?.id).toBe(id);
});

test('nothing is created without what must be there before', () => {
  const azure = emptyAzure();
  expect(() => azure.create(types.namespace, namespace)).toThrow(`${root} does not exist`);
  azure.create(types.group, group);
  expect(() => azure.create(types.hub, hub)).toThrow(
    `${root}/providers/Microsoft.EventHub/namespaces/ns-one does not exist`,
  );
  const plan = `${root}/providers/Microsoft.Web/serverfarms/plan`;
  expect(() => azure.create(types.app, { ...group, name: 'app', serverFarmId: plan })).toThrow(
    `${plan} does not exist`,
  );
  const scope = `${root}/providers/Microsoft.Storage/storageAccounts/data`;
  expect(() => azure.create(types.role, { roleAssignmentName: 'r', scope })).toThrow(`${scope} does not exist`);
});

test('the services of a storage account are there with it', () => {
  const azure = emptyAzure();
  azure.create(types.group, group);
  azure.create(types.account, { ...group, accountName: 'data' });
  const container = azure.create(types.container, { ...group, accountName: 'data', containerName: 'dead-letters' });
  const service = `${root}/providers/Microsoft.Storage/storageAccounts/data/blobServices/default`;
  expect(container.id).toBe(`${service}/containers/dead-letters`);
  azure.create(types.role, { roleAssignmentName: 'r', scope: service });
});

test('a name is taken once', () => {
  expect(() => azureWithHub().create(types.hub, hub)).toThrow('exists already');
});

test('what is deleted takes with it what is in it, and only that; a second time is no error', () => {
  const azure = azureWithHub();
  azure.create(types.namespace, { ...namespace, namespaceName: 'ns-one-more' });
  const id = `${root}/providers/Microsoft.EventHub/namespaces/ns-one`;
  azure.delete(id);
  azure.delete(id);
  expect(azure.resources().map((resource) => resource.inputs)).toEqual([
    group,
    { ...namespace, namespaceName: 'ns-one-more' },
  ]);
});

test('what does not exist cannot be updated, and its keys cannot be listed', () => {
  const azure = emptyAzure();
  expect(() => azure.update(`${root}/providers/x/y/z`, {})).toThrow('it does not exist');
  const rule = { ...hub, authorizationRuleName: 'adobe' };
  expect(() => azure.answer('azure-native:eventhub:listEventHubKeys', rule)).toThrow(
    'authorizationRules/adobe does not exist',
  );
  expect(() => azure.answer('azure-native:web:listWebAppHostKeys', {})).toThrow('there is no stand-in');
});

test('a type that is not known is a fault', () => {
  const azure = emptyAzure();
  expect(azure.faults('azure-native:sql:Server', {})).toEqual([
    'azure-native:sql:Server is not known: add it to arm-resources.ts',
  ]);
});

test('a secret is not deleted without a role on the data of its vault', () => {
  const azure = emptyAzure();
  azure.create(types.group, group);
  azure.create('azure-native:keyvault:Vault', { ...group, vaultName: 'kv-one' });
  const secret = azure.create('azure-native:keyvault:Secret', { ...group, vaultName: 'kv-one', secretName: 'crm' });
  expect(() => azure.delete(secret.id)).toThrow('403 Forbidden');
  expect(azure.find(secret.id)).toEqual(secret);
});

test('to delete the rules of a namespace closes it, until they are put again', () => {
  const azure = azureWithHub();
  const ruleSet = 'azure-native:eventhub:NamespaceNetworkRuleSet';
  const open = { ...group, namespaceName: 'ns-one', defaultAction: 'Allow', publicNetworkAccess: 'Enabled' };
  const { id } = azure.create(ruleSet, open);
  azure.delete(id);
  expect(azure.find(id)?.inputs).toMatchObject({ defaultAction: 'Deny', publicNetworkAccess: 'Disabled' });
  azure.create(ruleSet, open);
  expect(azure.find(id)?.inputs).toEqual(open);
});

test('a vault that was deleted, by itself or with its group, keeps its name', () => {
  const azure = emptyAzure();
  const vault = { ...group, vaultName: 'kv-one' };
  azure.create(types.group, group);
  azure.create(types.vault, vault);
  azure.delete(root);
  azure.create(types.group, group);
  expect(() => azure.create(types.vault, vault)).toThrow('409 Conflict, a vault with the same name already exists');
  azure.create(types.vault, { ...group, vaultName: 'kv-two' });
});

test('a network that an app was in is not deleted before Azure has freed its subnet, nor its group', () => {
  const azure = emptyAzure();
  azure.create(types.group, group);
  const network = azure.create('azure-native:network:VirtualNetwork', { ...group, virtualNetworkName: 'vnet' });
  const app = { ...group, name: 'app', virtualNetworkSubnetId: `${network.id}/subnets/handler` };
  azure.delete(azure.create(types.app, app).id);
  for (const id of [network.id, root]) expect(() => azure.delete(id)).toThrow('legionservicelink');
  azure.freeSubnets();
  azure.delete(root);
  expect(azure.resources()).toEqual([]);
});

test.each([
  [types.hub, { ...hub, partitionCount: 2 }, { partitionCount: 4 }, 'partitionCount cannot be changed'],
  [types.namespace, namespace, { zoneRedundant: true }, 'zoneRedundant cannot be changed'],
  [
    types.account,
    { ...group, accountName: 'data', sku: { name: 'Standard_LRS' } },
    { sku: { name: 'Standard_ZRS' } },
    'converted on request',
  ],
])('of a %s what cannot be changed is refused, and what can is taken', (type, inputs, over, words) => {
  const azure = emptyAzure();
  azure.create(types.group, group);
  if (type === types.hub) azure.create(types.namespace, namespace);
  const { id } = azure.create(type, inputs);
  expect(() => azure.update(id, { ...inputs, ...over })).toThrow(words);
  expect(azure.update(id, { ...inputs, tags: { a: 'b' } }).inputs).toMatchObject({ tags: { a: 'b' } });
});

test('an account may be copied to another region and not any more, which is no conversion', () => {
  const azure = emptyAzure();
  azure.create(types.group, group);
  const account = { ...group, accountName: 'data', sku: { name: 'Standard_ZRS' } };
  const { id } = azure.create(types.account, account);
  for (const name of ['Standard_GZRS', 'Standard_ZRS']) azure.update(id, { ...account, sku: { name } });
});

test('who may only preview reads, and neither writes, nor lists keys, nor reads the settings of an app', () => {
  const azure = azureWithHub();
  const app = azure.create(types.app, { ...group, name: 'app' });
  const settings = azure.create('azure-native:web:WebAppApplicationSettings', {
    ...group,
    name: 'app',
    properties: {},
  });
  const rule = { ...hub, authorizationRuleName: 'adobe' };
  azure.create('azure-native:eventhub:EventHubAuthorizationRule', rule);
  azure.actAs('previewer');
  expect(azure.read(app.id)).toEqual(app);
  const refused = [
    () => azure.read(settings.id),
    () => azure.answer('azure-native:eventhub:listEventHubKeys', rule),
    () => azure.create(types.namespace, { ...namespace, namespaceName: 'ns-two' }),
    () => azure.update(app.id, app.inputs),
    () => azure.delete(app.id),
  ];
  for (const attempt of refused) expect(attempt).toThrow('AuthorizationFailed');
  azure.actAs('deployer');
  expect(azure.read(settings.id)).toEqual(settings);
});
