import { containerClient, measureLag, type BlobConnection, type PartitionLag } from '@activation-hub/azure-adapters';
import { checkpointContainer } from '@activation-hub/handler-contract';
import type { TokenCredential } from '@azure/core-auth';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';

/** The hub, by a key that may listen, or by a person's own sign-in to Azure. */
export type HubReader =
  | { readonly connectionString: string }
  | { readonly hostName: string; readonly eventHubName: string; readonly credential: TokenCredential };

export interface HandlerLagOptions {
  readonly hub: HubReader;
  /** Of the function app's host. */
  readonly hostStorage: BlobConnection;
  /** The function's. */
  readonly consumerGroup: string;
  readonly signal: AbortSignal;
}

/**
 * How many events of each partition the function's checkpoint has not passed yet. Throws what the
 * SDKs throw.
 */
export async function measureHandlerLag(options: HandlerLagOptions): Promise<readonly PartitionLag[]> {
  const { hub, hostStorage, consumerGroup, signal } = options;
  const retryOptions = { maxRetries: 1, retryDelayInMs: 1_000, timeoutInMs: 20_000 };
  const consumer =
    'connectionString' in hub
      ? new EventHubConsumerClient('$Default', hub.connectionString, { retryOptions })
      : new EventHubConsumerClient('$Default', hub.hostName, hub.eventHubName, hub.credential, { retryOptions });
  try {
    const checkpoints = new BlobCheckpointStore(containerClient(hostStorage, checkpointContainer));
    return await measureLag({ consumer, checkpoints, consumerGroup, signal });
  } finally {
    await consumer.close();
  }
}
