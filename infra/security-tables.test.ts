import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { roleDefinitions } from './roles.ts';
import { armId, armResources } from './arm-resources.ts';
import { subscriptionId, type RecordedResource } from './plan/record-stack.ts';
import { ofType, recordTestedStack, testedStacks, theOnly, type TestedStack } from './testing/stacks.ts';
import { stableUuid } from './place.ts';

const document = readFileSync(join(import.meta.dirname, '..', 'docs', 'operating', 'security.md'), 'utf8');

/** The cells of the table below a heading, without its first row and without the reasons. */
function tableBelow(heading: string, text = document): readonly (readonly string[])[] {
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, 4)
      .map((cell) => cell.trim()),
  );
}

const stacks = new Map<TestedStack, readonly RecordedResource[]>();
beforeAll(async () => {
  for (const name of testedStacks) stacks.set(name, (await recordTestedStack(name)).resources);
});
const resourcesOf = (name: TestedStack): readonly RecordedResource[] => stacks.get(name) ?? [];

const roleNames = new Map<string, string>(Object.entries(roleDefinitions).map(([name, id]) => [id, name]));

/** Identity, role and scope of every assignment, in words of the stack. */
function rolesOf(resources: readonly RecordedResource[]): readonly (readonly string[])[] {
  const identities = new Map(
    ofType(resources, 'UserAssignedIdentity').map(({ name }) => [
      stableUuid(`principal of ${name}`),
      name.replace(/^stream-|-identity$/g, ''),
    ]),
  );
  const scopes = new Map(
    resources.flatMap(({ type, name, inputs }) => {
      const resource = armResources[type];
      return resource === undefined ? [] : [[armId(resource, inputs, subscriptionId), name] as const];
    }),
  );
  return ofType(resources, 'RoleAssignment').map(({ inputs: { principalId, roleDefinitionId, scope } }) => [
    identities.get(String(principalId)) ?? 'unknown identity',
    roleNames.get(String(roleDefinitionId).split('/').at(-1) ?? '') ?? 'unknown role',
    scopes.get(String(scope)) ?? 'unknown scope',
  ]);
}

const sorted = (rows: readonly (readonly string[])[]): readonly string[] =>
  rows.map((row) => row.join(' | ')).toSorted();

test.each(testedStacks)('the roles of %s are those of the table', (name) => {
  const hasArchive = resourcesOf(name).some((resource) => resource.name === 'stream-archive');
  const accounts = resourcesOf(name).flatMap((each) => (/^storage-ledger-\d+$/.test(each.name) ? [each.name] : []));
  const documented = tableBelow('Roles')
    .filter(([identity]) => hasArchive || identity !== 'archive')
    .filter(
      ([, role, scope]) =>
        accounts.length === 0 || role !== 'Storage Table Data Contributor' || scope !== 'storage-data',
    )
    .flatMap((row) => (row[2] === 'storage-ledger-N' ? accounts.map((account) => row.with(2, account)) : [row]));
  expect(documented.length).toBeGreaterThanOrEqual(7);
  expect(sorted(rolesOf(resourcesOf(name)))).toEqual(sorted(documented));
});

test('the only key is the one of the table', () => {
  const { inputs } = theOnly(resourcesOf('prod'), 'EventHubAuthorizationRule');
  const rights = (inputs.rights as string[]).join(', ');
  expect(tableBelow('Keys')).toEqual([[inputs.authorizationRuleName, rights, 'stream-hub']]);
  expect(inputs.eventHubName).toBe(theOnly(resourcesOf('prod'), 'EventHub').inputs.eventHubName);
});

test('every identity has a role, and every role that we know is given', () => {
  const given = rolesOf(resourcesOf('everything'));
  expect(new Set(given.map(([identity]) => identity))).toEqual(new Set(['handler', 'archive']));
  expect(new Set(given.map(([, role]) => role))).toEqual(new Set(Object.keys(roleDefinitions)));
});

test('control: a missing role and a wider scope are seen', () => {
  const [first, ...others] = resourcesOf('dev').filter(({ type }) => type.endsWith(':RoleAssignment'));
  const rest = resourcesOf('dev').filter(({ type }) => !type.endsWith(':RoleAssignment'));
  expect(rolesOf([...rest, ...others])).toHaveLength(others.length);
  if (first === undefined) throw new Error('Failed to find a role assignment in dev.');
  const wider = { ...first, inputs: { ...first.inputs, scope: `/subscriptions/${subscriptionId}` } };
  expect(rolesOf([...rest, wider])[0]?.[2]).toBe('unknown scope');
});
