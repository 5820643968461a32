import { expect, test } from 'vitest';
import { placeForTests, recordComponent, settled } from '../testing/record-component.ts';
import { named, ofType, theOnly } from '../testing/stacks.ts';
import { EventStream, type EventStreamArgs } from './event-stream.ts';

const record = (over: Partial<EventStreamArgs> = {}) =>
  recordComponent(
    () =>
      new EventStream('stream', {
        place: placeForTests(),
        eventHubsTier: 'Standard',
        eventHubsClusterId: '',
        processingUnits: 2,
        partitionCount: 4,
        retentionHours: 72,
        throughputUnits: 1,
        throughputUnitsMax: 1,
        sendOnly: false,
        archive: false,
        ...over,
      }),
  );

test('it is a namespace, a hub, a consumer group and a key, under stable names', async () => {
  const { resources } = await record();
  expect(resources.map(({ type, name, parent }) => [type.split(':').at(-1), name, parent])).toEqual([
    ['EventStream', 'stream', undefined],
    ['EventHubAuthorizationRule', 'stream-adobe-key', 'stream'],
    ['ConsumerGroup', 'stream-consumer-group', 'stream'],
    ['EventHub', 'stream-hub', 'stream'],
    ['Namespace', 'stream-namespace', 'stream'],
    ['NamespaceNetworkRuleSet', 'stream-network-rules', 'stream'],
  ]);
});

test('without allowed ranges the rules are there all the same, and refuse no sender', async () => {
  expect(theOnly((await record()).resources, 'NamespaceNetworkRuleSet').inputs).toMatchObject({
    defaultAction: 'Allow',
    publicNetworkAccess: 'Enabled',
    ipRules: [],
    virtualNetworkRules: [],
  });
});

test('the hub has the partitions and the retention that are asked for', async () => {
  const { resources } = await record();
  expect(theOnly(resources, 'EventHub').inputs).toEqual({
    resourceGroupName: 'rg-acthub-dev',
    namespaceName: placeForTests().names.eventHubsNamespace,
    eventHubName: 'profile-exports',
    partitionCount: 4,
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: 72 },
  });
});

test('the namespace takes keys, for Adobe has nothing else, and TLS 1.2 at the least', async () => {
  const { inputs, isProtected } = theOnly((await record()).resources, 'Namespace');
  expect(inputs).toMatchObject({
    sku: { name: 'Standard', tier: 'Standard', capacity: 1 },
    disableLocalAuth: false,
    publicNetworkAccess: 'Enabled',
    minimumTlsVersion: '1.2',
    isAutoInflateEnabled: false,
    maximumThroughputUnits: 0,
  });
  expect(inputs).not.toHaveProperty('identity');
  expect(isProtected).toBe(false);
});

test('throughput is raised by Azure where the highest is above the lowest', async () => {
  const { resources } = await record({ throughputUnitsMax: 10 });
  expect(theOnly(resources, 'Namespace').inputs).toMatchObject({
    isAutoInflateEnabled: true,
    maximumThroughputUnits: 10,
  });
});

test('a Premium namespace has processing units, and a Dedicated one its cluster; neither is inflated', async () => {
  const namespaceOf = async (over: Partial<EventStreamArgs>) =>
    theOnly((await record({ throughputUnitsMax: 10, ...over })).resources, 'Namespace').inputs;
  const premium = await namespaceOf({ eventHubsTier: 'Premium' });
  expect(premium).toMatchObject({
    sku: { name: 'Premium', tier: 'Premium', capacity: 2 },
    isAutoInflateEnabled: false,
    maximumThroughputUnits: 0,
  });
  expect(premium).not.toHaveProperty('clusterArmId');
  expect(await namespaceOf({ eventHubsTier: 'Dedicated', eventHubsClusterId: '/clusters/hubs' })).toMatchObject({
    sku: { name: 'Standard', tier: 'Standard', capacity: 1 },
    clusterArmId: '/clusters/hubs',
    isAutoInflateEnabled: false,
    maximumThroughputUnits: 0,
  });
});

test('zones and protection follow the place', async () => {
  const { resources } = await record({ place: placeForTests({ zoneRedundant: true, protectData: true }) });
  expect(theOnly(resources, 'Namespace').inputs.zoneRedundant).toBe(true);
  expect(theOnly((await record()).resources, 'Namespace').inputs).not.toHaveProperty('zoneRedundant');
  expect(resources.filter(({ isProtected }) => isProtected).map(({ name }) => name)).toEqual([
    'stream-hub',
    'stream-namespace',
  ]);
});

test.each([
  [false, ['Manage', 'Listen', 'Send']],
  [true, ['Send']],
])("with sendOnly %s Adobe's key has the rights %j, on the hub", async (sendOnly, rights) => {
  const { resources } = await record({ sendOnly });
  expect(theOnly(resources, 'EventHubAuthorizationRule').inputs).toMatchObject({
    eventHubName: 'profile-exports',
    authorizationRuleName: 'adobe',
    rights,
  });
});

test("Adobe's key is an output, and a secret", async () => {
  const { made } = await record();
  expect(await settled(made.adobeKey)).toEqual({ value: 'stand-in-key', isSecret: true });
  expect(await settled(made.adobeKeyName)).toEqual({ value: 'adobe', isSecret: false });
  expect(made.hostName).toBe(`${placeForTests().names.eventHubsNamespace}.servicebus.windows.net`);
});

test('with allowed ranges everyone else is refused, but for the handler and trusted services', async () => {
  const allowOnly = { ipRanges: ['203.0.113.0/24', '198.51.100.7'], subnetId: '/subnets/handler' };
  const { resources } = await record({ allowOnly });
  expect(theOnly(resources, 'NamespaceNetworkRuleSet').inputs).toMatchObject({
    defaultAction: 'Deny',
    publicNetworkAccess: 'Enabled',
    trustedServiceAccessEnabled: true,
    ipRules: [
      { ipMask: '203.0.113.0/24', action: 'Allow' },
      { ipMask: '198.51.100.7', action: 'Allow' },
    ],
    virtualNetworkRules: [{ subnet: { id: '/subnets/handler' } }],
  });
});

test('the archive is an account of its own, to which Event Hubs writes with an identity that has its role before', async () => {
  const { resources } = await record({ archive: true });
  const account = theOnly(resources, 'StorageAccount');
  expect(account).toMatchObject({
    parent: 'stream-archive',
    inputs: {
      accountName: placeForTests().names.archiveAccount,
      allowSharedKeyAccess: false,
      networkRuleSet: { defaultAction: 'Deny', bypass: 'AzureServices' },
    },
  });
  const role = theOnly(resources, 'RoleAssignment');
  expect(role.inputs.scope).toMatch(/storageAccounts\/acthubdevarch\w{6}$/);
  expect(named(resources, 'stream-namespace').dependsOn).toContain(role.name);
  const identity = `/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-acthub-dev/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-archive-acthub-dev`;
  expect(named(resources, 'stream-namespace').inputs.identity).toEqual({
    type: 'UserAssigned',
    userAssignedIdentities: [identity],
  });
  expect(theOnly(resources, 'EventHub').inputs.captureDescription).toMatchObject({
    enabled: true,
    encoding: 'Avro',
    destination: {
      blobContainer: 'profile-exports',
      identity: { type: 'UserAssigned', userAssignedIdentity: identity },
    },
  });
  expect(ofType(resources, 'BlobContainer').map(({ inputs }) => inputs.publicAccess)).toEqual(['None']);
});
