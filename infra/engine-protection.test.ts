import { afterAll, expect, test, type TestContext } from 'vitest';
import { EngineStack } from './testing/engine-stack.ts';
import { requirePulumi } from './testing/require-pulumi.ts';
import { fixtureStackFile } from './testing/fixture-stacks.ts';
import { recordTestedStack } from './testing/stacks.ts';

/**
 * Starting the engine, the plugins and the program takes seconds, and much longer on a busy
 * machine.
 */
const timeout = 300_000;

let made: Promise<EngineStack> | undefined;

/** The stack `prod` with every option on, made by the first test that asks. */
function largestStack(context: TestContext): Promise<EngineStack> {
  requirePulumi(context);
  made ??= EngineStack.create({
    stack: 'prod',
    configuration: {
      ...fixtureStackFile('prod'),
      sendOnly: true,
      adobeEgressRanges: ['203.0.113.0/24', '198.51.100.7'],
      rollingUpdate: true,
      privateNetwork: true,
      privateVault: true,
      tags: { costCenter: '4711' },
      zoneRedundantApp: true,
      geoRedundant: true,
      ledgerAccounts: 4,
      alertEmails: ['on-call@example.com'],
      budgetMonthly: 500,
      budgetStart: '2026-12-01',
    },
    secrets: { 'secret-crm-signing-secret': 'hush' },
  });
  return made;
}

afterAll(async () => (await made)?.dispose());

test('with every option on, every resource is created after those that it needs', { timeout }, async (context) => {
  const stack = await largestStack(context);
  const { changes } = await stack.up();
  const { resources } = await recordTestedStack('everything');
  const expected = resources.filter(({ type }) => type.startsWith('azure-native:')).map(({ name }) => name);
  expect(changes.map(({ name }) => name)).toEqual(expected);
  expect(stack.azure.resources()).toHaveLength(expected.length);
});

// Without the preview the engine deletes what is not protected, Adobe's key too, before it comes to
// what is.
test('while data is protected, a destroy that is previewed first deletes nothing', { timeout }, async (context) => {
  const stack = await largestStack(context);
  const before = stack.azure.resources();
  await expect(stack.destroy()).rejects.toThrow(/Preview failed: resource "urn:[^"]+" cannot be deleted/);
  expect(stack.azure.resources()).toEqual(before);
});
