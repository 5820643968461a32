import { beforeAll, expect, test } from 'vitest';
import { rules, type CheckedResource } from './policy/rules.ts';
import { roleDefinitions } from './roles.ts';
import type { RecordedResource } from './plan/record-stack.ts';
import { changedBy, ruleBreaks } from './testing/rule-breaks.ts';
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

test.each(ruleBreaks)('control: "$rule" is found where $resource is $inputs', ({ rule, ...change }) => {
  const broken: readonly CheckedResource[] = changedBy(change, resourcesOf('everything'));
  const offences = rules.find(({ name }) => name === rule)?.offences(broken);
  expect(offences).toEqual([expect.stringMatching(new RegExp(`^${change.foundAt}: `))]);
});

test('every rule has its control, and every control its rule', () => {
  expect([...new Set(ruleBreaks.map(({ rule }) => rule))].toSorted()).toEqual(rules.map(({ name }) => name).toSorted());
});

test('a key of the namespace is found', () => {
  const rule = rules.find(({ name }) => name === "the only key is Adobe's");
  const key = { type: 'azure-native:eventhub:NamespaceAuthorizationRule', name: 'root', inputs: {} };
  expect(rule?.offences([...resourcesOf('dev'), key])).toEqual(['root: is a key of the namespace']);
});

test('each role of the app is missed when no identity has it', () => {
  const rule = rules.find(({ name }) => name === 'the app has every role that it needs');
  const given = resourcesOf('prod').filter(
    ({ name, type }) => type.endsWith(':RoleAssignment') && name.startsWith('handler'),
  );
  expect(given).toHaveLength(Object.keys(roleDefinitions).length);
  for (const gone of given) {
    const offences = rule?.offences(resourcesOf('prod').filter((resource) => resource !== gone));
    expect(offences, gone.name).toEqual([expect.stringMatching(/^handler-app: lacks the role /)]);
  }
});

test.each(testedStacks)('what is unknown in the first preview of %s breaks no rule', (stack) => {
  const hidden = (value: unknown): unknown => {
    if (typeof value === 'string' && value.includes('/subscriptions/')) return { unknown: true };
    if (Array.isArray(value)) return value.map(hidden);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hidden(inner)]));
  };
  const names = new Set(['principalId', 'scope', 'EVENT_HUB_CONSUMER_GROUP', 'EVENT_HUB_NAME']);
  const resources = resourcesOf(stack).map((resource) => {
    const inputs = hidden(resource.inputs) as Record<string, unknown>;
    const properties = inputs.properties as Record<string, unknown> | undefined;
    for (const name of names) {
      if (name in inputs) inputs[name] = { unknown: true };
      if (properties !== undefined && name in properties) properties[name] = { unknown: true };
    }
    const roleDefinitionId = resource.inputs.roleDefinitionId;
    return { ...resource, inputs: roleDefinitionId === undefined ? inputs : { ...inputs, roleDefinitionId } };
  });
  expect(JSON.stringify(resources)).toContain('"scope":{"unknown":true}');
  expect(rules.flatMap(({ offences }) => offences(resources))).toEqual([]);
});
