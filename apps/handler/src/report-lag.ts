import { containerClient, measureLag } from '@activation-hub/azure-adapters';
import type { Clock } from '@activation-hub/delivery';
import { managedIdentity } from '@activation-hub/destinations';
import { checkpointContainer } from '@activation-hub/handler-contract';
import type { Telemetry } from '@activation-hub/telemetry';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import type { TokenCredential } from '@azure/identity';
import type { ContainerClient } from '@azure/storage-blob';
import type { Settings } from './settings.ts';

/** Where the function's own trigger reads from and keeps its place. */
export interface LagSource {
  readonly eventHub:
    | { readonly connectionString: string }
    | { readonly fullyQualifiedNamespace: string; readonly credential: TokenCredential };
  readonly eventHubName: string;
  readonly consumerGroup: string;
  /** The container in which the Event Hubs extension keeps its checkpoints. */
  readonly checkpoints: ContainerClient;
  readonly now: () => number;
}

/** Every hub has this group, and the function does not read it. */
const peekingConsumerGroup = '$Default';
const timeoutMs = 30_000;

/** What the settings say of the trigger's own hub and of where the host keeps its place. */
export function lagSource({ eventHub, hostStorage }: Settings, { now }: Clock): LagSource {
  const { connection, name, consumerGroup } = eventHub;
  const storage =
    'connectionString' in hostStorage
      ? hostStorage
      : { blobEndpoint: hostStorage.blobEndpoint, credential: managedIdentity(hostStorage.clientId) };
  return {
    eventHub:
      'connectionString' in connection
        ? connection
        : {
            fullyQualifiedNamespace: connection.fullyQualifiedNamespace,
            credential: managedIdentity(connection.clientId),
          },
    eventHubName: name,
    consumerGroup,
    checkpoints: containerClient(storage, checkpointContainer),
    now,
  };
}

/**
 * Says for every partition how many events are not settled yet, and how old the oldest of them is,
 * as far as it could be read in time: an age that is not known must not pass for none.
 */
export async function reportLag(source: LagSource, telemetry: Telemetry): Promise<void> {
  const consumer =
    'connectionString' in source.eventHub
      ? new EventHubConsumerClient(peekingConsumerGroup, source.eventHub.connectionString, source.eventHubName)
      : new EventHubConsumerClient(
          peekingConsumerGroup,
          source.eventHub.fullyQualifiedNamespace,
          source.eventHubName,
          source.eventHub.credential,
        );
  try {
    const lags = await measureLag({
      consumer,
      checkpoints: new BlobCheckpointStore(source.checkpoints),
      consumerGroup: source.consumerGroup,
      signal: AbortSignal.timeout(timeoutMs),
    });
    for (const { partitionId, events, oldestEnqueuedAtMs } of lags) {
      const oldestAtMs = events === 0 ? source.now() : oldestEnqueuedAtMs;
      const age = oldestAtMs === undefined ? {} : { oldestAgeMs: Math.max(0, source.now() - oldestAtMs) };
      telemetry.emit('lag-measured', { partitionId, events, ...age });
    }
  } finally {
    await consumer.close();
  }
}
