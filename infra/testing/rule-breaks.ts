import type { CheckedResource } from '../policy/rules.ts';

/**
 * A change of one resource of the largest stack that breaks a rule: proves that the rule can fail.
 */
export interface RuleBreak {
  readonly rule: string;
  /** The resource that is changed. */
  readonly resource: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The resource that breaks the rule. */
  readonly foundAt: string;
}

const byRule: Readonly<
  Record<string, readonly (readonly [resource: string, inputs: Readonly<Record<string, unknown>>, foundAt?: string])[]>
> = {
  'no shared keys in storage': [
    ['storage-host', { allowSharedKeyAccess: true }],
    ['storage-data', { allowSharedKeyAccess: undefined }],
    ['stream-archive-account', { defaultToOAuthAuthentication: false }],
  ],
  'no public blobs': [['storage-data', { allowBlobPublicAccess: true }]],
  'no public container': [['storage-dead-letters', { publicAccess: 'Blob' }]],
  'storage is encrypted on its way': [
    ['storage-data', { minimumTlsVersion: 'TLS1_0' }],
    ['storage-data', { enableHttpsTrafficOnly: false }],
  ],
  'Event Hubs is encrypted on its way': [['stream-namespace', { minimumTlsVersion: '1.0' }]],
  'Adobe can sign in': [
    ['stream-namespace', { disableLocalAuth: true }],
    ['stream-namespace', { publicNetworkAccess: 'Disabled' }],
  ],
  "the only key is Adobe's": [['stream-adobe-key', { authorizationRuleName: 'reporting' }]],
  'own consumer group': [['stream-consumer-group', { consumerGroupName: '$Default' }]],
  'the handler reads in a consumer group of the stack': [
    ['handler-settings', { properties: { EVENT_HUB_CONSUMER_GROUP: '$Default' } }],
  ],
  'vaults know roles only': [
    ['vault-vault', { properties: { enableRbacAuthorization: false, enablePurgeProtection: true } }],
    ['vault-vault', { properties: { enableRbacAuthorization: true, enablePurgeProtection: true, accessPolicies: [] } }],
    ['vault-vault', { properties: { enableRbacAuthorization: true } }],
  ],
  'secrets are secret': [['vault-secret-crm-signing-secret', { properties: { value: 'hush' } }]],
  'what AEP is told stays secret': [
    ['aep-dataflow', { clientSecret: 'hush' }],
    ['aep-dataflow', { sasKey: 'hush' }],
  ],
  'telemetry needs sign-in': [['observability-application-insights', { disableLocalAuth: false }]],
  'logs need sign-in': [['observability-workspace', { features: {} }]],
  'only roles that we know': [
    // Owner.
    ['handler-key-vault-secrets-user-on-vault', { roleDefinitionId: 'a/8e3af657-a8ff-443c-a75c-2fe8c4bcb635' }],
    ['handler-key-vault-secrets-user-on-vault', { principalType: 'User' }],
  ],
  'roles count on one resource': [
    ['handler-key-vault-secrets-user-on-vault', { scope: '/subscriptions/1/resourceGroups/rg' }],
  ],
  'the app has every role that it needs': [
    ['handler-azure-event-hubs-data-receiver-on-hub', { roleDefinitionId: 'a/none' }, 'handler-app'],
    ['handler-storage-queue-data-contributor-on-data-account', { principalId: 'of somebody else' }, 'handler-app'],
  ],
  'nothing that Flex Consumption refuses': [['handler-app', { siteConfig: { alwaysOn: true } }]],
  'a runtime of the catalogue': [
    ['handler-app', { functionAppConfig: { runtime: { name: 'node', version: '~24' } } }],
    ['handler-app', { functionAppConfig: { runtime: { name: 'python', version: '24' } } }],
  ],
  'a size that Flex Consumption has': [
    [
      'handler-app',
      { functionAppConfig: { scaleAndConcurrency: { instanceMemoryMB: 1024, maximumInstanceCount: 40 } } },
    ],
    [
      'handler-app',
      { functionAppConfig: { scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: 8 } } },
    ],
  ],
  'the app signs in with its identity': [['handler-app', { httpsOnly: false }]],
  'no publishing passwords': [
    ['handler-ftp-password', { allow: true }],
    ['handler-scm-password', { allow: true }],
  ],
  'settings that Flex Consumption knows': [
    ['handler-settings', { properties: { FUNCTIONS_EXTENSION_VERSION: '~4', WEBSITE_RUN_FROM_PACKAGE: '1' } }],
    ['handler-settings', { properties: {} }],
  ],
  'no secret in a setting': [
    ['handler-settings', { properties: { DataStorage: 'AccountName=a;AccountKey=b' } }],
    ['handler-settings', { properties: { ACTIVATION_SECRET_CRM: 'hush' } }],
  ],
  'every public address is for going out': [['network-outbound-address', { publicIpAddressName: 'open-door' }]],
};

export const ruleBreaks: readonly RuleBreak[] = Object.entries(byRule).flatMap(([rule, changes]) =>
  changes.map(([resource, inputs, foundAt = resource]) => ({ rule, resource, inputs, foundAt })),
);

/** The resources with the change; throws when there is no such resource. */
export function changedBy<Resource extends CheckedResource>(
  { resource, inputs }: Pick<RuleBreak, 'resource' | 'inputs'>,
  resources: readonly Resource[],
): readonly Resource[] {
  const changed = resources.find(({ name }) => name === resource);
  if (changed === undefined) throw new Error(`Failed to change ${resource}: there is no such resource.`);
  return resources.map((each) => (each === changed ? { ...each, inputs: { ...each.inputs, ...inputs } } : each));
}
