import { beforeAll, expect, test } from 'vitest';
import { rules, type CheckedResource } from './policy/rules.ts';
import type { RecordedResource } from './testing/record-stack.ts';
import { recordTestedStack, testedStacks, type TestedStack } from './testing/stacks.ts';

const stacks = new Map<TestedStack, readonly RecordedResource[]>();
beforeAll(async () => {
  for (const name of testedStacks) stacks.set(name, (await recordTestedStack(name)).resources);
});
const resourcesOf = (name: TestedStack): readonly RecordedResource[] => stacks.get(name) ?? [];

test.each(testedStacks.flatMap((stack) => rules.map((rule) => [stack, rule.name, rule] as const)))(
  '%s keeps the rule: %s',
  (stack, _name, { offences, meaning }) => {
    expect(resourcesOf(stack).length).toBeGreaterThan(40);
    expect(offences(resourcesOf(stack)), meaning).toEqual([]);
  },
);

/** For each rule, a change of one resource of the largest stack that breaks it: proves that the rule can fail. */
const breaks: Readonly<
  Record<string, readonly (readonly [resource: string, inputs: Readonly<Record<string, unknown>>])[]>
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

test.each(
  rules.flatMap((rule) =>
    (breaks[rule.name] ?? [undefined]).map((change, index) => [rule.name, index + 1, rule, change] as const),
  ),
)('control: "%s" is found where it is broken (%d)', (_name, _index, rule, change) => {
  if (change === undefined) throw new Error('Failed to prove the rule: no change is given that breaks it.');
  const [name, inputs] = change;
  const broken: readonly CheckedResource[] = resourcesOf('everything').map((resource) =>
    resource.name === name ? { ...resource, inputs: { ...resource.inputs, ...inputs } } : resource,
  );
  const offences = rule.offences(broken);
  expect(offences).toHaveLength(1);
  expect(offences[0]).toMatch(new RegExp(`^${name}: `));
});

test('a key of the namespace is found', () => {
  const rule = rules.find(({ name }) => name === "the only key is Adobe's");
  const key = { type: 'azure-native:eventhub:NamespaceAuthorizationRule', name: 'root', inputs: {} };
  expect(rule?.offences([...resourcesOf('dev'), key])).toEqual(['root: is a key of the namespace']);
});
