import { secretPrefix } from '@activation-hub/handler-contract';
import { roleDefinitions } from '../roles.ts';

/** A resource of a stack, as far as rules look at it. */
export interface CheckedResource {
  /** Such as `azure-native:eventhub:EventHub`. */
  readonly type: string;
  readonly name: string;
  /** What is not known before Azure has answered is `{unknown: true}`, and breaks no rule. */
  readonly inputs: Inputs;
}
type Inputs = Readonly<Record<string, unknown>>;

/** A rule of security or of Flex Consumption, beyond what Azure takes. */
export interface Rule {
  readonly name: string;
  /** Why, and what to do. */
  readonly meaning: string;
  /** Each resource by itself, or all of a stack together. */
  readonly looksAt: 'one' | 'all';
  /** It asks whether a value is secret, which a policy pack is not told. */
  readonly needsSecrecy?: true;
  /** One line per fault, beginning with the resource's name. */
  readonly offences: (resources: readonly CheckedResource[]) => readonly string[];
}

/**
 * Application settings that Flex Consumption refuses or ignores (learn.microsoft.com, "Azure
 * Functions Flex Consumption plan hosting", deprecated settings).
 */
const settingsNotOnFlex =
  /^(?:FUNCTIONS_WORKER_RUNTIME(?:_VERSION)?|FUNCTIONS_WORKER_PROCESS_COUNT|WEBSITE_RUN_FROM_PACKAGE|WEBSITE_CONTENT.*|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD|WEBSITE_NODE_DEFAULT_VERSION|WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT|WEBSITE_VNET_ROUTE_ALL|WEBSITE_TIME_ZONE|TZ)$/;

/**
 * Versions of Node in Flex Consumption's catalogue; ARM takes any text, and the app then fails at
 * its start.
 */
const nodeVersions = ['22', '24'];
const instanceMemoryMb = [2048, 4096];
const instances = { min: 40, max: 1000 };

const keyInText = /AccountKey=|SharedAccessKey=|SharedAccessSignature|[?&]sig=/;
const knownRoles = new Set<string>(Object.values(roleDefinitions));

/** What the rules say, in the order in which `docs/operating/security.md` explains them. */
export const rules: readonly Rule[] = [
  each(
    'no shared keys in storage',
    'Sign in with roles; a key opens the whole account.',
    'storage:StorageAccount',
    (inputs) => [must(inputs, 'allowSharedKeyAccess', false), must(inputs, 'defaultToOAuthAuthentication', true)],
  ),
  each('no public blobs', 'Nothing that is stored is for everyone.', 'storage:StorageAccount', (inputs) => [
    must(inputs, 'allowBlobPublicAccess', false),
  ]),
  each('no public container', 'Nothing that is stored is for everyone.', 'storage:BlobContainer', (inputs) => [
    must(inputs, 'publicAccess', 'None'),
  ]),
  each('storage is encrypted on its way', 'TLS 1.2 at the least.', 'storage:StorageAccount', (inputs) => [
    must(inputs, 'minimumTlsVersion', 'TLS1_2'),
    must(inputs, 'enableHttpsTrafficOnly', true),
  ]),
  each('Event Hubs is encrypted on its way', 'TLS 1.2 at the least.', 'eventhub:Namespace', (inputs) => [
    must(inputs, 'minimumTlsVersion', '1.2'),
  ]),
  each('Adobe can sign in', 'Adobe knows shared access keys only.', 'eventhub:Namespace', (inputs) => [
    must(inputs, 'disableLocalAuth', false),
    must(inputs, 'publicNetworkAccess', 'Enabled'),
  ]),
  {
    name: "the only key is Adobe's",
    meaning: 'A key of the namespace opens every hub; our own code signs in with roles.',
    looksAt: 'one',
    offences: (resources) =>
      resources.flatMap(({ type, name, inputs }) => {
        if (type === 'azure-native:eventhub:NamespaceAuthorizationRule') return [`${name}: is a key of the namespace`];
        const isOther =
          type === 'azure-native:eventhub:EventHubAuthorizationRule' && inputs.authorizationRuleName !== 'adobe';
        return isOther ? [`${name}: is a key that is not Adobe's`] : [];
      }),
  },
  each(
    'own consumer group',
    'In $Default everyone who tries something reads along.',
    'eventhub:ConsumerGroup',
    (inputs) => [unless(inputs.consumerGroupName !== '$Default', 'consumerGroupName must not be $Default')],
  ),
  {
    name: 'the handler reads in a consumer group of the stack',
    meaning: 'A consumer group that does not exist, or $Default, makes the handler read in vain or lose its place.',
    looksAt: 'all',
    offences: (resources) => {
      const groups = ofType(resources, 'eventhub:ConsumerGroup').map(({ inputs }) => inputs.consumerGroupName);
      return ofType(resources, 'web:WebAppApplicationSettings').flatMap(({ name, inputs }) => {
        const group = settingsOf(inputs).EVENT_HUB_CONSUMER_GROUP;
        return [...groups, group].some(isHidden) || groups.includes(group)
          ? []
          : [`${name}: EVENT_HUB_CONSUMER_GROUP is no consumer group of the stack`];
      });
    },
  },
  each('vaults know roles only', 'Access policies are a second list of who may read.', 'keyvault:Vault', (inputs) => [
    must(inputs, 'properties.enableRbacAuthorization', true),
    must(inputs, 'properties.accessPolicies', undefined),
    must(inputs, 'properties.enablePurgeProtection', true),
  ]),
  {
    ...each(
      'secrets are secret',
      'Wrap the value in pulumi.secret, or set it with --secret.',
      'keyvault:Secret',
      (inputs) => [unless(at(inputs, 'properties.value.secret') === true, 'properties.value must be a secret')],
    ),
    needsSecrecy: true,
  },
  {
    name: 'what AEP is told stays secret',
    meaning: 'Both open something to everyone who reads the state: the credential AEP, the key the hub.',
    looksAt: 'one',
    needsSecrecy: true,
    offences: (resources) =>
      resources
        .filter(({ type }) => type === 'aep:index:Destination')
        .flatMap(({ name, inputs }) =>
          ['clientSecret', 'sasKey'].flatMap((key) =>
            at(inputs, `${key}.secret`) === true ? [] : [`${name}: ${key} must be a secret`],
          ),
        ),
  },
  each(
    'telemetry needs sign-in',
    'With local authentication anyone with the connection string can write.',
    'applicationinsights:Component',
    (inputs) => [must(inputs, 'disableLocalAuth', true)],
  ),
  each(
    'logs need sign-in',
    'Keys of the workspace let anyone write who has one.',
    'operationalinsights:Workspace',
    (inputs) => [must(inputs, 'features.disableLocalAuth', true)],
  ),
  each(
    'only roles that we know',
    'Add the role to roles.ts and to the table in docs/operating/security.md, with its reason.',
    'authorization:RoleAssignment',
    (inputs) => [
      unless(
        isHidden(inputs.roleDefinitionId) || knownRoles.has(lastSegment(inputs.roleDefinitionId)),
        'the role is not among those of roles.ts',
      ),
      must(inputs, 'principalType', 'ServicePrincipal'),
    ],
  ),
  each(
    'roles count on one resource',
    'A role on a subscription or a resource group counts on everything in it, now and later.',
    'authorization:RoleAssignment',
    (inputs) => [
      unless(
        isHidden(inputs.scope) || (typeof inputs.scope === 'string' && inputs.scope.includes('/providers/')),
        'the scope must be a resource',
      ),
    ],
  ),
  {
    name: 'the app has every role that it needs',
    meaning: 'Without one of them it starts, and then stands still: give its identity the role before the app is made.',
    looksAt: 'all',
    offences: (resources) => {
      const assignments = ofType(resources, 'authorization:RoleAssignment');
      if (assignments.some(({ inputs }) => isHidden(inputs.roleDefinitionId))) return [];
      const roles = Map.groupBy(assignments, ({ inputs }) => JSON.stringify(inputs.principalId));
      const missing = [...roles.values(), []].map((given) => {
        const ids = new Set(given.map(({ inputs }) => lastSegment(inputs.roleDefinitionId)));
        return Object.entries(roleDefinitions).flatMap(([role, id]) => (ids.has(id) ? [] : [role]));
      });
      // The identity that comes closest is the app's: whose principal it is, only Azure knows.
      const [least = []] = missing.toSorted((one, other) => one.length - other.length);
      return ofType(resources, 'web:WebApp').flatMap(({ name }) =>
        least.map((role) => `${name}: lacks the role ${role}`),
      );
    },
  },
  each(
    'nothing that Flex Consumption refuses',
    'Settings are a resource of their own (error 51021).',
    'web:WebApp',
    (inputs) => [must(inputs, 'siteConfig', undefined)],
  ),
  each('a runtime of the catalogue', 'ARM takes any text, and the app fails at its start.', 'web:WebApp', (inputs) => [
    must(inputs, 'functionAppConfig.runtime.name', 'node'),
    unless(
      isHidden(at(inputs, 'functionAppConfig.runtime.version')) ||
        nodeVersions.includes(String(at(inputs, 'functionAppConfig.runtime.version'))),
      `runtime.version must be one of ${nodeVersions.join(', ')}`,
    ),
  ]),
  each('a size that Flex Consumption has', 'Other values are refused.', 'web:WebApp', (inputs) => {
    const scale = 'functionAppConfig.scaleAndConcurrency';
    const count = Number(at(inputs, `${scale}.maximumInstanceCount`));
    return [
      unless(
        instanceMemoryMb.includes(Number(at(inputs, `${scale}.instanceMemoryMB`))),
        `instanceMemoryMB must be one of ${instanceMemoryMb.join(', ')}`,
      ),
      unless(
        count >= instances.min && count <= instances.max,
        `maximumInstanceCount must be from ${instances.min} to ${instances.max}`,
      ),
    ];
  }),
  each(
    'the app signs in with its identity',
    'No connection string opens the package, and HTTP is always encrypted.',
    'web:WebApp',
    (inputs) => [
      must(inputs, 'identity.type', 'UserAssigned'),
      must(inputs, 'functionAppConfig.deployment.storage.authentication.type', 'UserAssignedIdentity'),
      must(inputs, 'httpsOnly', true),
    ],
  ),
  each(
    'no publishing passwords',
    'Deployments sign in with Entra.',
    ['web:WebAppFtpAllowed', 'web:WebAppScmAllowed'],
    (inputs) => [must(inputs, 'allow', false)],
  ),
  each(
    'settings that Flex Consumption knows',
    'It refuses or ignores the others.',
    'web:WebAppApplicationSettings',
    (inputs) => [
      ...Object.keys(settingsOf(inputs)).map((key) => unless(!settingsNotOnFlex.test(key), `${key} must be absent`)),
      unless(settingsOf(inputs).FUNCTIONS_EXTENSION_VERSION === '~4', 'FUNCTIONS_EXTENSION_VERSION must be ~4'),
    ],
  ),
  each(
    'no secret in a setting',
    'A setting refers to the vault, or names an identity.',
    'web:WebAppApplicationSettings',
    (inputs) =>
      Object.entries(settingsOf(inputs)).flatMap(([key, value]) => [
        unless(typeof value !== 'string' || !keyInText.test(value), `${key} holds a key`),
        unless(
          !key.startsWith(secretPrefix) || isHidden(value) || String(value).startsWith('@Microsoft.KeyVault('),
          `${key} must refer to the vault`,
        ),
      ]),
  ),
  {
    name: 'every public address is for going out',
    meaning: 'An address may stand at the NAT gateway; at nothing that can be called.',
    looksAt: 'all',
    offences: (resources) => {
      const outbound = JSON.stringify(
        ofType(resources, 'network:NatGateway').map(({ inputs }) => inputs.publicIpAddresses),
      );
      return ofType(resources, 'network:PublicIPAddress')
        .filter(() => !outbound.includes('"unknown":true'))
        .filter(({ inputs }) => !outbound.includes(`/publicIPAddresses/${String(inputs.publicIpAddressName)}"`))
        .map(({ name }) => `${name}: is not the address of a NAT gateway`);
    },
  },
];

/** A rule about each resource of some types by itself; what is right gives `undefined`. */
function each(
  name: string,
  meaning: string,
  types: string | readonly string[],
  faultsIn: (inputs: Inputs) => readonly (string | undefined)[],
): Rule {
  return {
    name,
    meaning,
    looksAt: 'one',
    offences: (resources) =>
      [types]
        .flat()
        .flatMap((type) =>
          ofType(resources, type).flatMap((resource) =>
            faultsIn(resource.inputs).flatMap((fault) => (fault === undefined ? [] : [`${resource.name}: ${fault}`])),
          ),
        ),
  };
}

/** Whether the value at a path of keys is this one; `undefined` is for what must be absent. */
function must(inputs: Inputs, path: string, expected: string | boolean | undefined): string | undefined {
  const value = at(inputs, path);
  return unless(isHidden(value) || value === expected, `${path} must be ${expected ?? 'absent'}`);
}

function unless(isRight: boolean, fault: string): string | undefined {
  return isRight ? undefined : fault;
}

function ofType(resources: readonly CheckedResource[], type: string): readonly CheckedResource[] {
  return resources.filter((resource) => resource.type === `azure-native:${type}`);
}

/** The value at a path of keys, or undefined. */
function at(inputs: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? (value as Inputs)[key] : undefined),
      inputs,
    );
}

function settingsOf(inputs: Inputs): Inputs {
  const { properties } = inputs;
  return typeof properties === 'object' && properties !== null ? (properties as Inputs) : {};
}

function lastSegment(id: unknown): string {
  return typeof id === 'string' ? (id.split('/').at(-1) ?? '') : '';
}

function isHidden(value: unknown): boolean {
  return at(value, 'unknown') === true;
}
