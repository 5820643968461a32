import { BlobServiceClient } from '@azure/storage-blob';
import { credentialOf, storageServiceUri, type Settings } from './settings.ts';

/** The host's own storage, `AzureWebJobsStorage`: checkpoints of partitions, leases of timers. */
export async function openHostStorage(settings: Settings): Promise<BlobServiceClient> {
  const usedBy = 'the functions host';
  const connection = settings.connection('AzureWebJobsStorage', usedBy);
  return connection.kind === 'connectionString'
    ? BlobServiceClient.fromConnectionString(connection.connectionString)
    : new BlobServiceClient(storageServiceUri(connection, 'blob', usedBy), await credentialOf(connection));
}
