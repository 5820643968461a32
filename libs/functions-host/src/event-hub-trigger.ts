import { randomUUID } from 'node:crypto';
import {
  earliestEventPosition,
  latestEventPosition,
  RetryMode,
  type EventHubConsumerClient,
  type EventHubConsumerClientOptions,
  type EventPosition,
  type PartitionContext,
  type ReceivedEventData,
  type Subscription,
} from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import type { BlobServiceClient } from '@azure/storage-blob';
import { consumerClient } from './consumer-client.ts';
import { batchInput, eventInput, type PartitionSource } from './event-hub-input.ts';
import type { EventHubsSettings } from './host-json.ts';
import { runWithRetries } from './retry-policy.ts';
import type { InvocationInput, InvocationOutcome } from './rpc.ts';
import {
  errorText,
  settledOrAborted,
  sleepUntilAborted,
  type RegisteredFunction,
  type TriggerListener,
  type TriggerServices,
} from './trigger.ts';
import { WatchedCheckpointStore } from './watched-checkpoint-store.ts';

const checkpointContainer = 'azure-webjobs-eventhub';
/** Ends waiting for a connection that no longer answers when the host stops. */
const closeTimeoutMs = 5_000;
const sameErrorEveryMs = 30_000;
const reachEveryMs = 1_000;

/** How hosts of one app share the partitions of an event hub. */
export interface LoadBalancing {
  /** How often a host looks for partitions and renews its own. Default 1000. */
  readonly intervalMs?: number;
  /**
   * After this long without a renewal a partition may be taken by another host; several intervals.
   * Default 5000.
   */
  readonly partitionOwnershipExpirationMs?: number;
}

/**
 * Reads an event hub as the Event Hubs extension does: partitions are shared among the hosts of a
 * consumer group, batches of a partition run strictly one after the other, and the checkpoint moves
 * on after a batch whether its function succeeded or threw, once the retry policy is exhausted; not
 * when the host stops before, or the partition was lost. Without a consumer group: `$Default`.
 */
export async function startEventHubTrigger(
  registered: RegisteredFunction,
  services: TriggerServices,
  storage: BlobServiceClient,
  loadBalancing: LoadBalancing,
): Promise<TriggerListener> {
  const container = storage.getContainerClient(checkpointContainer);
  try {
    await container.createIfNotExists();
  } catch (error) {
    throw new Error(
      `Failed to start function ${registered.name}: the host's storage (AzureWebJobsStorage) could not be used: ${errorText(error)}.`,
      { cause: error },
    );
  }
  const trigger = new EventHubTrigger(registered, services);
  const ownerId = `${services.instanceName}-${randomUUID()}`;
  const store = new WatchedCheckpointStore(new BlobCheckpointStore(container), ownerId, (partitionId) =>
    trigger.lose(partitionId),
  );
  trigger.start(
    await consumerClient(
      registered,
      services,
      store,
      clientOptions(ownerId, services.hostJson.eventHubs, loadBalancing),
    ),
  );
  return trigger;
}

function clientOptions(
  identifier: string,
  { clientRetry }: EventHubsSettings,
  loadBalancing: LoadBalancing,
): EventHubConsumerClientOptions {
  return {
    identifier,
    loadBalancingOptions: {
      strategy: 'greedy',
      updateIntervalInMs: loadBalancing.intervalMs ?? 1_000,
      partitionOwnershipExpirationIntervalInMs: loadBalancing.partitionOwnershipExpirationMs ?? 5_000,
    },
    retryOptions: {
      mode: clientRetry.mode === 'fixed' ? RetryMode.Fixed : RetryMode.Exponential,
      maxRetries: clientRetry.maximumRetries,
      retryDelayInMs: clientRetry.delayMs,
      maxRetryDelayInMs: clientRetry.maximumDelayMs,
      timeoutInMs: clientRetry.tryTimeoutMs,
    },
  };
}

/** A partition while this host reads it. */
interface PartitionRun {
  readonly partitionId: string;
  /** Aborted when another host took the partition, or the subscription closed it. */
  readonly ended: AbortController;
  /**
   * Received events of which no batch has been made: they wait for `minEventBatchSize`, or for the
   * batch that is at work.
   */
  waiting: ReceivedEventData[];
  waitingSince: number;
  batches: number;
  /** Batches are made, one after the other. */
  isWorking: boolean;
  /** The batch that is at work, or the last that was. */
  atWork: Promise<void>;
}

class EventHubTrigger implements TriggerListener {
  readonly #registered: RegisteredFunction;
  readonly #services: TriggerServices;
  readonly #settings: EventHubsSettings;
  readonly #stopping = new AbortController();
  /**
   * The run of each partition that is read now, and of each of the SDK's readers, which may outlive
   * its partition for a while.
   */
  readonly #partitions = new Map<string, PartitionRun>();
  readonly #runs = new WeakMap<PartitionContext, PartitionRun>();
  readonly #running = new Set<Promise<void>>();
  #client: EventHubConsumerClient | undefined;
  #opening: Promise<void> = Promise.resolve();
  #subscription: Subscription | undefined;
  #lastError = { message: '', at: 0 };

  constructor(registered: RegisteredFunction, services: TriggerServices) {
    this.#registered = registered;
    this.#services = services;
    this.#settings = services.hostJson.eventHubs;
  }

  start(client: EventHubConsumerClient): void {
    this.#client = client;
    this.#opening = this.#open(client);
  }

  /**
   * Asks for the event hub first: until it has been reached, the SDK's processor would try only
   * every half minute.
   */
  async #open(client: EventHubConsumerClient): Promise<void> {
    const abortSignal = this.#stopping.signal;
    do {
      try {
        await client.getEventHubProperties({ abortSignal });
        break;
      } catch (error) {
        this.#report(error instanceof Error ? error : new Error(String(error)), '');
      }
    } while (await sleepUntilAborted(reachEveryMs, abortSignal));
    if (!abortSignal.aborted) this.#subscribe(client);
  }

  #subscribe(client: EventHubConsumerClient): void {
    const { maxEventBatchSize, prefetchCount, initialOffset } = this.#settings;
    this.#subscription = client.subscribe(
      {
        processInitialize: (context) => {
          this.#begin(context);
          return Promise.resolve();
        },
        processEvents: (events, context) => this.#receive(events, context),
        processError: (error, { partitionId }) => {
          this.#report(error, partitionId);
          return Promise.resolve();
        },
        processClose: (_, context) => {
          this.#runs.get(context)?.ended.abort();
          return Promise.resolve();
        },
      },
      {
        maxBatchSize: maxEventBatchSize,
        // Events are handed over when they arrive. The SDK notices only after this wait that a
        // connection was cut, and a minimum size of the batch needs a look at the clock in between.
        maxWaitTimeInSeconds: 1,
        prefetchCount,
        startPosition: startPosition(initialOffset),
        skipParsingBodyAsJson: true,
      },
    );
  }

  /** The partition is no longer ours: what runs of it writes no checkpoint. */
  lose(partitionId: string): void {
    const run = this.#partitions.get(partitionId);
    if (run === undefined) return;
    run.ended.abort();
    this.#debug(`Another host has taken partition ${partitionId}.`);
  }

  async stop(drain: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await settledOrAborted(this.#running, drain);
    // Closing releases the partitions, so that another host can take them at once.
    const closing = (async () => {
      await this.#opening;
      await this.#subscription?.close();
      await this.#client?.close();
    })().catch((error: unknown) =>
      this.#warn(
        `Failed to release the partitions: ${errorText(error)}. Other hosts take them when the ownership expires.`,
      ),
    );
    await settledOrAborted([closing], AbortSignal.timeout(closeTimeoutMs));
    for (const { ended } of this.#partitions.values()) ended.abort();
  }

  #begin(context: PartitionContext): void {
    const { partitionId } = context;
    const run = {
      partitionId,
      ended: new AbortController(),
      waiting: [],
      waitingSince: 0,
      batches: 0,
      isWorking: false,
      atWork: Promise.resolve(),
    };
    this.#partitions.set(partitionId, run);
    this.#runs.set(context, run);
    this.#debug(`Reads partition ${partitionId}.`);
  }

  /**
   * Takes events while a batch is at work, up to `prefetchCount`, as the extension does in the
   * background: the next batch begins when that one ends, with what has come until then. The SDK
   * receives the next events of the partition when this resolves.
   */
  async #receive(events: ReceivedEventData[], context: PartitionContext): Promise<void> {
    const run = this.#runs.get(context);
    if (!run) return;
    if (run.waiting.length === 0) run.waitingSince = performance.now();
    run.waiting.push(...events);
    if (!run.isWorking) void this.#work(run, context);
    while (run.isWorking && run.waiting.length > this.#settings.prefetchCount) await run.atWork;
    if (this.#reads(run)) return;
    // Nothing more is fetched while the others drain, yet the partition stays ours until then.
    await aborted(run.ended.signal);
    throw Object.assign(new Error(`Partition ${run.partitionId} is read by another host now.`), {
      code: 'ReceiverDisconnectedError',
    });
  }

  #reads({ ended }: PartitionRun): boolean {
    return !this.#stopping.signal.aborted && !ended.signal.aborted;
  }

  /** Batches follow each other, until there are no events for one. Never throws. */
  async #work(run: PartitionRun, context: PartitionContext): Promise<void> {
    run.isWorking = true;
    try {
      for (let batch = this.#nextBatch(run); batch.length > 0; batch = this.#nextBatch(run)) {
        const processing = this.#process(run, batch, context);
        this.#running.add(processing);
        run.atWork = processing.finally(() => this.#running.delete(processing));
        await run.atWork;
      }
    } catch (error) {
      this.#report(error instanceof Error ? error : new Error(String(error)), run.partitionId);
    } finally {
      run.isWorking = false;
    }
  }

  #nextBatch(run: PartitionRun): ReceivedEventData[] {
    if (!this.#reads(run)) return [];
    const { minEventBatchSize, maxEventBatchSize, maxWaitTimeMs } = this.#settings;
    const waitedMs = performance.now() - run.waitingSince;
    if (run.waiting.length < minEventBatchSize && waitedMs < maxWaitTimeMs) return [];
    run.waitingSince = performance.now();
    return run.waiting.splice(0, maxEventBatchSize);
  }

  async #process(run: PartitionRun, batch: readonly ReceivedEventData[], context: PartitionContext): Promise<void> {
    const writesCheckpoint =
      this.#settings.enableCheckpointing && (run.batches + 1) % this.#settings.batchCheckpointFrequency === 0;
    const { fullyQualifiedNamespace, eventHubName, consumerGroup, partitionId } = context;
    const source = {
      fullyQualifiedNamespace,
      eventHubName,
      consumerGroup,
      partitionId,
      isCheckpointingAfterInvocation: writesCheckpoint,
    };
    if (!(await this.#dispatch(run, batch, source))) return;
    run.batches += 1;
    const last = batch.at(-1);
    if (!writesCheckpoint || !last) return;
    try {
      await context.updateCheckpoint(last);
    } catch (error) {
      this.#warn(
        `Failed to write the checkpoint of partition ${partitionId}: ${errorText(error)}. The next batch writes it.`,
      );
    }
  }

  /** True when the batch is done with, well or badly: the checkpoint may move past it. */
  async #dispatch(run: PartitionRun, batch: readonly ReceivedEventData[], source: PartitionSource): Promise<boolean> {
    const { cardinality } = this.#registered.trigger;
    if (typeof cardinality === 'string' && cardinality.toLowerCase() === 'many') {
      return this.#invoke(run, () => batchInput(this.#registered, batch, source), batch.length);
    }
    for (const event of batch) {
      if (!(await this.#invoke(run, () => eventInput(this.#registered, event, source), 1))) return false;
    }
    return true;
  }

  async #invoke(run: PartitionRun, bind: () => InvocationInput, batchSize: number): Promise<boolean> {
    const { outcome, interrupted } = await runWithRetries({
      attempt: async (retryContext) => {
        const input = this.#bound(bind);
        if ('failed' in input) return input;
        return this.#services.invoke(
          this.#registered,
          { ...input, ...(retryContext ? { retryContext } : {}) },
          batchSize,
        );
      },
      policy: this.#registered.retry,
      signal: AbortSignal.any([this.#stopping.signal, run.ended.signal]),
      random: Math.random,
    });
    if (interrupted || run.ended.signal.aborted) return false;
    // A function that fails while the host stops may have failed because of it.
    return !outcome.failed || !this.#stopping.signal.aborted;
  }

  /**
   * A body that cannot be bound fails the attempt, and with it the batch, although the function is
   * never called.
   */
  #bound(bind: () => InvocationInput): InvocationInput | Extract<InvocationOutcome, { failed: true }> {
    try {
      return bind();
    } catch (error) {
      const message = errorText(error);
      this.#services.log({ level: 'error', functionName: this.#registered.name, message });
      return { failed: true, error: { message, stack: message } };
    }
  }

  /**
   * An event hub that is out of reach gives an error every second; one line in half a minute says
   * the same.
   */
  #report(error: Error & { code?: string }, partitionId: string): void {
    if (this.#stopping.signal.aborted || error.code === 'ReceiverDisconnectedError') return;
    const message = `Failed to read ${partitionId === '' ? 'the event hub' : `partition ${partitionId}`}: ${error.message} It is tried again.`;
    const now = performance.now();
    if (message === this.#lastError.message && now - this.#lastError.at < sameErrorEveryMs) return;
    this.#lastError = { message, at: now };
    this.#warn(message);
  }

  #debug(message: string): void {
    this.#services.log({ level: 'debug', functionName: this.#registered.name, message });
  }

  #warn(message: string): void {
    this.#services.log({ level: 'warning', functionName: this.#registered.name, message });
  }
}

function startPosition(initial: EventHubsSettings['initialOffset']): EventPosition {
  if (initial.type === 'fromEnqueuedTime') return { enqueuedOn: initial.enqueuedTime };
  return initial.type === 'fromStart' ? earliestEventPosition : latestEventPosition;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
