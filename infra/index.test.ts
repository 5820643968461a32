import { expect, test } from 'vitest';
import { isSecret, output, type Output } from '@pulumi/pulumi';
import { armResources } from './arm-resources.ts';
import { armTypesOf } from './testing/arm-types.ts';
import { settled } from './testing/record-component.ts';
import type { RecordedResource } from './plan/record-stack.ts';
import { named, ofType, recordAnew, recordTestedStack, testedStacks, theOnly } from './testing/stacks.ts';

const isComponent = ({ type }: RecordedResource): boolean => type.startsWith('activation-hub:infra:');

test.each(testedStacks)('in %s every resource is known, of a component, and named after it', async (stack) => {
  const { resources } = await recordTestedStack(stack);
  expect(resources.length).toBeGreaterThan(40);
  expect(new Set(resources.map(({ name }) => name)).size).toBe(resources.length);
  for (const resource of resources) {
    const known = [...Object.keys(armResources), 'aep:index:Destination'];
    if (!isComponent(resource)) expect(known).toContain(resource.type);
    if (resource.name === 'group' || (isComponent(resource) && resource.parent === undefined)) continue;
    expect(resource.name.startsWith(`${resource.parent ?? 'nobody'}-`), resource.name).toBe(true);
  }
});

test.each([
  ['dev', ['handler', 'observability', 'storage', 'stream', 'vault']],
  ['staging', ['handler', 'observability', 'storage', 'stream', 'vault']],
  ['prod', ['handler', 'observability', 'storage', 'stream', 'stream-archive', 'vault']],
  ['everything', ['aep', 'handler', 'network', 'observability', 'storage', 'stream', 'stream-archive', 'vault']],
] as const)('%s has the components %j', async (stack, components) => {
  const { resources } = await recordTestedStack(stack);
  expect(resources.filter(isComponent).map(({ name }) => name)).toEqual(components);
});

test('what can have tags has those of the organisation, and the stack’s own', async () => {
  const { resources } = await recordTestedStack('everything');
  const taggable = resources.filter(({ type }) => {
    const resource = armResources[type];
    const types = resource && armTypesOf(resource);
    const body = resource && types?.bodyOf(resource.type);
    return body?.$type === 'ObjectType' && body.properties?.tags !== undefined;
  });
  expect(taggable.length).toBeGreaterThan(15);
  for (const { name, inputs } of taggable) {
    expect(inputs.tags, name).toEqual({ costCenter: '4711', workload: 'acthub', environment: 'prod' });
  }
});

test('two runs ask for the same', async () => {
  expect((await recordAnew('prod')).resources).toEqual((await recordAnew('prod')).resources);
});

test('environments share no name that must be unique, and no resource group', async () => {
  const unique = async (stack: 'dev' | 'prod') => {
    const { resources } = await recordTestedStack(stack);
    const inputs = ['Namespace', 'StorageAccount', 'Vault', 'WebApp', 'ResourceGroup'].flatMap((type) =>
      ofType(resources, type).map((resource) => resource.inputs),
    );
    return inputs.map(({ namespaceName, accountName, vaultName, name, resourceGroupName }) =>
      String(namespaceName ?? accountName ?? vaultName ?? name ?? resourceGroupName),
    );
  };
  const [dev, prod] = [await unique('dev'), await unique('prod')];
  expect(dev).toHaveLength(6);
  expect(dev.filter((name) => prod.includes(name))).toEqual([]);
});

test('the outputs are what a person, the pipeline and the CLI need next', async () => {
  const { outputs } = await recordTestedStack('everything');
  expect(Object.keys(outputs)).toEqual([
    'resourceGroup',
    'eventHubsNamespace',
    'eventHubName',
    'adobeKeyName',
    'adobeKey',
    'aepDataflow',
    'aepNotes',
    'functionApp',
    'healthUrl',
    'eventHubsHostName',
    'consumerGroup',
    'checkpointEndpoint',
    'dataBlobEndpoint',
    'dataQueueEndpoint',
    'dataTableEndpoint',
    'vault',
    'madeWith',
    'secretsToFill',
    'resourceGroupLink',
    'functionAppLink',
    'workbookLink',
    'outboundAddress',
  ]);
  const kept = await Promise.all(
    Object.entries(outputs).map(async ([key, value]) =>
      (await isSecret(output(value) as Output<unknown>)) ? [key] : [],
    ),
  );
  expect(kept.flat()).toEqual(['adobeKey']);
});

test('where AEP is connected by hand, an output says what to enter in its form, and where the key is', async () => {
  const { outputs } = await recordTestedStack('dev');
  expect(await settled(output(outputs.aepForm))).toEqual({
    isSecret: false,
    value: {
      connect: {
        'Account type': 'SAS authentication',
        'SAS Key Name': 'adobe',
        'SAS Key': 'shown by: pulumi stack output adobeKey --show-secrets --stack dev',
        Namespace: outputs.eventHubsNamespace,
        'Event Hub Name': 'profile-exports',
      },
      details: {
        Name: 'Activation Hub dev',
        Description: 'Kept as the activation file of dev says',
        'Event Hub Name': 'profile-exports',
        'Include Segment Names': 'off',
        'Include Segment Timestamps': 'off',
      },
      audiences: ['sports-fans (0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02)'],
      mapping: [],
    },
  });
});

test('secrets of the activation file: references for all, values for those that are configured, the rest to fill', async () => {
  const [without, withValue] = [await recordTestedStack('dev'), await recordTestedStack('everything')];
  expect(without.outputs.secretsToFill).toEqual(['crm-signing-secret']);
  expect(ofType(without.resources, 'Secret')).toEqual([]);
  expect(withValue.outputs.secretsToFill).toEqual([]);
  expect(theOnly(withValue.resources, 'Secret').inputs.properties).toMatchObject({ value: { secret: true } });
  expect(JSON.stringify(withValue.resources)).not.toContain('hush');
  for (const { resources } of [without, withValue]) {
    const settings = named(resources, 'handler-settings').inputs.properties as Record<string, string>;
    expect(settings.ACTIVATION_SECRET_CRM_SIGNING_SECRET).toMatch(
      /^@Microsoft\.KeyVault\(SecretUri=https:\/\/kvacthub/,
    );
  }
});

test('the app of an environment reads the activation file of that environment', async () => {
  for (const stack of ['dev', 'staging', 'prod'] as const) {
    const { resources } = await recordTestedStack(stack);
    const settings = named(resources, 'handler-settings').inputs.properties as Record<string, string>;
    expect(settings.ACTIVATION_FILE).toBe(`activations/${stack}.yaml`);
  }
});

test('the hub is closed only where there are ranges, and then open to the handler', async () => {
  const network = { privateNetwork: 'true' };
  for (const over of [{}, network]) {
    const { resources } = await recordTestedStack('prod', over);
    expect(theOnly(resources, 'NamespaceNetworkRuleSet').inputs.defaultAction).toBe('Allow');
  }
  const { inputs } = theOnly((await recordTestedStack('everything')).resources, 'NamespaceNetworkRuleSet');
  expect(JSON.stringify(inputs)).toContain('/virtualNetworks/vnet-acthub-prod/subnets/handler');
});

test('before Azure has answered, what only Azure knows is unknown, and nothing else', async () => {
  const { resources } = await recordTestedStack('everything', {}, 'planned');
  const unknown = (value: unknown, path: string): readonly string[] => {
    if (typeof value !== 'object' || value === null) return [];
    if ('unknown' in value) return [path];
    return Object.entries(value).flatMap(([key, inner]) => unknown(inner, `${path}.${key}`));
  };
  const found = resources.flatMap(({ type, inputs }) => unknown(inputs, type.split(':').at(-1) ?? ''));
  expect([...new Set(found)].toSorted()).toEqual([
    'RoleAssignment.principalId',
    'WebAppApplicationSettings.properties.APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
    'WebAppApplicationSettings.properties.APPLICATIONINSIGHTS_CONNECTION_STRING',
    'WebAppApplicationSettings.properties.AzureWebJobsStorage__clientId',
    'WebAppApplicationSettings.properties.DataStorage__clientId',
    'WebAppApplicationSettings.properties.EventHubConnection__clientId',
  ]);
});

test.each([
  [
    'a wrong configuration',
    { partitionCount: '99' },
    'partitionCount (99) must be at most 32 where eventHubsTier is Standard.',
  ],
  ['a key that is not known', { partitons: '4' }, 'partitons is not known.'],
])('%s stops the program before it asks for anything', async (_what, over, words) => {
  await expect(recordTestedStack('dev', over)).rejects.toThrow(words);
});
