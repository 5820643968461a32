import { join } from 'node:path';
import { expect, onTestFinished, test, type TestContext } from 'vitest';
import { hasArmTypes } from './testing/arm-types.ts';
import { EngineStack } from './testing/engine-stack.ts';
import { requirePulumi } from './testing/require-pulumi.ts';

/** Starting the engine, the plugins and the program takes seconds, and much longer on a busy machine. */
const timeout = 300_000;

/** A stack with a program of testing/programs. */
async function stackWith(program: string, context: TestContext): Promise<EngineStack> {
  requirePulumi(context);
  const file = join(import.meta.dirname, 'testing', 'programs', program);
  const stack = await EngineStack.create({
    stack: 'dev',
    program: file,
    configuration: { location: 'westeurope', workload: 'acthub' },
  });
  onTestFinished(() => stack.dispose());
  return stack;
}

test('control: what Azure does not take is refused before Azure is asked', { timeout }, async (context) => {
  const stack = await stackWith('refused.ts', context);
  if (!hasArmTypes()) context.skip('NOT TESTED against Azure’s types: infra/README.md says how to get them.');
  await expect(stack.up()).rejects.toThrow('properties.partitionCount must be from 1 to Infinity');
  expect(stack.azure.resources().map(({ type }) => type)).not.toContain('azure-native:eventhub:EventHub');
});

test(
  'control: a resource without the one around it is refused, and what was made is remembered',
  { timeout },
  async (context) => {
    const stack = await stackWith('orphan.ts', context);
    await expect(stack.up()).rejects.toThrow(/namespaces\/namespace-of-nobody does not exist/);
    expect(stack.azure.resources().map(({ inputs }) => inputs.resourceGroupName)).toEqual(['rg']);
    await stack.destroy();
    expect(stack.azure.resources()).toEqual([]);
  },
);
