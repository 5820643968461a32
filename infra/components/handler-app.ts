import { secretVariable, type AppSettings } from '@activation-hub/handler-contract';
import { UserAssignedIdentity } from '@pulumi/azure-native/managedidentity/userAssignedIdentity.js';
import { AppServicePlan } from '@pulumi/azure-native/web/appServicePlan.js';
import { WebApp } from '@pulumi/azure-native/web/webApp.js';
import { WebAppApplicationSettings } from '@pulumi/azure-native/web/webAppApplicationSettings.js';
import { WebAppFtpAllowed } from '@pulumi/azure-native/web/webAppFtpAllowed.js';
import { WebAppScmAllowed } from '@pulumi/azure-native/web/webAppScmAllowed.js';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import type { Place } from '../place.ts';
import { assignRole, type Grant } from '../roles.ts';
import type { HandlerStorage } from './handler-storage.ts';
import type { SecretVault } from './secret-vault.ts';

export interface HandlerAppArgs {
  readonly place: Place;
  /** Where the events come from. */
  readonly stream: {
    readonly hostName: string;
    readonly hubId: Input<string>;
    readonly hubName: Input<string>;
    readonly consumerGroup: Input<string>;
  };
  readonly storage: Pick<
    HandlerStorage,
    | 'hostAccountId'
    | 'hostBlobEndpoint'
    | 'packageContainer'
    | 'dataAccountId'
    | 'dataEndpoints'
    | 'dataAccountHasLedger'
    | 'ledgerAccountIds'
  >;
  readonly vault: Pick<SecretVault, 'vaultId' | 'references'>;
  /** Where the app's telemetry goes; it signs in with its identity. */
  readonly telemetry: { readonly connectionString: Input<string>; readonly resourceId: Input<string> };
  /** A collector that takes metrics and spans by OTLP besides; empty for none. */
  readonly otlpEndpoint: string;
  /** Which log lines the app writes, and of each kind how many in a minute of an instance. */
  readonly logLevel: string;
  readonly logLinesPerMinute: number;
  /** The ledger is being moved: the app uses it only after an import. */
  readonly moveLedger: boolean;
  /** How many batches are traced in a minute of an instance. */
  readonly tracesPerMinute: number;
  /** Path inside the deployed package, such as `activations/dev.yaml`. */
  readonly activationFile: string;
  /** Of the hub, each of which one instance reads. */
  readonly partitionCount: number;
  /** Memory of one instance: 2048 or 4096. */
  readonly instanceMemoryMb: number;
  /**
   * Instances that read events without having to be started; 0 is cheapest. In several zones it is
   * 0 or at least 2.
   */
  readonly alwaysReady: number;
  /**
   * Runs in several zones. Azure then keeps two instances ready for each group of functions, and
   * bills them.
   */
  readonly zoneRedundantApp: boolean;
  /**
   * New code and settings replace instances one after the other, and batches in flight may finish.
   * Otherwise all instances end at once, and their batches are read again.
   */
  readonly rollingUpdate: boolean;
  /** The subnet through which everything leaves; absent without a private network. */
  readonly subnetId?: Input<string>;
}

/**
 * The runtime of the package, out of Flex Consumption's catalogue; another value would fail only at
 * the start.
 */
const runtime = { name: 'node', version: '24' } as const;

/** The lowest and the highest that Flex Consumption takes for the most instances of a function. */
const instances = { min: 40, max: 1000 };

/** The function that reads the events, as the handler registers it. */
const readingFunction = 'on-audience-events';

/**
 * The function app: a Flex Consumption plan, a user-assigned identity that has its roles before the
 * app exists, and the settings that the handler reads. Code is not its business: the pipeline
 * deploys the package.
 *
 * Settings are a resource of their own and there is no `siteConfig`, because the SDK fills in
 * defaults there that Flex Consumption refuses (error 51021).
 */
export class HandlerApp extends ComponentResource {
  readonly appName: string;
  readonly appId: Output<string>;
  /** `https://…/health` answers 200 when the app can reach its stores. */
  readonly healthUrl: string;

  constructor(name: string, args: HandlerAppArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:HandlerApp', name, {}, options);
    const { place } = args;
    const identity = this.#createIdentity(name, place);
    const grants = neededGrants(args).map((grant) =>
      assignRole(this, { name, principalId: identity.principalId }, grant, place),
    );
    const plan = this.#createPlan(name, args);
    const app = this.#createApp(name, args, { identity, plan, dependsOn: grants });
    this.#createSettings(name, args, app, identity);
    this.#refusePublishingPasswords(name, place, app);

    this.appName = place.names.app;
    this.appId = app.id;
    this.healthUrl = `https://${this.appName}.azurewebsites.net/health`;
    this.registerOutputs({ appName: this.appName });
  }

  #createIdentity(name: string, place: Place): UserAssignedIdentity {
    return new UserAssignedIdentity(
      `${name}-identity`,
      {
        resourceGroupName: place.resourceGroupName,
        resourceName: place.names.handlerIdentity,
        location: place.location,
        tags: place.tags,
      },
      { parent: this },
    );
  }

  #createPlan(name: string, { place, zoneRedundantApp }: HandlerAppArgs): AppServicePlan {
    return new AppServicePlan(
      `${name}-plan`,
      {
        resourceGroupName: place.resourceGroupName,
        name: place.names.plan,
        location: place.location,
        tags: place.tags,
        kind: 'functionapp',
        reserved: true,
        sku: { name: 'FC1', tier: 'FlexConsumption' },
        zoneRedundant: zoneRedundantApp,
      },
      { parent: this },
    );
  }

  #createApp(
    name: string,
    { place, storage, partitionCount, instanceMemoryMb, alwaysReady, rollingUpdate, subnetId }: HandlerAppArgs,
    {
      identity,
      plan,
      dependsOn,
    }: { identity: UserAssignedIdentity; plan: AppServicePlan; dependsOn: readonly Resource[] },
  ): WebApp {
    return new WebApp(
      `${name}-app`,
      {
        resourceGroupName: place.resourceGroupName,
        name: place.names.app,
        location: place.location,
        tags: place.tags,
        kind: 'functionapp,linux',
        serverFarmId: plan.id,
        httpsOnly: true,
        publicNetworkAccess: 'Enabled',
        identity: { type: 'UserAssigned', userAssignedIdentities: [identity.id] },
        keyVaultReferenceIdentity: identity.id,
        functionAppConfig: {
          deployment: {
            storage: {
              type: 'blobContainer',
              value: interpolate`${storage.hostBlobEndpoint}/${storage.packageContainer}`,
              authentication: {
                type: 'UserAssignedIdentity',
                userAssignedIdentityResourceId: identity.id,
              },
            },
          },
          runtime,
          scaleAndConcurrency: {
            instanceMemoryMB: instanceMemoryMb,
            // Event Hubs gives each partition to one instance, so there are never more readers than
            // partitions.
            maximumInstanceCount: Math.min(Math.max(partitionCount, instances.min), instances.max),
            alwaysReady: alwaysReady === 0 ? [] : [{ name: `function:${readingFunction}`, instanceCount: alwaysReady }],
          },
          siteUpdateStrategy: { type: rollingUpdate ? 'RollingUpdate' : 'Recreate' },
        },
        ...(subnetId === undefined
          ? {}
          : { virtualNetworkSubnetId: subnetId, outboundVnetRouting: { allTraffic: true } }),
      },
      { parent: this, dependsOn: [...dependsOn] },
    );
  }

  #createSettings(
    name: string,
    args: HandlerAppArgs,
    app: WebApp,
    identity: UserAssignedIdentity,
  ): WebAppApplicationSettings {
    return new WebAppApplicationSettings(
      `${name}-settings`,
      {
        resourceGroupName: args.place.resourceGroupName,
        name: app.name,
        properties: appSettings(args, identity.clientId),
      },
      { parent: this },
    );
  }

  /** Deployments sign in with Entra; the app's own publishing user name and password are off. */
  #refusePublishingPasswords(name: string, place: Place, app: WebApp): void {
    const args = { resourceGroupName: place.resourceGroupName, name: app.name, allow: false };
    new WebAppFtpAllowed(`${name}-ftp-password`, args, { parent: this });
    new WebAppScmAllowed(`${name}-scm-password`, args, { parent: this });
  }
}

/**
 * The least that works. Reading events, one hub; the host's account, as its owner, because the host
 * leases blobs and deploys from them; the data account and those of the ledger, to read and write;
 * secrets and telemetry, one right each.
 */
function neededGrants({ stream, storage, vault, telemetry }: HandlerAppArgs): readonly Grant[] {
  const onData = { scope: storage.dataAccountId, scopeName: 'data-account' };
  return [
    { role: 'Azure Event Hubs Data Receiver', scope: stream.hubId, scopeName: 'hub' },
    { role: 'Storage Blob Data Owner', scope: storage.hostAccountId, scopeName: 'host-account' },
    { role: 'Storage Blob Data Contributor', ...onData },
    { role: 'Storage Queue Data Contributor', ...onData },
    ...(storage.dataAccountHasLedger ? [{ role: 'Storage Table Data Contributor', ...onData } satisfies Grant] : []),
    ...storage.ledgerAccountIds.map((scope, index): Grant => {
      return { role: 'Storage Table Data Contributor', scope, scopeName: `ledger-account-${index + 1}` };
    }),
    { role: 'Key Vault Secrets User', scope: vault.vaultId, scopeName: 'vault' },
    { role: 'Monitoring Metrics Publisher', scope: telemetry.resourceId, scopeName: 'application-insights' },
  ];
}

/**
 * What the app reads at its start: the settings of `libs/handler-contract`, and those of the
 * Functions host.
 */
function appSettings(args: HandlerAppArgs, clientId: Input<string>): Record<string, Input<string>> {
  const { stream, storage, vault, telemetry, otlpEndpoint, activationFile } = args;
  const secrets = [...vault.references].map(([name, reference]) => [secretVariable(name), reference] as const);
  const own: AppSettings<Input<string>> = {
    AzureWebJobsStorage__blobServiceUri: storage.hostBlobEndpoint,
    AzureWebJobsStorage__clientId: clientId,
    EventHubConnection__fullyQualifiedNamespace: stream.hostName,
    EventHubConnection__clientId: clientId,
    EVENT_HUB_NAME: stream.hubName,
    EVENT_HUB_CONSUMER_GROUP: stream.consumerGroup,
    DataStorage__blobServiceUri: storage.dataEndpoints.blob,
    DataStorage__queueServiceUri: storage.dataEndpoints.queue,
    DataStorage__tableServiceUri: storage.dataEndpoints.table,
    DataStorage__clientId: clientId,
    APPLICATIONINSIGHTS_CONNECTION_STRING: telemetry.connectionString,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: interpolate`ClientId=${clientId};Authorization=AAD`,
    ...(otlpEndpoint === '' ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint }),
    ACTIVATION_FILE: activationFile,
    ACTIVATION_LOG_LEVEL: args.logLevel,
    ACTIVATION_LOG_LINES_PER_MINUTE: String(args.logLinesPerMinute),
    ACTIVATION_TRACES_PER_MINUTE: String(args.tracesPerMinute),
    ...(args.moveLedger ? { ACTIVATION_LEDGER_MOVES: 'true' } : {}),
    ...Object.fromEntries(secrets),
  };
  const ofHost: Record<string, string> = {
    FUNCTIONS_EXTENSION_VERSION: '~4',
    AzureWebJobsStorage__credential: 'managedidentity',
    EventHubConnection__credential: 'managedidentity',
    DataStorage__credential: 'managedidentity',
  };
  return { ...ofHost, ...own };
}
