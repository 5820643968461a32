import {
  EventHubBufferedProducerClient,
  EventHubConsumerClient,
  EventHubProducerClient,
  earliestEventPosition,
  type Checkpoint,
  type CheckpointStore,
  type PartitionOwnership,
} from '@azure/event-hubs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connection, emptyHub, expectThat } from './harness.ts';

class MemoryStore implements CheckpointStore {
  readonly #ownership = new Map<string, PartitionOwnership>();
  readonly #checkpoints = new Map<string, Checkpoint>();
  #version = 0;

  listOwnership() {
    return Promise.resolve([...this.#ownership.values()]);
  }

  claimOwnership(claims: PartitionOwnership[]) {
    const claimed = claims.filter(({ partitionId, etag }) => this.#ownership.get(partitionId)?.etag === etag);
    return Promise.resolve(
      claimed.map((claim) => {
        const owned = { ...claim, etag: String((this.#version += 1)), lastModifiedTimeInMs: Date.now() };
        this.#ownership.set(claim.partitionId, owned);
        return owned;
      }),
    );
  }

  updateCheckpoint(checkpoint: Checkpoint) {
    this.#checkpoints.set(checkpoint.partitionId, checkpoint);
    return Promise.resolve();
  }

  listCheckpoints() {
    return Promise.resolve([...this.#checkpoints.values()]);
  }
}

/**
 * Starts a processor that notes bodies with their partitions, and writes a checkpoint after each
 * batch.
 */
function start(store: CheckpointStore) {
  const seen: string[] = [];
  const errors: Error[] = [];
  const consumer = new EventHubConsumerClient('$Default', connection, emptyHub, store, {
    loadBalancingOptions: { strategy: 'balanced', updateIntervalInMs: 300 },
  });
  const subscription = consumer.subscribe(
    {
      processEvents: async (events, context) => {
        seen.push(...events.map(({ body }) => `${context.partitionId} ${String(body)}`));
        const last = events.at(-1);
        if (last) await context.updateCheckpoint(last);
      },
      processError: (error) => {
        errors.push(error);
        return Promise.resolve();
      },
    },
    { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 0.1 },
  );
  return {
    seen,
    count: async (count: number) => {
      while (seen.length < count && errors.length === 0) await sleep(20);
      if (errors[0]) throw errors[0];
    },
    stop: async () => {
      await subscription.close();
      await consumer.close();
    },
  };
}

async function sendToBoth(bodies: readonly string[]): Promise<void> {
  const producer = new EventHubProducerClient(connection, emptyHub);
  for (const partitionId of ['0', '1']) {
    await producer.sendBatch(
      bodies.map((body) => ({ body })),
      { partitionId },
    );
  }
  await producer.close();
}

export async function processor(): Promise<void> {
  const store = new MemoryStore();
  await sendToBoth(['a', 'b', 'c']);
  const first = start(store);
  await first.count(6);
  await first.stop();
  await sendToBoth(['d']);
  const second = start(store);
  await second.count(2);
  await second.stop();
  expectThat(second.seen.toSorted().join() === '0 d,1 d', second.seen);
}

/** Each round sends one event to each partition, until each processor gets one of them. */
export async function processorsShare(): Promise<void> {
  const store = new MemoryStore();
  const processors = [start(store), start(store)];
  for (let round = 0, isShared = false; !isShared; round += 1) {
    const body = `shared ${round}`;
    await sendToBoth([body]);
    const got = () => processors.map(({ seen }) => seen.filter((each) => each.endsWith(body)).join());
    for (let waits = 0; waits < 100 && got().join().split(body).length < 3; waits += 1) await sleep(30);
    isShared = got().toSorted().join() === `0 ${body},1 ${body}`;
  }
  await Promise.all(processors.map((each) => each.stop()));
}

export async function bufferedProducer(): Promise<void> {
  const failed: Error[] = [];
  const producer = new EventHubBufferedProducerClient(connection, emptyHub, {
    onSendEventsErrorHandler: ({ error }) => void failed.push(error),
  });
  const last = async () => (await producer.getPartitionProperties('0')).lastEnqueuedSequenceNumber;
  const before = await last();
  for (let sent = 0; sent < 200; sent += 1) await producer.enqueueEvent({ body: 'buffered' }, { partitionId: '0' });
  await producer.flush();
  const sent = (await last()) - before;
  await producer.close();
  expectThat(sent === 200 && failed.length === 0, { sent, failed: failed.map(String) });
}
