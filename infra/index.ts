import { getClientConfig } from '@pulumi/azure-native/authorization/getClientConfig.js';
import { ResourceGroup } from '@pulumi/azure-native/resources/resourceGroup.js';
import { activationFileOf } from './activation-needs.ts';
import { aepForm } from './aep-form.ts';
import { AepDestination } from './components/aep-destination.ts';
import { EventStream } from './components/event-stream.ts';
import { HandlerApp } from './components/handler-app.ts';
import { HandlerStorage } from './components/handler-storage.ts';
import { Observability } from './components/observability.ts';
import { PrivateNetwork, type PrivateTarget } from './components/private-network.ts';
import { SecretVault } from './components/secret-vault.ts';
import type { StackConfig } from './config-schema.ts';
import { createNames, type Place } from './place.ts';
import { keptSecrets, lastMadeWith, madeWithOutput, refuseFixedChanges } from './made-with.ts';
import { portalLink } from './portal-link.ts';
import { readStack } from './read-stack.ts';

/**
 * Everything in Azure that one environment needs, and its destination in AEP. What it returns are
 * the stack's outputs. The activation file is the environment's in a folder: for Pulumi that of the
 * handler's package (`main.ts`).
 */
export default async function stack(activationsFolder: string) {
  const { config, secrets, exports, aepClientSecret } = readStack(activationsFolder);
  const { subscriptionId, tenantId } = await getClientConfig();
  const last = await lastMadeWith();
  refuseFixedChanges(config, last);
  const kept = keptSecrets(config, secrets, last);
  const names = createNames({ ...config, subscriptionId });
  const tags = { ...config.tags, workload: config.workload, environment: config.environment };

  const group = new ResourceGroup('group', { resourceGroupName: names.resourceGroup, location: config.location, tags });
  const place: Place = { ...config, resourceGroupName: group.name, subscriptionId, tenantId, names, tags };

  const storage = new HandlerStorage('storage', { ...config, place, isPrivate: config.privateNetwork });

  const vault = new SecretVault('vault', { place, ...kept, values: secrets.values, isPrivate: config.privateVault });

  const network =
    config.privateNetwork || config.keepNetwork
      ? new PrivateNetwork('network', {
          place,
          addressSpace: config.addressSpace,
          targets: privateTargets(storage, vault),
        })
      : undefined;

  const stream = new EventStream('stream', {
    ...config,
    place,
    ...(network && config.privateNetwork && config.adobeEgressRanges.length > 0
      ? { allowOnly: { ipRanges: config.adobeEgressRanges, subnetId: network.handlerSubnetId } }
      : {}),
  });

  const observability = new Observability('observability', {
    ...config,
    place,
    resourceGroupId: group.id,
    namespaceId: stream.namespaceId,
    vaultId: vault.vaultId,
    dataAccountId: storage.dataAccountId,
    limits: config,
    ...(config.budgetMonthly > 0 ? { budget: { monthly: config.budgetMonthly, start: config.budgetStart } } : {}),
  });

  const handler = new HandlerApp('handler', {
    ...config,
    place,
    stream,
    storage,
    vault,
    telemetry: { connectionString: observability.connectionString, resourceId: observability.applicationInsightsId },
    activationFile: activationFileOf(config.environment),
    ...(network && config.privateNetwork ? { subnetId: network.handlerSubnetId } : {}),
  });

  const aep =
    aepClientSecret === undefined
      ? undefined
      : new AepDestination(
          'aep',
          { ...ofAep(config), platform: { ...platformOf(config), clientSecret: aepClientSecret }, stream, exports },
          { dependsOn: [handler] },
        );

  return {
    resourceGroup: group.name,
    /** For the destination's form in AEP, and its key. */
    eventHubsNamespace: stream.namespaceName,
    eventHubName: stream.hubName,
    adobeKeyName: stream.adobeKeyName,
    adobeKey: stream.adobeKey,
    /** The destination in AEP, or what to enter in AEP's form to make it. */
    ...(aep === undefined
      ? { aepForm: aepForm(config.environment, stream, exports) }
      : { aepDataflow: aep.flowId, aepNotes: aep.notes }),
    /** For the pipeline. */
    functionApp: handler.appName,
    healthUrl: handler.healthUrl,
    /** For the CLI. */
    eventHubsHostName: stream.hostName,
    consumerGroup: stream.consumerGroup,
    checkpointEndpoint: storage.hostBlobEndpoint,
    dataBlobEndpoint: storage.dataEndpoints.blob,
    dataQueueEndpoint: storage.dataEndpoints.queue,
    dataTableEndpoint: storage.dataEndpoints.table,
    /** For a person: where to look, and what is still to be filled in. */
    vault: vault.vaultName,
    /** For the next `up`: what cannot be changed, and for which secrets the app has settings. */
    madeWith: madeWithOutput(config, kept),
    secretsToFill: secrets.secretNames.filter((name) => !secrets.values.has(name)),
    resourceGroupLink: portalLink(tenantId, group.id),
    functionAppLink: portalLink(tenantId, handler.appId),
    workbookLink: portalLink(tenantId, observability.workbookId),
    ...(network && config.privateNetwork ? { outboundAddress: network.outboundAddress } : {}),
  };
}

/** What is reached by the private network alone. */
function privateTargets(storage: HandlerStorage, vault: SecretVault): readonly PrivateTarget[] {
  return [
    { name: 'host-blob', resourceId: storage.hostAccountId, service: 'blob' },
    { name: 'data-blob', resourceId: storage.dataAccountId, service: 'blob' },
    { name: 'data-queue', resourceId: storage.dataAccountId, service: 'queue' },
    { name: 'data-table', resourceId: storage.dataAccountId, service: 'table' },
    ...storage.ledgerAccountIds.map((resourceId, index): PrivateTarget => ({
      name: `ledger-${index + 1}-table`,
      resourceId,
      service: 'table',
    })),
    { name: 'vault', resourceId: vault.vaultId, service: 'vault' },
  ];
}

/** Adobe's platform, but for the secret. */
const platformOf = (config: StackConfig) => ({
  organisation: config.aepOrganisation,
  sandbox: config.aepSandbox,
  clientId: config.aepClientId,
  platformUrl: config.aepPlatformUrl,
  imsUrl: config.aepImsUrl,
});

/** What the configuration says of the destination in AEP. */
const ofAep = (config: StackConfig) => ({
  environment: config.environment,
  enabled: config.aepEnabled,
  hubScopedKey: config.aepHubScopedKey,
  ...(config.aepAuthSpecName === '' ? {} : { authSpecName: config.aepAuthSpecName }),
  ...(config.aepConnectionId === '' ? {} : { connectionId: config.aepConnectionId }),
  ...(config.aepDataflowId === '' ? {} : { dataflowId: config.aepDataflowId }),
});
