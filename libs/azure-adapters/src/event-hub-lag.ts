import type { EventHubConsumerClient, CheckpointStore, EventPosition, ReceivedEventData } from '@azure/event-hubs';

/** How far one partition is behind its head. */
export interface PartitionLag {
  readonly partitionId: string;
  /** Events that no checkpoint has passed yet. */
  readonly events: number;
  /** Of the event that was enqueued last; absent when there never was one. */
  readonly lastEnqueuedSequenceNumber?: number;
  /** When that was, in epoch milliseconds. */
  readonly lastEnqueuedAtMs?: number;
  /** Up to where the function has settled; absent before its first checkpoint. */
  readonly checkpointSequenceNumber?: number;
  /**
   * When the oldest of them was enqueued, in epoch milliseconds; absent when there is none, or it
   * could not be read in time.
   */
  readonly oldestEnqueuedAtMs?: number;
}

export interface LagOptions {
  /**
   * A client of another consumer group than the function's: the function reads its own with an
   * owner level, which keeps every other reader away.
   */
  readonly consumer: EventHubConsumerClient;
  /** Where the function's trigger writes its checkpoints, and for which consumer group. */
  readonly checkpoints: CheckpointStore;
  readonly consumerGroup: string;
  readonly signal: AbortSignal;
}

/**
 * How long the oldest event of a partition is waited for; it is there, so it comes with the first
 * answer.
 */
const peekTimeoutMs = 5_000;

/**
 * Measures the lag of every partition: what the hub says it holds, less what the function's
 * checkpoint has passed. Without a checkpoint everything that the hub still holds counts. Throws
 * what the SDK throws.
 */
export async function measureLag(options: LagOptions): Promise<readonly PartitionLag[]> {
  const { consumer, checkpoints, consumerGroup, signal } = options;
  const { fullyQualifiedNamespace, eventHubName } = consumer;
  const passed = new Map(
    (
      await checkpoints.listCheckpoints(fullyQualifiedNamespace, eventHubName, consumerGroup, { abortSignal: signal })
    ).map(({ partitionId, sequenceNumber }) => [partitionId, sequenceNumber]),
  );
  const partitionIds = await consumer.getPartitionIds({ abortSignal: signal });
  return await Promise.all(
    partitionIds.map(async (partitionId): Promise<PartitionLag> => {
      const head = await consumer.getPartitionProperties(partitionId, { abortSignal: signal });
      // What retention has removed is gone, whether a checkpoint passed it or not.
      const checkpoint = passed.get(partitionId);
      const from = Math.max(checkpoint ?? -1, head.beginningSequenceNumber - 1);
      const events = head.isEmpty ? 0 : Math.max(0, head.lastEnqueuedSequenceNumber - from);
      const known = {
        partitionId,
        events,
        ...(head.lastEnqueuedSequenceNumber < 0
          ? {}
          : {
              lastEnqueuedSequenceNumber: head.lastEnqueuedSequenceNumber,
              lastEnqueuedAtMs: head.lastEnqueuedOnUtc.getTime(),
            }),
        ...(checkpoint === undefined ? {} : { checkpointSequenceNumber: checkpoint }),
      };
      if (events === 0) return known;
      const oldest = await peek(consumer, partitionId, { sequenceNumber: from, isInclusive: false }, signal);
      return oldest === undefined ? known : { ...known, oldestEnqueuedAtMs: oldest };
    }),
  );
}

/** When the first event after a position was enqueued. */
async function peek(
  consumer: EventHubConsumerClient,
  partitionId: string,
  startPosition: EventPosition,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<ReceivedEventData | undefined>();
  const giveUp = (): void => resolve(undefined);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(peekTimeoutMs)]);
  limit.addEventListener('abort', giveUp, { once: true });
  const subscription = consumer.subscribe(
    partitionId,
    {
      processEvents: (events) => {
        if (events[0] !== undefined) resolve(events[0]);
        return Promise.resolve();
      },
      // One that cannot be read leaves its age unknown; the number of events is known all the same.
      processError: () => {
        giveUp();
        return Promise.resolve();
      },
    },
    { startPosition, maxBatchSize: 1, maxWaitTimeInSeconds: 1 },
  );
  try {
    return (await promise)?.enqueuedTimeUtc.getTime();
  } finally {
    limit.removeEventListener('abort', giveUp);
    await subscription.close();
  }
}
