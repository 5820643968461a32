import { StorageAccount, type StorageAccountArgs } from '@pulumi/azure-native/storage/storageAccount.js';
import type { CustomResourceOptions } from '@pulumi/pulumi';
import type { Place } from '../place.ts';

export interface AccountArgs {
  readonly place: Place;
  readonly accountName: string;
  /**
   * `open`: any network, roles required. `trusted`: Azure's own services only. `private`: private
   * endpoints only.
   */
  readonly network: 'open' | 'trusted' | 'private';
}

/**
 * A storage account as every one of ours is: no shared keys, no public blobs, TLS 1.2, sign-in with
 * Entra only.
 */
export function createStorageAccount(
  name: string,
  { place, accountName, network }: AccountArgs,
  options: CustomResourceOptions,
): StorageAccount {
  return new StorageAccount(
    name,
    {
      resourceGroupName: place.resourceGroupName,
      accountName,
      location: place.location,
      tags: place.tags,
      kind: 'StorageV2',
      sku: { name: redundancyOf(place) },
      accessTier: 'Hot',
      minimumTlsVersion: 'TLS1_2',
      enableHttpsTrafficOnly: true,
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      allowCrossTenantReplication: false,
      defaultToOAuthAuthentication: true,
      ...networkAccess[network],
    },
    options,
  );
}

/**
 * Copies: in one building, in the region's zones, and either of them in the paired region as well.
 */
function redundancyOf({ zoneRedundant, geoRedundant }: Place): string {
  if (geoRedundant) return zoneRedundant ? 'Standard_GZRS' : 'Standard_GRS';
  return zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS';
}

const networkAccess = {
  open: { publicNetworkAccess: 'Enabled', networkRuleSet: { defaultAction: 'Allow', bypass: 'AzureServices' } },
  trusted: { publicNetworkAccess: 'Enabled', networkRuleSet: { defaultAction: 'Deny', bypass: 'AzureServices' } },
  private: { publicNetworkAccess: 'Disabled', networkRuleSet: { defaultAction: 'Deny', bypass: 'None' } },
} as const satisfies Record<AccountArgs['network'], Pick<StorageAccountArgs, 'publicNetworkAccess' | 'networkRuleSet'>>;
