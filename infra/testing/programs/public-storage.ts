import { StorageAccount } from '@pulumi/azure-native/storage/storageAccount.js';

/**
 * A storage account as one makes it without thinking: a key opens it, and its blobs can be for
 * everyone.
 */
export default function program(): Promise<Record<string, never>> {
  new StorageAccount('reports', {
    resourceGroupName: 'rg-reports',
    accountName: 'reports4711',
    location: 'westeurope',
    kind: 'StorageV2',
    sku: { name: 'Standard_LRS' },
    allowBlobPublicAccess: true,
  });
  return Promise.resolve({});
}
