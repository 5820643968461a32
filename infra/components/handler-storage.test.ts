import { expect, test } from 'vitest';
import { placeForTests, recordComponent } from '../testing/record-component.ts';
import { named, ofType, theOnly } from '../testing/stacks.ts';
import { HandlerStorage } from './handler-storage.ts';

const record = (
  over: {
    isPrivate?: boolean;
    zoneRedundant?: boolean;
    geoRedundant?: boolean;
    protectData?: boolean;
    ledgerAccounts?: number;
    ledgerCosmosEndpoint?: string;
  } = {},
) => {
  const { isPrivate = false, ledgerAccounts = 1, ledgerCosmosEndpoint = '' } = over;
  const args = { place: placeForTests(over), isPrivate, ledgerAccounts, ledgerCosmosEndpoint };
  return recordComponent(() => new HandlerStorage('storage', args));
};

const { hostAccount, dataAccount } = placeForTests().names;

test('two accounts hold exactly what the handler needs, each thing where it belongs', async () => {
  const { resources } = await record();
  const what = (type: string, key: string) =>
    ofType(resources, type).map(({ inputs }) => [inputs.accountName, inputs[key]]);
  expect(ofType(resources, 'StorageAccount').map(({ inputs }) => inputs.accountName)).toEqual([
    dataAccount,
    hostAccount,
  ]);
  expect(what('BlobContainer', 'containerName')).toEqual([
    [dataAccount, 'controls'],
    [dataAccount, 'dead-letters'],
    [dataAccount, 'ledger-exports'],
    [hostAccount, 'app-package'],
    [dataAccount, 'retries'],
  ]);
  expect(what('Table', 'tableName')).toEqual([
    [dataAccount, 'ledger'],
    [dataAccount, 'ledgerlayout'],
  ]);
  expect(what('Queue', 'queueName')).toEqual([
    [dataAccount, 'retries'],
    [dataAccount, 'retries-poison'],
  ]);
  expect(resources.filter(({ parent }) => parent === undefined).map(({ name }) => name)).toEqual(['storage']);
});

test('only the data account keeps what was deleted; the host account, where every checkpoint is a write, does not', async () => {
  const { inputs } = theOnly((await record()).resources, 'BlobServiceProperties');
  expect(inputs).toMatchObject({
    accountName: dataAccount,
    deleteRetentionPolicy: { enabled: true, days: 14 },
    containerDeleteRetentionPolicy: { enabled: true, days: 14 },
  });
  expect(inputs).not.toHaveProperty('isVersioningEnabled');
});

test('dead letters become cheaper, and are deleted in the end; exports of the ledger, when they can help no more', async () => {
  const { inputs } = theOnly((await record()).resources, 'ManagementPolicy');
  expect(inputs).toMatchObject({
    accountName: dataAccount,
    policy: {
      rules: [
        {
          definition: {
            filters: { prefixMatch: ['dead-letters/'] },
            actions: {
              baseBlob: {
                tierToCool: { daysAfterModificationGreaterThan: 30 },
                delete: { daysAfterModificationGreaterThan: 90 },
              },
            },
          },
        },
        {
          definition: {
            filters: { prefixMatch: ['ledger-exports/'] },
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 8 } } },
          },
        },
      ],
    },
  });
});

test.each([
  [false, 'Enabled', 'Allow'],
  [true, 'Disabled', 'Deny'],
])('private %s: public access is %s, and by default %s', async (isPrivate, publicNetworkAccess, defaultAction) => {
  const { resources } = await record({ isPrivate });
  for (const { inputs } of ofType(resources, 'StorageAccount')) {
    expect(inputs).toMatchObject({ publicNetworkAccess, networkRuleSet: { defaultAction } });
  }
});

test.each([
  [false, false, 'Standard_LRS'],
  [true, false, 'Standard_ZRS'],
  [false, true, 'Standard_GRS'],
  [true, true, 'Standard_GZRS'],
])('zone redundant %s, geo redundant %s: %s', async (zoneRedundant, geoRedundant, sku) => {
  const { resources } = await record({ zoneRedundant, geoRedundant });
  expect(ofType(resources, 'StorageAccount').map(({ inputs }) => inputs.sku)).toEqual([{ name: sku }, { name: sku }]);
});

test('protection is for what cannot be made again: all that the data account holds', async () => {
  const { resources } = await record({ protectData: true });
  const holding = ['StorageAccount', 'BlobContainer', 'Table', 'Queue'].flatMap((type) => ofType(resources, type));
  const ofData = holding.filter(({ inputs }) => inputs.accountName === dataAccount);
  expect(ofData).toHaveLength(9);
  expect(ofData.filter(({ isProtected }) => !isProtected)).toEqual([]);
  // Checkpoints and the package: without them the hub is read from its beginning, and the app is
  // deployed anew.
  const others = resources.filter((resource) => !ofData.includes(resource));
  expect(others.filter(({ isProtected }) => isProtected)).toEqual([]);
});

test('a ledger that is spread has its tables in accounts of their own, as closed and as protected as the others', async () => {
  const { made, resources } = await record({ ledgerAccounts: 4, isPrivate: true, protectData: true });
  const accounts = [1, 2, 3, 4].map(placeForTests().names.ledgerAccount);
  expect(accounts[0]).toMatch(/^acthubdevle01[0-9a-f]{6}$/);
  expect(made.ledgerAccountIds).toHaveLength(4);
  expect(made.dataAccountHasLedger).toBe(false);
  expect(made.dataEndpoints.table).toBe(accounts.map((name) => `https://${name}.table.core.windows.net`).join(','));
  for (const [index, accountName] of accounts.entries()) {
    const account = named(resources, `storage-ledger-${index + 1}`);
    expect(account).toMatchObject({
      isProtected: true,
      inputs: { accountName, publicNetworkAccess: 'Disabled', allowSharedKeyAccess: false },
    });
    const tables = ofType(resources, 'Table').filter(({ inputs }) => inputs.accountName === accountName);
    expect(tables.map(({ inputs, isProtected }) => [inputs.tableName, isProtected])).toEqual([
      ['ledger', true],
      ['ledgerlayout', true],
    ]);
  }
});

test('a ledger in Cosmos DB is where it is said to be, and makes no account', async () => {
  const { made, resources } = await record({
    ledgerCosmosEndpoint: 'https://contoso-ledger.table.cosmos.azure.com:443/',
  });
  expect(made.dataEndpoints.table).toBe('https://contoso-ledger.table.cosmos.azure.com:443');
  expect(ofType(resources, 'StorageAccount')).toHaveLength(2);
  expect(made.dataAccountHasLedger).toBe(false);
});

test('the endpoints are those of the accounts', async () => {
  const { made, resources } = await record();
  expect(made.dataAccountHasLedger).toBe(true);
  expect(made.hostBlobEndpoint).toBe(`https://${hostAccount}.blob.core.windows.net`);
  expect(made.dataEndpoints).toEqual({
    blob: `https://${dataAccount}.blob.core.windows.net`,
    queue: `https://${dataAccount}.queue.core.windows.net`,
    table: `https://${dataAccount}.table.core.windows.net`,
  });
  expect(named(resources, 'storage-host').inputs.accountName).toBe(hostAccount);
});
