import { afterAll, expect, test, type TestContext } from 'vitest';
import { standInKey } from './plan/azure-answers.ts';
import type { EngineChange } from './testing/engine-events.ts';
import { EngineStack } from './testing/engine-stack.ts';
import { requirePulumi } from './testing/require-pulumi.ts';
import { fixtureStackFile } from './testing/fixture-stacks.ts';
import { recordTestedStack } from './testing/stacks.ts';

/**
 * Starting the engine, the plugins and the program takes seconds, and much longer on a busy
 * machine.
 */
const timeout = 300_000;
const secret = 'a-signing-secret-that-nobody-sees';

let made: Promise<EngineStack> | undefined;

/**
 * The stack `dev`, made by the first test that asks; the tests are its life, in the order in which
 * they stand here.
 */
function devStack(context: TestContext): Promise<EngineStack> {
  requirePulumi(context);
  made ??= EngineStack.create({
    stack: 'dev',
    configuration: fixtureStackFile('dev'),
    secrets: { 'secret-crm-signing-secret': secret },
  });
  return made;
}

afterAll(async () => (await made)?.dispose());

const namesOf = (changes: readonly EngineChange[]): readonly string[] => changes.map(({ name }) => name);
const operationsOf = (changes: readonly EngineChange[]): readonly string[] => [
  ...new Set(changes.map(({ operation }) => operation)),
];

/** What the program registers on the SDK's mock engine. */
async function expectedNames(): Promise<readonly string[]> {
  const { resources } = await recordTestedStack('dev', { 'secret-crm-signing-secret': 'hush' });
  return resources.filter(({ type }) => type.startsWith('azure-native:')).map(({ name }) => name);
}

test('a preview would create every resource, and creates none', { timeout }, async (context) => {
  const stack = await devStack(context);
  const { changes } = await stack.preview();
  expect(namesOf(changes)).toEqual(await expectedNames());
  expect(operationsOf(changes)).toEqual(['create']);
  expect(stack.azure.resources()).toEqual([]);
});

test('`up` creates every resource, each after those that it needs', { timeout }, async (context) => {
  const stack = await devStack(context);
  const { changes } = await stack.up();
  const expected = await expectedNames();
  expect(namesOf(changes)).toEqual(expected);
  expect(operationsOf(changes)).toEqual(['create']);
  expect(stack.azure.resources()).toHaveLength(expected.length);
  expect(await stack.outputs()).toMatchObject({
    eventHubName: 'profile-exports',
    adobeKey: '[secret]',
    secretsToFill: [],
  });
});

test('a second `up` changes nothing', { timeout }, async (context) => {
  const { changes, unchanged } = await (await devStack(context)).up('--expect-no-changes');
  expect(changes).toEqual([]);
  expect(unchanged).toBe((await expectedNames()).length);
});

test('a refresh finds nothing that is otherwise than it was left', { timeout }, async (context) => {
  const stack = await devStack(context);
  await stack.refresh('--expect-no-changes');
});

test('a change of the configuration touches what it is about, and nothing else', { timeout }, async (context) => {
  const stack = await devStack(context);
  stack.configure({ retentionHours: 48, lagEventsMax: 5000 });
  const expected = [
    {
      operation: 'update',
      name: 'observability-alert-lag',
      properties: ['criteria.allOf[0].threshold', 'displayName'],
    },
    { operation: 'update', name: 'observability-workbook', properties: ['serializedData'] },
    { operation: 'update', name: 'stream-hub', properties: ['retentionDescription.retentionTimeInHours'] },
  ];
  expect((await stack.preview()).changes).toMatchObject(expected);
  expect((await stack.up()).changes).toMatchObject(expected);
});

test(
  'what a person changed by hand is found by a refresh, and put right by the next `up`',
  { timeout },
  async (context) => {
    const stack = await devStack(context);
    const hub = stack.azure.resources().find(({ type }) => type === 'azure-native:eventhub:EventHub');
    if (hub === undefined) throw new Error('Failed to find the hub in Azure.');
    stack.azure.update(hub.id, { ...hub.inputs, status: 'SendDisabled' });
    await expect(stack.refresh('--expect-no-changes')).rejects.toThrow('no changes were expected');
    expect((await stack.up()).changes).toMatchObject([
      { operation: 'update', name: 'stream-hub', properties: ['status'] },
    ]);
    expect(stack.azure.find(hub.id)?.inputs).not.toHaveProperty('status');
  },
);

test('secrets are encrypted in everything that the engine keeps', { timeout }, async (context) => {
  const stack = await devStack(context);
  const files = [...stack.stateFiles().values()];
  const holding = (text: string) => files.filter((file) => file.includes(text)).length;
  expect(holding('profile-exports')).toBeGreaterThan(0);
  expect(holding('ciphertext')).toBeGreaterThan(0);
  expect(holding(secret)).toBe(0);
  expect(holding(standInKey)).toBe(0);
  expect(JSON.stringify(stack.azure.resources())).toContain(secret);
});

test('`destroy` leaves nothing', { timeout }, async (context) => {
  const stack = await devStack(context);
  const { changes } = await stack.destroy();
  expect(namesOf(changes)).toEqual(await expectedNames());
  expect(operationsOf(changes)).toEqual(['delete']);
  expect(stack.azure.resources()).toEqual([]);
});
