import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { roleDefinitions } from './roles.ts';
import { armResources, type ArmResource } from './arm-resources.ts';
import { evaluateTemplate, type Deployed, type DeployedResource } from './testing/evaluate-template.ts';
import { bootstrapTypes } from './testing/trim-arm-types.ts';
import { armFaults } from './testing/validate-arm.ts';

const text = readFileSync(join(import.meta.dirname, 'bootstrap', 'template.json'), 'utf8');
const subscription = '/subscriptions/00000000-0000-4000-8000-000000000000';
const group = `${subscription}/resourceGroups/rg-acthub-bootstrap`;
const operator = '11111111-0000-4000-8000-000000000000';
const environments = ['dev', 'staging', 'prod'];

function deployed(given: Readonly<Record<string, unknown>> = {}, template = text): Deployed {
  const parameters = { subjectPrefix: 'repo:contoso/activations', operators: [operator], ...given };
  return evaluateTemplate(JSON.parse(template) as Parameters<typeof evaluateTemplate>[0], parameters, subscription);
}
const ofType = (type: string, { resources } = deployed()): readonly DeployedResource[] =>
  resources.filter((resource) => resource.type === type);
const properties = ({ body }: DeployedResource): Readonly<Record<string, unknown>> =>
  (body.properties ?? {}) as Readonly<Record<string, unknown>>;

function armResourceOf({ type, apiVersion }: DeployedResource): ArmResource {
  const typesFile =
    bootstrapTypes[type] ?? Object.values(armResources).find((resource) => resource.type === type)?.typesFile;
  return { type, apiVersion, names: ['name'], ...(typesFile === undefined ? {} : { typesFile }) };
}

function faultsOf(made: Deployed): readonly string[] {
  return made.resources.flatMap((resource) =>
    armFaults(armResourceOf(resource), { name: resource.name, ...resource.body }).map(
      (fault) => `${resource.name}: ${fault}`,
    ),
  );
}

test('every resource is what Azure takes, in the version that is sent', () => {
  const made = deployed();
  expect(made.resources.length).toBe(2 + 2 + 3 + 1 + 3 + 6 + 6 + 12 + 2 + 1 + 9);
  expect(faultsOf(made)).toEqual([]);
  const untyped = made.resources.map(armResourceOf).filter(({ typesFile }) => typesFile === undefined);
  expect(new Set(untyped.map(({ type }) => type))).toEqual(
    new Set(['Microsoft.Resources/resourceGroups', 'Microsoft.Resources/deployments']),
  );
  for (const { typesFile, apiVersion } of made.resources.map(armResourceOf)) {
    if (typesFile !== undefined) expect(typesFile).toContain(`-${apiVersion}.json`);
  }
});

test('the longest names are still names that Azure takes', () => {
  expect(faultsOf(deployed({ workload: 'abcdefg', environments: ['abcdefg'] }))).toEqual([]);
});

test('each environment has its own state and its own key, and nothing else reaches them but who operates', () => {
  const onState = assignments().filter(({ scope }) => scope.startsWith('state') || scope.startsWith('key'));
  for (const environment of environments) {
    expect(onState.filter(({ scope }) => scope.endsWith(` of ${environment}`)).map(({ identity }) => identity)).toEqual(
      [
        `deploy of ${environment}`,
        `deploy of ${environment}`,
        `preview of ${environment}`,
        `preview of ${environment}`,
      ],
    );
  }
  expect(onState.filter(({ scope }) => !scope.includes(' of ')).map(({ identity }) => identity)).toEqual([
    'operator',
    'operator',
  ]);
});

test.each(['repo:contoso/activations', 'repo:contoso@123/activations@456'])(
  'GitHub signs in for one environment of %s only',
  (subjectPrefix) => {
    const credentials = ofType(
      'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials',
      deployed({ subjectPrefix }),
    );
    const subjects = credentials.map((one) => [
      one.id.split('/').at(-3)?.replace('id-acthub-', ''),
      properties(one).subject,
    ]);
    expect(subjects).toEqual([
      ...environments.map((environment) => [`${environment}-deploy`, `${subjectPrefix}:environment:${environment}`]),
      ...environments.map((environment) => [
        `${environment}-preview`,
        `${subjectPrefix}:environment:${environment}-preview`,
      ]),
    ]);
    for (const one of credentials) {
      expect(properties(one)).toMatchObject({
        issuer: 'https://token.actions.githubusercontent.com',
        audiences: ['api://AzureADTokenExchange'],
      });
    }
  },
);

test('who deploys may give the roles that stacks give, no other, and to managed identities only', () => {
  const give = assignments().filter(({ role }) => role === 'Role Based Access Control Administrator');
  expect(give).toHaveLength(3);
  for (const { condition } of give) {
    const lists = [...(condition ?? '').matchAll(/GuidEquals \{([^}]*)\}/g)].map(([, list = '']) =>
      list.split(', ').sort(),
    );
    expect(lists).toEqual([Object.values(roleDefinitions).sort(), Object.values(roleDefinitions).sort()]);
    expect([...(condition ?? '').matchAll(/StringEqualsIgnoreCase \{'ServicePrincipal'\}/g)]).toHaveLength(2);
    expect(condition).toMatch(
      /^\(\(!\(ActionMatches\{'Microsoft\.Authorization\/roleAssignments\/write'\}\)\) OR \(@Request\[/,
    );
    expect((condition ?? '').split('(').length).toBe((condition ?? '').split(')').length);
  }
});

test.each(['contoso/activations', 'https://github.com/contoso/activations', ''])(
  'a prefix that GitHub never sends is refused with the command that prints it: %j',
  (subjectPrefix) => {
    expect(() => deployed({ subjectPrefix })).toThrow(
      /refused: subjectPrefix must begin with repo: .*gh api repos\/\{owner\}\/\{repo\}\/actions\/oidc\/customization\/sub/,
    );
  },
);

test('a preview changes nothing, and reads no key and no settings of an app', () => {
  const [role] = ofType('Microsoft.Authorization/roleDefinitions');
  const [{ actions, dataActions } = {}] = (role === undefined ? [] : properties(role).permissions) as Record<
    string,
    unknown
  >[];
  expect(actions).toEqual(['*/read']);
  expect(dataActions).toEqual([]);
});

test('the state account and the vault know no shared keys, keep what is deleted, and show nothing to the public', () => {
  const [account] = ofType('Microsoft.Storage/storageAccounts');
  const [blobs] = ofType('Microsoft.Storage/storageAccounts/blobServices');
  const [vault] = ofType('Microsoft.KeyVault/vaults');
  if (account === undefined || blobs === undefined || vault === undefined)
    throw new Error('Failed to find account and vault.');
  expect(properties(account)).toMatchObject({
    allowSharedKeyAccess: false,
    allowBlobPublicAccess: false,
    minimumTlsVersion: 'TLS1_2',
  });
  expect(properties(blobs)).toMatchObject({ isVersioningEnabled: true, deleteRetentionPolicy: { enabled: true } });
  expect(properties(vault)).toMatchObject({ enableRbacAuthorization: true, enablePurgeProtection: true });
  for (const key of ofType('Microsoft.KeyVault/vaults/keys'))
    expect(properties(key).keyOps).toEqual(['encrypt', 'decrypt']);
  for (const state of ofType('Microsoft.Storage/storageAccounts/blobServices/containers')) {
    expect(properties(state).publicAccess).toBe('None');
  }
});

/**
 * Runs a line in a shell in which these commands only say with what they were called; GitHub has
 * the environments, or does not yet.
 */
function calls(line: string, isThere = false): readonly string[] {
  const stub = '() { (IFS="|"; echo "$FUNCNAME|$*"); }';
  const gh = `gh() { [ "$2" = --silent ] && return ${isThere ? 0 : 1}; (IFS="|"; echo "$FUNCNAME|$*"); }`;
  const script = `${gh}; pulumi${stub}; ${line}`;
  return execFileSync('bash', ['-euo', 'pipefail', '-c', script], { encoding: 'utf8' }).trim().split('\n');
}

test('the outputs are commands for GitHub and for Pulumi, of each environment its own', () => {
  const { outputs } = deployed();
  const account = ofType('Microsoft.Storage/storageAccounts')[0]?.name ?? '';
  const vault = `${group}/providers/Microsoft.KeyVault/vaults/${ofType('Microsoft.KeyVault/vaults')[0]?.name ?? ''}`;
  environments.forEach((environment, index) => {
    const clientId = (kind: string): string =>
      `clientId:${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-acthub-${environment}-${kind}`;
    const backend = `azblob://pulumi-${environment}?storage_account=${account}`;
    const page = `repos/{owner}/{repo}/environments/${environment}`;
    const variables = (name: string, id: string): readonly string[] => [
      `gh|variable|set|AZURE_CLIENT_ID|--env|${name}|--body|${id}`,
      `gh|variable|set|AZURE_SUBSCRIPTION_ID|--env|${name}|--body|${subscription.split('/').at(-1) ?? ''}`,
      `gh|variable|set|PULUMI_BACKEND_URL|--env|${name}|--body|${backend}`,
    ];
    expect(calls((outputs.github as readonly string[])[index] ?? '')).toEqual([
      `gh|api|-X|PUT|${page}|-F|deployment_branch_policy[protected_branches]=false|-F|deployment_branch_policy[custom_branch_policies]=true`,
      ...variables(environment, clientId('deploy')),
      `gh|api|-X|PUT|${page}-preview`,
      ...variables(`${environment}-preview`, clientId('preview')),
      // Last, for GitHub refuses it the second time.
      `gh|api|-X|POST|${page}/deployment-branch-policies|-f|name=main`,
    ]);
    // What a person has set there since, such as reviewers, stays.
    const again = calls((outputs.github as readonly string[])[index] ?? '', true);
    expect(again.filter((call) => call.startsWith('gh|api|-X|PUT|'))).toEqual([]);
    expect(again).toHaveLength(7);
    expect(calls((outputs.pulumi as readonly string[])[index] ?? '')).toEqual([
      `pulumi|login|${backend}`,
      `pulumi|-C|infra|stack|init|${environment}|--secrets-provider|keyUriWithVersion:${vault}/keys/pulumi-${environment}`,
    ]);
  });
  expect(calls(String(outputs.tenant))).toEqual([
    'gh|variable|set|AZURE_TENANT_ID|--body|22222222-0000-4000-8000-000000000000',
  ]);
});

const document = readFileSync(join(import.meta.dirname, '..', 'docs', 'operating', 'security.md'), 'utf8');

test('the roles are those of the table', () => {
  const section = document.split('\n## Roles of the pipeline\n')[1]?.split('\n## ')[0] ?? '';
  const documented = section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, 4)
        .map((cell) => cell.trim())
        .join(' | '),
    );
  const given = assignments(deployed({ environments: ['dev'] })).map(({ identity, role, scope }) =>
    [identity, role, scope].join(' | ').replaceAll(' of dev', ''),
  );
  expect(documented.toSorted()).toEqual(given.toSorted());
});

interface Assignment {
  readonly identity: string;
  readonly role: string;
  readonly scope: string;
  readonly condition: string | undefined;
}

/** Who has which role on what, in the words of the table. */
function assignments(made = deployed()): readonly Assignment[] {
  const variables = (JSON.parse(text) as { variables: { builtInRoles: Record<string, string> } }).variables;
  const inner = /"roles": (\{[^}]*\})/.exec(text)?.[1] ?? '{}';
  const roles = { ...variables.builtInRoles, ...(JSON.parse(inner) as Record<string, string>) };
  const names = new Map(Object.entries(roles).map(([name, id]) => [id, name]));
  return ofType('Microsoft.Authorization/roleAssignments', made).map((assignment) => {
    const { principalId, roleDefinitionId, condition } = properties(assignment);
    const [, environment, kind] = /id-[a-z]+-([a-z0-9]+)-(deploy|preview)$/.exec(String(principalId)) ?? [];
    return {
      identity: environment === undefined ? 'operator' : `${kind ?? ''} of ${environment}`,
      role: names.get(String(roleDefinitionId).split('/').at(-1) ?? '') ?? 'Activation Hub preview',
      scope: scopeName(assignment.id.split('/providers/Microsoft.Authorization/')[0] ?? ''),
      condition: typeof condition === 'string' ? condition : undefined,
    };
  });
}

function scopeName(id: string): string {
  if (id === subscription) return 'the subscription';
  const [, kind, environment] = /\/(containers|keys)\/pulumi-([a-z0-9]+)$/.exec(id) ?? [];
  if (environment !== undefined) return `${kind === 'keys' ? 'key' : 'state'} of ${environment}`;
  return id.includes('/storageAccounts/') ? 'state account' : 'key vault';
}

const changed = (from: string, to: string): string => {
  expect(text).toContain(from);
  return text.replace(from, to);
};

test.for([
  [
    'a property that does not exist',
    '"isVersioningEnabled"',
    '"versioningEnabled"',
    'default: properties.versioningEnabled is not known',
  ],
  ['a word that is none', '"kty": "RSA"', '"kty": "DSA"', /^pulumi-dev: properties\.kty must be one of/],
  ['a missing property', '"family": "A", ', '', 'properties.sku.family is missing'],
  [
    'a name too long',
    "{0}state{1}', parameters('workload')",
    "{0}{0}{0}{0}state{1}', parameters('workload')",
    /name must have 3 to 24 characters/,
  ],
  [
    'what is no list',
    '"audiences": [',
    '"audiences": "[variables(\'federation\').audience]", "x": [',
    /properties\.audiences must be a list/,
  ],
] as const)('control: %s is found', ([, from, to, fault]) => {
  const faults = faultsOf(deployed({}, changed(from, to)));
  expect(faults.some((found) => (typeof fault === 'string' ? found.endsWith(fault) : fault.test(found)))).toBe(true);
});

test('control: a role that is given elsewhere, and something that depends on nothing, are found', () => {
  const wider = deployed(
    { environments: ['dev'] },
    changed(
      '"scope": "[format(\'Microsoft.KeyVault/vaults/{0}/keys/pulumi-{1}\'',
      '"scope": "[format(\'Microsoft.KeyVault/vaults/{0}\'',
    ),
  );
  expect(assignments(wider)).toContainEqual(expect.objectContaining({ identity: 'deploy of dev', scope: 'key vault' }));
  expect(() => deployed({}, changed('"dependsOn": ["deployers"]', '"dependsOn": ["deployer"]'))).toThrow(
    /nothing before is deployer/,
  );
});

test('a parameter that is missing is said', () => {
  expect(() => deployed({ subjectPrefix: undefined })).toThrow(/the parameter subjectPrefix is missing/);
});
