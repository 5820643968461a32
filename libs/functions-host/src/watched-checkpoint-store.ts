import type { Checkpoint, CheckpointStore, OperationOptions, PartitionOwnership } from '@azure/event-hubs';

/**
 * A checkpoint store that notices when another host has taken a partition of `ownerId`. The SDK
 * learns of that only at its next receive, which may be long after a slow function has begun, and
 * would then write a checkpoint of a partition that it lost.
 */
export class WatchedCheckpointStore implements CheckpointStore {
  readonly #store: CheckpointStore;
  readonly #ownerId: string;
  readonly #lost: (partitionId: string) => void;
  readonly #owned = new Set<string>();

  constructor(store: CheckpointStore, ownerId: string, lost: (partitionId: string) => void) {
    this.#store = store;
    this.#ownerId = ownerId;
    this.#lost = lost;
  }

  async listOwnership(
    namespace: string,
    eventHubName: string,
    consumerGroup: string,
    options?: OperationOptions,
  ): Promise<PartitionOwnership[]> {
    const ownerships = await this.#store.listOwnership(namespace, eventHubName, consumerGroup, options);
    for (const { partitionId, ownerId } of ownerships) {
      if (ownerId !== this.#ownerId && this.#owned.delete(partitionId)) this.#lost(partitionId);
    }
    return ownerships;
  }

  async claimOwnership(ownerships: PartitionOwnership[], options?: OperationOptions): Promise<PartitionOwnership[]> {
    const claimed = await this.#store.claimOwnership(ownerships, options);
    for (const { partitionId, ownerId } of claimed) if (ownerId === this.#ownerId) this.#owned.add(partitionId);
    return claimed;
  }

  updateCheckpoint(checkpoint: Checkpoint, options?: OperationOptions): Promise<void> {
    return this.#store.updateCheckpoint(checkpoint, options);
  }

  listCheckpoints(
    namespace: string,
    eventHubName: string,
    consumerGroup: string,
    options?: OperationOptions,
  ): Promise<Checkpoint[]> {
    return this.#store.listCheckpoints(namespace, eventHubName, consumerGroup, options);
  }
}
