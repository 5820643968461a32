import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { roleDefinitions } from './roles.ts';
import { EngineStack } from './testing/engine-stack.ts';
import { packFolder } from './testing/policy-pack-process.ts';
import { requirePulumi } from './testing/require-pulumi.ts';
import { fixtureStackFile } from './testing/fixture-stacks.ts';

/**
 * Starting the engine, the plugins, the pack and the program takes seconds, and much longer on a
 * busy machine.
 */
const timeout = 300_000;
const withPack = ['--policy-pack', packFolder];

async function devStack(program?: string): Promise<EngineStack> {
  const stack = await EngineStack.create({
    stack: 'dev',
    configuration: fixtureStackFile('dev'),
    secrets: { 'secret-crm-signing-secret': 'hush' },
    ...(program === undefined ? {} : { program: join(import.meta.dirname, 'testing', 'programs', program) }),
  });
  onTestFinished(() => stack.dispose());
  return stack;
}

test(
  'with the policy pack the engine previews the stack, where much is unknown, and makes it',
  { timeout },
  async (context) => {
    requirePulumi(context);
    const stack = await devStack();
    for (const { words, changes } of [await stack.preview(...withPack), await stack.up(...withPack)]) {
      expect(words).toMatch(/✅ activation-hub@v\d/);
      expect(words).not.toMatch(/advisory|mandatory/);
      expect(changes.length).toBeGreaterThan(40);
    }
  },
);

test('control: the pack stops the engine before a public storage account is made', { timeout }, async (context) => {
  requirePulumi(context);
  const stack = await devStack('public-storage.ts');
  const failure = await stack.up(...withPack).catch(String);
  expect(failure).toMatch(/mandatory.*no-public-blobs/);
  expect(failure).toContain('reports: allowBlobPublicAccess must be false');
  expect(stack.azure.resources()).toEqual([]);
  const { changes } = await (await devStack('public-storage.ts')).preview();
  expect(changes.map(({ name }) => name)).toEqual(['reports']);
});

test('control: the pack fails a preview of an app without its roles', { timeout }, async (context) => {
  requirePulumi(context);
  const failure = await (await devStack('app-without-roles.ts')).preview(...withPack).catch(String);
  for (const role of Object.keys(roleDefinitions)) expect(failure).toContain(`app: lacks the role ${role}`);
});
