import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placeForTests, recordComponent } from '../testing/record-component.ts';
import { stableUuid } from '../place.ts';
import { ofType, theOnly } from '../testing/stacks.ts';
import { HandlerApp, type HandlerAppArgs } from './handler-app.ts';

const scope = (what: string) => `/subscriptions/1/resourceGroups/rg/providers/Microsoft.Test/things/${what}`;
const record = (over: Partial<HandlerAppArgs> = {}, ledgerAccounts: readonly string[] = []) =>
  recordComponent(
    () =>
      new HandlerApp('handler', {
        place: placeForTests(),
        stream: {
          hostName: 'ns.servicebus.windows.net',
          hubId: scope('hub'),
          hubName: 'exports',
          consumerGroup: 'group',
        },
        storage: {
          hostAccountId: scope('host') as never,
          hostBlobEndpoint: 'https://host.blob.core.windows.net',
          packageContainer: 'app-package' as never,
          dataAccountId: scope('data') as never,
          dataEndpoints: { blob: 'https://data.blob', queue: 'https://data.queue', table: 'https://data.table' },
          dataAccountHasLedger: ledgerAccounts.length === 0,
          ledgerAccountIds: ledgerAccounts.map((name) => scope(name) as never),
        },
        vault: {
          vaultId: scope('vault') as never,
          references: new Map([['crm-signing-secret', '@Microsoft.KeyVault(SecretUri=https://kv/secrets/x)']]),
        },
        telemetry: { connectionString: 'InstrumentationKey=1', resourceId: scope('insights') },
        otlpEndpoint: '',
        moveLedger: false,
        logLevel: 'warning',
        logLinesPerMinute: 6,
        tracesPerMinute: 1,
        activationFile: 'activations/dev.yaml',
        partitionCount: 4,
        instanceMemoryMb: 2048,
        alwaysReady: 0,
        zoneRedundantApp: false,
        rollingUpdate: false,
        ...over,
      }),
  );

const identityId =
  '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-acthub-dev/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-handler-acthub-dev';
const clientId = stableUuid('client of handler-identity');

test('the plan is Flex Consumption on Linux, with one app', async () => {
  const { resources } = await record();
  expect(theOnly(resources, 'AppServicePlan').inputs).toMatchObject({
    kind: 'functionapp',
    reserved: true,
    sku: { name: 'FC1', tier: 'FlexConsumption' },
    zoneRedundant: false,
  });
  expect(ofType(resources, 'WebApp')).toHaveLength(1);
});

test('the app has nothing that Flex Consumption refuses, and signs in with its identity everywhere', async () => {
  const { inputs } = theOnly((await record()).resources, 'WebApp');
  expect(inputs).not.toHaveProperty('siteConfig');
  expect(inputs).not.toHaveProperty('virtualNetworkSubnetId');
  expect(inputs).toMatchObject({
    kind: 'functionapp,linux',
    httpsOnly: true,
    identity: { type: 'UserAssigned', userAssignedIdentities: [identityId] },
    keyVaultReferenceIdentity: identityId,
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer',
          value: 'https://host.blob.core.windows.net/app-package',
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId },
        },
      },
      runtime: { name: 'node', version: '24' },
      scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: 40, alwaysReady: [] },
      siteUpdateStrategy: { type: 'Recreate' },
    },
  });
});

test('the runtime is the one for which the handler is built', async () => {
  const build = readFileSync(join(import.meta.dirname, '..', '..', 'apps', 'handler', 'build.ts'), 'utf8');
  const { inputs } = theOnly((await record()).resources, 'WebApp');
  const { runtime } = inputs.functionAppConfig as { runtime: { version: string } };
  expect(build).toContain(`target: 'node${runtime.version}'`);
});

test('options: always ready readers, memory, rolling updates, a subnet for everything that leaves', async () => {
  const { resources } = await record({
    alwaysReady: 2,
    instanceMemoryMb: 4096,
    rollingUpdate: true,
    subnetId: '/subnets/handler',
    zoneRedundantApp: true,
  });
  expect(theOnly(resources, 'WebApp').inputs).toMatchObject({
    virtualNetworkSubnetId: '/subnets/handler',
    outboundVnetRouting: { allTraffic: true },
    functionAppConfig: {
      scaleAndConcurrency: {
        instanceMemoryMB: 4096,
        alwaysReady: [{ name: 'function:on-audience-events', instanceCount: 2 }],
      },
      siteUpdateStrategy: { type: 'RollingUpdate' },
    },
  });
  expect(theOnly(resources, 'AppServicePlan').inputs.zoneRedundant).toBe(true);
});

test('data in several zones puts no app there', async () => {
  const { resources } = await record({ place: placeForTests({ zoneRedundant: true }) });
  expect(theOnly(resources, 'AppServicePlan').inputs.zoneRedundant).toBe(false);
});

test('every role is there before the app, on its own resource, for the identity of the app', async () => {
  const { resources } = await record();
  const roles = ofType(resources, 'RoleAssignment');
  expect(roles.map(({ name, inputs }) => [name, String(inputs.scope).split('/').at(-1)])).toEqual([
    ['handler-azure-event-hubs-data-receiver-on-hub', 'hub'],
    ['handler-key-vault-secrets-user-on-vault', 'vault'],
    ['handler-monitoring-metrics-publisher-on-application-insights', 'insights'],
    ['handler-storage-blob-data-contributor-on-data-account', 'data'],
    ['handler-storage-blob-data-owner-on-host-account', 'host'],
    ['handler-storage-queue-data-contributor-on-data-account', 'data'],
    ['handler-storage-table-data-contributor-on-data-account', 'data'],
  ]);
  for (const { inputs } of roles) expect(inputs.principalId).toBe(stableUuid('principal of handler-identity'));
  expect(theOnly(resources, 'WebApp').dependsOn).toEqual(expect.arrayContaining(roles.map(({ name }) => name)));
});

test('each account of a ledger that is spread has the role for its table, and the data account has not', async () => {
  const { resources } = await record({}, ['first', 'second']);
  const onLedger = ofType(resources, 'RoleAssignment').filter(({ name }) => name.includes('-table-'));
  expect(onLedger.map(({ name, inputs }) => [name, String(inputs.scope).split('/').at(-1)])).toEqual([
    ['handler-storage-table-data-contributor-on-ledger-account-1', 'first'],
    ['handler-storage-table-data-contributor-on-ledger-account-2', 'second'],
  ]);
});

test('the names of the assignments are the same every time, and differ from environment to environment', async () => {
  const namesIn = async (environment: string) => {
    const names = { ...placeForTests().names, resourceGroup: `rg-acthub-${environment}` };
    const { resources } = await record({ place: placeForTests({ names }) });
    return ofType(resources, 'RoleAssignment').map(({ inputs }) => inputs.roleAssignmentName);
  };
  const dev = await namesIn('dev');
  expect(await namesIn('dev')).toEqual(dev);
  expect(new Set([...dev, ...(await namesIn('prod'))]).size).toBe(14);
});

test('the settings are exactly those that host and handler read', async () => {
  const { inputs } = theOnly((await record()).resources, 'WebAppApplicationSettings');
  expect(inputs.properties).toEqual({
    FUNCTIONS_EXTENSION_VERSION: '~4',
    AzureWebJobsStorage__blobServiceUri: 'https://host.blob.core.windows.net',
    AzureWebJobsStorage__credential: 'managedidentity',
    AzureWebJobsStorage__clientId: clientId,
    EventHubConnection__fullyQualifiedNamespace: 'ns.servicebus.windows.net',
    EventHubConnection__credential: 'managedidentity',
    EventHubConnection__clientId: clientId,
    EVENT_HUB_NAME: 'exports',
    EVENT_HUB_CONSUMER_GROUP: 'group',
    DataStorage__blobServiceUri: 'https://data.blob',
    DataStorage__queueServiceUri: 'https://data.queue',
    DataStorage__tableServiceUri: 'https://data.table',
    DataStorage__credential: 'managedidentity',
    DataStorage__clientId: clientId,
    APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=1',
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${clientId};Authorization=AAD`,
    ACTIVATION_FILE: 'activations/dev.yaml',
    ACTIVATION_LOG_LEVEL: 'warning',
    ACTIVATION_LOG_LINES_PER_MINUTE: '6',
    ACTIVATION_TRACES_PER_MINUTE: '1',
    ACTIVATION_SECRET_CRM_SIGNING_SECRET: '@Microsoft.KeyVault(SecretUri=https://kv/secrets/x)',
  });
});

test('publishing passwords are off', async () => {
  const { resources } = await record();
  for (const type of ['WebAppFtpAllowed', 'WebAppScmAllowed']) {
    expect(theOnly(resources, type).inputs).toMatchObject({ name: placeForTests().names.app, allow: false });
  }
});

test.each([
  [4, 40],
  [100, 100],
  [1_024, 1_000],
])('of %i partitions at most %i instances read', async (partitionCount, instances) => {
  const { functionAppConfig } = theOnly((await record({ partitionCount })).resources, 'WebApp').inputs as {
    readonly functionAppConfig: { readonly scaleAndConcurrency: { readonly maximumInstanceCount: number } };
  };
  expect(functionAppConfig.scaleAndConcurrency.maximumInstanceCount).toBe(instances);
});

test('metrics and spans go to a collector besides where one is named', async () => {
  const settings = async (otlpEndpoint: string) =>
    theOnly((await record({ otlpEndpoint })).resources, 'WebAppApplicationSettings').inputs.properties;
  expect(await settings('')).not.toHaveProperty('OTEL_EXPORTER_OTLP_ENDPOINT');
  expect(await settings('http://10.40.7.4:4318')).toMatchObject({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://10.40.7.4:4318',
    APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=1',
  });
});

test('the app is told while the ledger is moved, so that it begins no empty one', async () => {
  const settings = async (moveLedger: boolean) =>
    theOnly((await record({ moveLedger })).resources, 'WebAppApplicationSettings').inputs.properties;
  expect(await settings(false)).not.toHaveProperty('ACTIVATION_LEDGER_MOVES');
  expect(await settings(true)).toMatchObject({ ACTIVATION_LEDGER_MOVES: 'true' });
});
