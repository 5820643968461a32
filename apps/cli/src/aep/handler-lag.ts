import { containerClient, measureLag, type BlobConnection, type PartitionLag } from '@activation-hub/azure-adapters';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';

export interface HandlerLagOptions {
  readonly connectionString: string;
  /** Of the function app's host. */
  readonly hostStorage: BlobConnection;
  /** The function's. */
  readonly consumerGroup: string;
  readonly signal: AbortSignal;
}

/** How many events of each partition the function's checkpoint has not passed yet. Throws what the SDKs throw. */
export async function measureHandlerLag(options: HandlerLagOptions): Promise<readonly PartitionLag[]> {
  const { connectionString, hostStorage, consumerGroup, signal } = options;
  const consumer = new EventHubConsumerClient('$Default', connectionString, {
    retryOptions: { maxRetries: 1, retryDelayInMs: 1_000, timeoutInMs: 20_000 },
  });
  try {
    const checkpoints = new BlobCheckpointStore(containerClient(hostStorage, 'azure-webjobs-eventhub'));
    return await measureLag({ consumer, checkpoints, consumerGroup, signal });
  } finally {
    await consumer.close();
  }
}
