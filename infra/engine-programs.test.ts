import { join } from 'node:path';
import { expect, onTestFinished, test, type TestContext } from 'vitest';
import { EngineStack, type EngineStackOptions } from './testing/engine-stack.ts';
import { requirePulumi } from './testing/require-pulumi.ts';

/**
 * Starting the engine, the plugins and the program takes seconds, and much longer on a busy
 * machine.
 */
const timeout = 300_000;

async function makeStack(options: Partial<EngineStackOptions>, context: TestContext): Promise<EngineStack> {
  requirePulumi(context);
  const stack = await EngineStack.create({ stack: 'dev', configuration: { location: 'westeurope' }, ...options });
  onTestFinished(() => stack.dispose());
  return stack;
}

/** A stack with a program of testing/programs. */
function stackWith(program: string, context: TestContext): Promise<EngineStack> {
  return makeStack({ program: join(import.meta.dirname, 'testing', 'programs', program) }, context);
}

test('a wrong configuration ends the program with its own words, and nothing is made', { timeout }, async (context) => {
  const stack = await makeStack({ configuration: { location: 'westeurope', partitionCount: 99 } }, context);
  await expect(stack.up()).rejects.toThrow('partitionCount (99) must be at most 32 where eventHubsTier is Standard.');
  expect(stack.azure.resources()).toEqual([]);
});

test(
  'a value of another type than `Pulumi.yaml` declares is refused before the program runs',
  { timeout },
  async (context) => {
    const stack = await makeStack({ configuration: { location: 'westeurope', partitionCount: 'many' } }, context);
    await expect(stack.up()).rejects.toThrow(/partitionCount.* must be of type 'integer'/);
  },
);

test('control: what Azure does not take is refused before Azure is asked', { timeout }, async (context) => {
  const stack = await stackWith('refused.ts', context);
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
