import { UserAssignedIdentity } from '@pulumi/azure-native/managedidentity/userAssignedIdentity.js';
import { BlobContainer } from '@pulumi/azure-native/storage/blobContainer.js';
import type { RoleAssignment } from '@pulumi/azure-native/authorization/roleAssignment.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Place } from '../place.ts';
import { assignRole } from '../roles.ts';
import { createStorageAccount } from './storage-account.ts';

export interface EventArchiveArgs {
  readonly place: Place;
}

/**
 * Where Event Hubs Capture keeps every event as it came. It is an account of its own, because only
 * Event Hubs writes to it: the handler, which tries to tell the world what the events say, cannot
 * touch what they said.
 */
export class EventArchive extends ComponentResource {
  readonly identityId: Output<string>;
  /** What must exist before Event Hubs can write. */
  readonly grants: readonly RoleAssignment[];
  /**
   * The setting of the hub. A file ends after five minutes or 300 MB; hours without events leave
   * none.
   */
  readonly captureDescription;

  constructor(name: string, { place }: EventArchiveArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:EventArchive', name, {}, options);
    const account = createStorageAccount(
      `${name}-account`,
      { place, accountName: place.names.archiveAccount, network: 'trusted' },
      { parent: this, protect: place.protectData },
    );
    const container = new BlobContainer(
      `${name}-container`,
      {
        resourceGroupName: place.resourceGroupName,
        accountName: account.name,
        containerName: 'profile-exports',
        publicAccess: 'None',
      },
      { parent: this, protect: place.protectData },
    );
    const identity = new UserAssignedIdentity(
      `${name}-identity`,
      {
        resourceGroupName: place.resourceGroupName,
        resourceName: place.names.archiveIdentity,
        location: place.location,
        tags: place.tags,
      },
      { parent: this },
    );
    this.identityId = identity.id;
    this.grants = [
      assignRole(
        this,
        { name, principalId: identity.principalId },
        { role: 'Storage Blob Data Contributor', scope: account.id, scopeName: 'archive-account' },
        place,
      ),
    ];
    this.captureDescription = {
      enabled: true,
      encoding: 'Avro',
      intervalInSeconds: 300,
      sizeLimitInBytes: 314_572_800,
      skipEmptyArchives: true,
      destination: {
        name: 'EventHubArchive.AzureBlockBlob',
        storageAccountResourceId: account.id,
        blobContainer: container.name,
        archiveNameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}',
        identity: { type: 'UserAssigned', userAssignedIdentity: identity.id },
      },
    } as const;
    this.registerOutputs({ container: container.name });
  }
}
