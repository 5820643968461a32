import { secret } from '@pulumi/pulumi';
import { expect, test } from 'vitest';
import { placeForTests, recordComponent } from '../testing/record-component.ts';
import { ofType, theOnly } from '../testing/stacks.ts';
import { SecretVault } from './secret-vault.ts';

const record = (isPrivate = false, protectData = false) =>
  recordComponent(
    () =>
      new SecretVault('vault', {
        place: placeForTests({ protectData }),
        secretNames: ['crm-client-secret', 'erp-key'],
        values: new Map([['crm-client-secret', secret('hush')]]),
        storedSecrets: ['crm-client-secret'],
        isPrivate,
      }),
  );

const { vault } = placeForTests().names;

test('the vault knows roles only, and keeps what was deleted', async () => {
  const { inputs } = theOnly((await record()).resources, 'Vault');
  expect(inputs.properties).toMatchObject({
    tenantId: placeForTests().tenantId,
    sku: { family: 'A', name: 'standard' },
    enableRbacAuthorization: true,
    enableSoftDelete: true,
    softDeleteRetentionInDays: 90,
    enablePurgeProtection: true,
    publicNetworkAccess: 'Enabled',
    networkAcls: { bypass: 'AzureServices', defaultAction: 'Allow' },
  });
  expect(inputs.properties).not.toHaveProperty('accessPolicies');
});

test('a secret with a value is made, its value secret; one without is left to be filled by hand', async () => {
  const { resources } = await record();
  expect(ofType(resources, 'Secret').map(({ name, inputs }) => [name, inputs.secretName, inputs.properties])).toEqual([
    ['vault-secret-crm-client-secret', 'crm-client-secret', { contentType: 'text/plain', value: { secret: true } }],
  ]);
  expect(JSON.stringify(resources)).not.toContain('hush');
});

test('every name has a reference without a version, so that a new value counts', async () => {
  const { made } = await record();
  expect([...made.references]).toEqual([
    ['crm-client-secret', `@Microsoft.KeyVault(SecretUri=https://${vault}.vault.azure.net/secrets/crm-client-secret)`],
    ['erp-key', `@Microsoft.KeyVault(SecretUri=https://${vault}.vault.azure.net/secrets/erp-key)`],
  ]);
});

test('a private vault is closed to other networks', async () => {
  const { inputs } = theOnly((await record(true)).resources, 'Vault');
  expect(inputs.properties).toMatchObject({ publicNetworkAccess: 'Disabled', networkAcls: { defaultAction: 'Deny' } });
});

test('protection is for the vault', async () => {
  const { resources } = await record(false, true);
  expect(resources.filter(({ isProtected }) => isProtected).map(({ name }) => name)).toEqual(['vault-vault']);
});
