/** What a Pulumi type of the stack is in Azure's Resource Manager. */
export interface ArmResource {
  /** Such as `Microsoft.EventHub/namespaces/eventhubs`. */
  readonly type: string;
  /** The version that @pulumi/azure-native 3.28.0 sends by default. */
  readonly apiVersion: string;
  /**
   * The inputs that are the segments of the resource's name, outermost first; a text in quotes
   * stands for itself.
   */
  readonly names: readonly string[];
  /** The input that holds the id of the resource that this one extends, such as a role's scope. */
  readonly extends?: string;
  /** The file of Azure's published types; absent where none is published for it. */
  readonly typesFile?: string;
  /** The name of the type in that file, where it is not `type`. */
  readonly typeInFile?: string;
  /** What this version has and the published types do not know yet, as paths of the body. */
  readonly notInTypes?: readonly string[];
  /** Inputs that Azure calls otherwise, anywhere in the body. */
  readonly renames?: Readonly<Record<string, string>>;
}

const eventHub = { apiVersion: '2024-01-01', typesFile: 'eventhub-microsoft.eventhub-2024-01-01.json' };
const storage = { apiVersion: '2024-01-01', typesFile: 'storage-microsoft.storage-2024-01-01.json' };
const keyVault = { apiVersion: '2024-11-01', typesFile: 'keyvault-microsoft.keyvault-2024-11-01.json' };
const network = { apiVersion: '2024-05-01', typesFile: 'network-microsoft.network-2024-05-01.json' };
const privateDns = { apiVersion: '2024-06-01', typesFile: 'privatedns-microsoft.network-2024-06-01.json' };
// Microsoft publishes no types of the version 2025-05-01, which the SDK sends; these are the
// newest.
const web = { apiVersion: '2025-05-01', typesFile: 'web-microsoft.web-2025-03-01.json' };

/**
 * Every type of resource that the stack uses. A resource of another type fails the tests until it
 * stands here.
 */
export const armResources: Readonly<Record<string, ArmResource>> = {
  'azure-native:resources:ResourceGroup': {
    type: 'Microsoft.Resources/resourceGroups',
    apiVersion: '2024-03-01',
    names: ['resourceGroupName'],
  },
  'azure-native:eventhub:Namespace': { ...eventHub, type: 'Microsoft.EventHub/namespaces', names: ['namespaceName'] },
  'azure-native:eventhub:NamespaceNetworkRuleSet': {
    ...eventHub,
    type: 'Microsoft.EventHub/namespaces/networkRuleSets',
    names: ['namespaceName', "'default'"],
  },
  'azure-native:eventhub:EventHub': {
    ...eventHub,
    type: 'Microsoft.EventHub/namespaces/eventhubs',
    names: ['namespaceName', 'eventHubName'],
  },
  'azure-native:eventhub:ConsumerGroup': {
    ...eventHub,
    type: 'Microsoft.EventHub/namespaces/eventhubs/consumergroups',
    names: ['namespaceName', 'eventHubName', 'consumerGroupName'],
  },
  'azure-native:eventhub:EventHubAuthorizationRule': {
    ...eventHub,
    type: 'Microsoft.EventHub/namespaces/eventhubs/authorizationRules',
    names: ['namespaceName', 'eventHubName', 'authorizationRuleName'],
  },
  'azure-native:storage:StorageAccount': {
    ...storage,
    type: 'Microsoft.Storage/storageAccounts',
    names: ['accountName'],
    renames: {
      networkRuleSet: 'networkAcls',
      enableHttpsTrafficOnly: 'supportsHttpsTrafficOnly',
      enableNfsV3: 'isNfsV3Enabled',
    },
  },
  'azure-native:storage:BlobServiceProperties': {
    ...storage,
    type: 'Microsoft.Storage/storageAccounts/blobServices',
    names: ['accountName', 'blobServicesName'],
  },
  'azure-native:storage:BlobContainer': {
    ...storage,
    type: 'Microsoft.Storage/storageAccounts/blobServices/containers',
    names: ['accountName', "'default'", 'containerName'],
  },
  'azure-native:storage:Queue': {
    ...storage,
    type: 'Microsoft.Storage/storageAccounts/queueServices/queues',
    names: ['accountName', "'default'", 'queueName'],
  },
  'azure-native:storage:Table': {
    ...storage,
    type: 'Microsoft.Storage/storageAccounts/tableServices/tables',
    names: ['accountName', "'default'", 'tableName'],
  },
  'azure-native:storage:ManagementPolicy': {
    ...storage,
    type: 'Microsoft.Storage/storageAccounts/managementPolicies',
    names: ['accountName', 'managementPolicyName'],
  },
  'azure-native:keyvault:Vault': { ...keyVault, type: 'Microsoft.KeyVault/vaults', names: ['vaultName'] },
  'azure-native:keyvault:Secret': {
    ...keyVault,
    type: 'Microsoft.KeyVault/vaults/secrets',
    names: ['vaultName', 'secretName'],
  },
  'azure-native:managedidentity:UserAssignedIdentity': {
    type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
    apiVersion: '2023-01-31',
    typesFile: 'msi-microsoft.managedidentity-2023-01-31.json',
    names: ['resourceName'],
  },
  'azure-native:authorization:RoleAssignment': {
    type: 'Microsoft.Authorization/roleAssignments',
    apiVersion: '2022-04-01',
    typesFile: 'authorization-microsoft.authorization-2022-04-01.json',
    names: ['roleAssignmentName'],
    extends: 'scope',
  },
  'azure-native:web:AppServicePlan': { ...web, type: 'Microsoft.Web/serverfarms', names: ['name'] },
  'azure-native:web:WebApp': {
    ...web,
    type: 'Microsoft.Web/sites',
    names: ['name'],
    notInTypes: ['properties.functionAppConfig.siteUpdateStrategy'],
  },
  'azure-native:web:WebAppApplicationSettings': {
    ...web,
    type: 'Microsoft.Web/sites/config',
    names: ['name', "'appsettings'"],
  },
  'azure-native:web:WebAppFtpAllowed': {
    ...web,
    type: 'Microsoft.Web/sites/basicPublishingCredentialsPolicies',
    names: ['name', "'ftp'"],
  },
  'azure-native:web:WebAppScmAllowed': {
    ...web,
    type: 'Microsoft.Web/sites/basicPublishingCredentialsPolicies',
    names: ['name', "'scm'"],
  },
  'azure-native:operationalinsights:Workspace': {
    type: 'Microsoft.OperationalInsights/workspaces',
    apiVersion: '2023-09-01',
    typesFile: 'operationalinsights-microsoft.operationalinsights-2023-09-01.json',
    names: ['workspaceName'],
  },
  'azure-native:applicationinsights:Component': {
    type: 'Microsoft.Insights/components',
    apiVersion: '2020-02-02',
    typesFile: 'applicationinsights-microsoft.insights-2020-02-02.json',
    names: ['resourceName'],
    renames: {
      applicationType: 'Application_Type',
      flowType: 'Flow_Type',
      requestSource: 'Request_Source',
      workspaceResourceId: 'WorkspaceResourceId',
      disableLocalAuth: 'DisableLocalAuth',
      disableIpMasking: 'DisableIpMasking',
      ingestionMode: 'IngestionMode',
      samplingPercentage: 'SamplingPercentage',
      retentionInDays: 'RetentionInDays',
    },
  },
  'azure-native:applicationinsights:Workbook': {
    type: 'Microsoft.Insights/workbooks',
    apiVersion: '2023-06-01',
    typesFile: 'applicationinsights-microsoft.insights-2023-06-01.json',
    names: ['resourceName'],
  },
  'azure-native:monitor:ActionGroup': {
    type: 'Microsoft.Insights/actionGroups',
    apiVersion: '2024-10-01-preview',
    typesFile: 'monitor_1-microsoft.insights-2024-10-01-preview.json',
    names: ['actionGroupName'],
  },
  'azure-native:monitor:MetricAlert': {
    type: 'Microsoft.Insights/metricAlerts',
    apiVersion: '2018-03-01',
    typesFile: 'monitor_1-microsoft.insights-2018-03-01.json',
    names: ['ruleName'],
    renames: { odataType: 'odata.type' },
  },
  'azure-native:monitor:ScheduledQueryRule': {
    type: 'Microsoft.Insights/scheduledQueryRules',
    apiVersion: '2025-01-01-preview',
    typesFile: 'monitor_1-microsoft.insights-2025-01-01-preview.json',
    names: ['ruleName'],
  },
  'azure-native:monitor:DiagnosticSetting': {
    type: 'Microsoft.Insights/diagnosticSettings',
    apiVersion: '2021-05-01-preview',
    typesFile: 'monitor_1-microsoft.insights-2021-05-01-preview.json',
    names: ['name'],
    extends: 'resourceUri',
  },
  'azure-native:consumption:Budget': {
    type: 'Microsoft.Consumption/budgets',
    apiVersion: '2024-08-01',
    typesFile: 'consumption-microsoft.consumption-2024-08-01.json',
    names: ['budgetName'],
    extends: 'scope',
  },
  'azure-native:network:VirtualNetwork': {
    ...network,
    type: 'Microsoft.Network/virtualNetworks',
    names: ['virtualNetworkName'],
  },
  'azure-native:network:NatGateway': { ...network, type: 'Microsoft.Network/natGateways', names: ['natGatewayName'] },
  'azure-native:network:PublicIPAddress': {
    ...network,
    type: 'Microsoft.Network/publicIPAddresses',
    names: ['publicIpAddressName'],
  },
  'azure-native:network:PrivateEndpoint': {
    ...network,
    type: 'Microsoft.Network/privateEndpoints',
    names: ['privateEndpointName'],
  },
  'azure-native:network:PrivateDnsZoneGroup': {
    ...network,
    type: 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups',
    names: ['privateEndpointName', 'privateDnsZoneGroupName'],
  },
  'azure-native:privatedns:PrivateZone': {
    ...privateDns,
    type: 'Microsoft.Network/privateDnsZones',
    names: ['privateZoneName'],
  },
  'azure-native:privatedns:VirtualNetworkLink': {
    ...privateDns,
    type: 'Microsoft.Network/privateDnsZones/virtualNetworkLinks',
    names: ['privateZoneName', 'virtualNetworkLinkName'],
  },
};

type Inputs = Readonly<Record<string, unknown>>;

/**
 * The segments of a resource's name; `undefined` for one that is not known before Azure answers.
 */
export function armNames(resource: ArmResource, inputs: Inputs): readonly (string | undefined)[] {
  return resource.names.map((name) => {
    if (name.startsWith("'")) return name.slice(1, -1);
    const value = inputs[name];
    return typeof value === 'string' ? value : undefined;
  });
}

/** The resource's id, which is made of names; `undefined` where one of them is not known. */
export function armId(resource: ArmResource, inputs: Inputs, subscriptionId: string): string | undefined {
  const names = armNames(resource, inputs);
  const group = inputs.resourceGroupName;
  if (resource.type === 'Microsoft.Resources/resourceGroups') {
    return typeof group === 'string' ? `/subscriptions/${subscriptionId}/resourceGroups/${group}` : undefined;
  }
  const base =
    resource.extends === undefined
      ? typeof group === 'string'
        ? `/subscriptions/${subscriptionId}/resourceGroups/${group}`
        : undefined
      : inputs[resource.extends];
  if (typeof base !== 'string' || names.includes(undefined)) return undefined;
  const [provider, ...types] = resource.type.split('/');
  const path = types.map((type, index) => `${type}/${names[index] ?? ''}`).join('/');
  return `${base}/providers/${provider ?? ''}/${path}`;
}
