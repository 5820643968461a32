import { EventHubConsumerClient, type PartitionProperties, type ReceivedEventData } from '@azure/event-hubs';

/** What a hub took in hours that follow each other. */
export interface HubHours {
  /** Events per hour, in the order of the hours. */
  readonly events: readonly number[];
  /**
   * When the oldest event that the hub still holds was taken; what it took before is not in the
   * numbers.
   */
  readonly keptFromMs?: number;
}

const hourMs = 3_600_000;
/** Every hub has this group, and the function does not read it. */
const consumerGroup = '$Default';
const peekTimeoutMs = 10_000;

/**
 * Counts what a hub took in each of `hours` hours from `fromMs` on, by the sequence numbers of the
 * first event of each hour in each partition: so it reads one event per partition and hour, and
 * moves no checkpoint. Throws what the SDK throws.
 */
export async function countHubHours(
  connectionString: string,
  fromMs: number,
  hours: number,
  signal: AbortSignal,
): Promise<HubHours> {
  const consumer = new EventHubConsumerClient(consumerGroup, connectionString, {
    retryOptions: { maxRetries: 1, retryDelayInMs: 1_000, timeoutInMs: 20_000 },
  });
  try {
    const ids = await consumer.getPartitionIds({ abortSignal: signal });
    const heads = await Promise.all(ids.map((id) => consumer.getPartitionProperties(id, { abortSignal: signal })));
    const bounds = Array.from({ length: hours + 1 }, (_, hour) => fromMs + hour * hourMs);
    // A client reads each partition once at a time.
    const firsts = await Promise.all(
      heads.map(async (head) => {
        const first: number[] = [];
        for (const timeMs of bounds) first.push(await firstFrom(consumer, head, timeMs, signal));
        return first;
      }),
    );
    const events = Array.from({ length: hours }, (_, hour) =>
      firsts.reduce((sum, first) => sum + (first[hour + 1] ?? 0) - (first[hour] ?? 0), 0),
    );
    const oldest = await Promise.all(heads.map((head) => oldestOf(consumer, head, signal)));
    const kept = oldest.filter((timeMs) => timeMs !== undefined);
    // A partition whose oldest event is its first has lost nothing to retention.
    return kept.length === 0 ? { events } : { events, keptFromMs: Math.max(...kept) };
  } finally {
    await consumer.close();
  }
}

/**
 * The sequence number of the first event that was taken at this time or later; of the next to come,
 * when there is none.
 */
async function firstFrom(
  consumer: EventHubConsumerClient,
  { partitionId, isEmpty, lastEnqueuedOnUtc, lastEnqueuedSequenceNumber }: PartitionProperties,
  timeMs: number,
  signal: AbortSignal,
): Promise<number> {
  const next = lastEnqueuedSequenceNumber + 1;
  if (isEmpty || lastEnqueuedOnUtc.getTime() < timeMs) return next;
  // The service looks for what comes after the time in the request.
  const event = await peek(consumer, partitionId, { enqueuedOn: timeMs - 1 }, signal);
  return event?.sequenceNumber ?? next;
}

/** When the oldest event was taken, where older ones are gone. */
async function oldestOf(
  consumer: EventHubConsumerClient,
  { partitionId, isEmpty, beginningSequenceNumber }: PartitionProperties,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (isEmpty || beginningSequenceNumber === 0) return undefined;
  const start = { sequenceNumber: beginningSequenceNumber, isInclusive: true };
  return (await peek(consumer, partitionId, start, signal))?.enqueuedTimeUtc.getTime();
}

/**
 * The first event after a position, or nothing when none comes in time. Rejects when the hub
 * refuses.
 */
async function peek(
  consumer: EventHubConsumerClient,
  partitionId: string,
  startPosition: { readonly enqueuedOn: number } | { readonly sequenceNumber: number; readonly isInclusive: boolean },
  signal: AbortSignal,
): Promise<ReceivedEventData | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<ReceivedEventData | undefined>();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(peekTimeoutMs)]);
  const giveUp = (): void => resolve(undefined);
  limit.addEventListener('abort', giveUp, { once: true });
  const subscription = consumer.subscribe(
    partitionId,
    {
      processEvents: (events) => {
        if (events[0] !== undefined) resolve(events[0]);
        return Promise.resolve();
      },
      processError: (error) => {
        reject(error);
        return Promise.resolve();
      },
    },
    { startPosition, maxBatchSize: 1, maxWaitTimeInSeconds: 1 },
  );
  try {
    const event = await promise;
    signal.throwIfAborted();
    return event;
  } finally {
    limit.removeEventListener('abort', giveUp);
    await subscription.close();
  }
}
