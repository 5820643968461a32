import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, type TestContext } from 'vitest';
import type { EngineChange } from './testing/engine-events.ts';
import { EngineStack } from './testing/engine-stack.ts';
import { requirePulumi } from './testing/require-pulumi.ts';
import { fixtureStackFile } from './testing/fixture-stacks.ts';

/**
 * Starting the engine, the plugins and the program takes seconds, and much longer on a busy
 * machine.
 */
const timeout = 300_000;

const activations = mkdtempSync(join(tmpdir(), 'engine-changes-'));

/** Writes the activation file, with one webhook for each secret. */
function writeFile(...secrets: readonly string[]): void {
  const destinations = secrets.map(
    (secret, index) =>
      `  hook-${index}: { type: webhook, settings: { url: https://${secret}.example.com/, signingSecret: { secret: ${secret} } } }\n`,
  );
  writeFileSync(join(activations, 'dev.yaml'), `version: 1\ndestinations:\n${destinations.join('')}audiences: {}\n`);
}

let made: Promise<EngineStack> | undefined;

/**
 * A stack that lives through the changes of its first months, in the order in which the tests stand
 * here.
 */
function livingStack(context: TestContext): Promise<EngineStack> {
  requirePulumi(context);
  writeFile('crm-key');
  made ??= EngineStack.create({
    stack: 'dev',
    configuration: fixtureStackFile('dev'),
    secrets: { 'secret-crm-key': 'hush' },
    variables: { ACTIVATIONS_FOLDER: activations },
  });
  return made;
}

afterAll(async () => {
  (await made)?.dispose();
  rmSync(activations, { recursive: true });
});

/** What the script of the workflows hands to a preview with a refresh. */
function withoutSettings(): readonly string[] {
  const script = readFileSync(join(import.meta.dirname, '..', 'tools', 'preview-with-refresh.sh'), 'utf8');
  const excluded = /--exclude '([^']+)'/.exec(script)?.[1];
  if (excluded === undefined) throw new Error('Failed to read the script: it excludes nothing.');
  return ['--exclude', excluded];
}

const kindsOf = (changes: readonly EngineChange[]): readonly string[] =>
  changes.map(({ operation, name }) => `${operation} ${name}`);

/** The names of the secrets for which the app has a setting, and of those that are in the vault. */
function secretsIn(stack: EngineStack): { readonly settings: readonly string[]; readonly vault: readonly string[] } {
  const resources = stack.azure.resources();
  const settings = resources.find(({ type }) => type.endsWith(':WebAppApplicationSettings'))?.inputs.properties ?? {};
  return {
    settings: Object.keys(settings).flatMap((key) => /^ACTIVATION_SECRET_(.+)$/.exec(key)?.[1] ?? []),
    vault: resources.filter(({ type }) => type.endsWith(':Secret')).map(({ inputs }) => String(inputs.secretName)),
  };
}

/**
 * Changes the stack as the pipeline does, and finds that a second run has nothing left to change.
 */
async function changed(stack: EngineStack): Promise<readonly EngineChange[]> {
  const { changes } = await stack.change();
  expect((await stack.up('--expect-no-changes')).changes).toEqual([]);
  return changes;
}

test('a destination with its secret is added', { timeout }, async (context) => {
  const stack = await livingStack(context);
  await stack.up();
  writeFile('crm-key', 'erp-key');
  await stack.setByHand('--secret', 'secret-erp-key', 'hush');
  expect(kindsOf(await changed(stack))).toEqual(['update handler-settings', 'create vault-secret-erp-key']);
  expect(secretsIn(stack)).toEqual({ settings: ['CRM_KEY', 'ERP_KEY'], vault: ['crm-key', 'erp-key'] });
});

test('a secret that is renamed leaves its old name to the package that still runs', { timeout }, async (context) => {
  const stack = await livingStack(context);
  writeFile('crm-key-2', 'erp-key');
  await stack.removeByHand('secret-crm-key');
  await stack.setByHand('--secret', 'secret-crm-key-2', 'hush');
  expect(kindsOf(await changed(stack))).toEqual(['update handler-settings', 'create vault-secret-crm-key-2']);
  expect(secretsIn(stack).settings.toSorted()).toEqual(['CRM_KEY', 'CRM_KEY_2', 'ERP_KEY']);
});

test(
  'a name that comes back is one that the stack still knows, and a destination is removed',
  { timeout },
  async (context) => {
    const stack = await livingStack(context);
    writeFile('crm-key');
    for (const key of ['secret-crm-key-2', 'secret-erp-key']) await stack.removeByHand(key);
    await stack.setByHand('--secret', 'secret-crm-key', 'another');
    expect(kindsOf(await changed(stack))).toEqual(['update vault-secret-crm-key']);
    expect(secretsIn(stack).settings.toSorted()).toEqual(['CRM_KEY', 'CRM_KEY_2', 'ERP_KEY']);
  },
);

test('former secrets leave the app when that is said, and stay in the vault', { timeout }, async (context) => {
  const stack = await livingStack(context);
  stack.configure({ keepFormerSecrets: false });
  expect(kindsOf((await stack.up()).changes)).toContain('update handler-settings');
  expect(secretsIn(stack)).toEqual({ settings: ['CRM_KEY'], vault: ['crm-key', 'crm-key-2', 'erp-key'] });
});

const networkRules = (stack: EngineStack) =>
  stack.azure.resources().find(({ type }) => type.endsWith(':NamespaceNetworkRuleSet'))?.inputs;

test('a private network is switched on, with ranges that close the hub to others', { timeout }, async (context) => {
  const stack = await livingStack(context);
  stack.configure({ privateNetwork: true, adobeEgressRanges: ['203.0.113.0/24'] });
  const created = (await changed(stack)).filter(({ operation }) => operation === 'create');
  expect(created.length).toBeGreaterThan(10);
  expect(created.filter(({ name }) => !name.startsWith('network-'))).toEqual([]);
  expect(networkRules(stack)).toMatchObject({ defaultAction: 'Deny', publicNetworkAccess: 'Enabled' });
});

test(
  'the ranges are emptied and the network is left, which stays while Azure holds its subnet',
  { timeout },
  async (context) => {
    const stack = await livingStack(context);
    stack.configure({ privateNetwork: false, adobeEgressRanges: [] });
    await expect(stack.preview()).rejects.toThrow(/privateNetwork was true[^]*config set keepNetwork 'true'/);
    stack.configure({ keepNetwork: true });
    expect((await changed(stack)).map(({ operation }) => operation)).not.toContain('delete');
    expect(networkRules(stack)).toMatchObject({ defaultAction: 'Allow', publicNetworkAccess: 'Enabled', ipRules: [] });
  },
);

test('the network is deleted when its subnet is free, and too early only fails', { timeout }, async (context) => {
  const stack = await livingStack(context);
  stack.configure({ keepNetwork: false });
  await expect(stack.up()).rejects.toThrow(/legionservicelink/);
  stack.azure.freeSubnets();
  await stack.up();
  expect(stack.azure.resources().filter(({ type }) => type.startsWith('azure-native:network:'))).toEqual([]);
});

test('what cannot be changed is refused in words, before Azure is asked for anything', { timeout }, async (context) => {
  const stack = await livingStack(context);
  stack.configure({ zoneRedundant: true, partitionCount: 4, location: 'northeurope' });
  const refused = stack.preview();
  await expect(refused).rejects.toThrow(/zoneRedundant was false when the environment was made, and is true now/);
  await expect(refused).rejects.toThrow(/partitionCount was 2 .*Write: pulumi config set partitionCount '2'/);
  await expect(refused).rejects.toThrow(/location was westeurope .*A second stack can take over/);
  stack.configure({ zoneRedundant: false, partitionCount: 2, location: 'westeurope' });
});

test(
  'who may only read can preview, and look for drift in all but the settings of the app',
  { timeout },
  async (context) => {
    const stack = await livingStack(context);
    stack.azure.actAs('previewer');
    await expect(stack.preview('--refresh')).rejects.toThrow(/AuthorizationFailed[^]*\/list/);
    stack.azure.actAs('deployer');
    const hub = stack.azure.resources().find(({ type }) => type.endsWith(':EventHub'));
    if (hub === undefined) throw new Error('Failed to find the hub in Azure.');
    stack.azure.update(hub.id, { ...hub.inputs, status: 'SendDisabled' });
    stack.azure.actAs('previewer');
    const { changes } = await stack.preview('--refresh', ...withoutSettings());
    expect(kindsOf(changes.filter(({ operation }) => operation !== 'refresh'))).toEqual(['update stream-hub']);
    stack.azure.actAs('deployer');
  },
);

test('a destroyed environment is made anew with another vault, not with the old one', { timeout }, async (context) => {
  const stack = await livingStack(context);
  await stack.destroy();
  expect(stack.azure.resources()).toEqual([]);
  await expect(stack.up()).rejects.toThrow(/a vault with the same name already exists in deleted state/);
  stack.configure({ vaultNumber: 2 });
  await changed(stack);
  expect(secretsIn(stack)).toEqual({ settings: ['CRM_KEY'], vault: ['crm-key'] });
});
