import { QueueServiceClient, type DequeuedMessageItem, type QueueClient } from '@azure/storage-queue';
import type { QueuesSettings } from './host-json.ts';
import { credentialOf, storageServiceUri, type ConnectionSettings } from './settings.ts';
import {
  errorText,
  settledOrAborted,
  sleepUntilAborted,
  triggerInput,
  triggerText,
  type RegisteredFunction,
  type TriggerListener,
  type TriggerServices,
} from './trigger.ts';
import { dataTypeOf, dateTimeOffset, json } from './typed-data.ts';
import type { TypedData } from './rpc.ts';

/**
 * A message stays invisible this long and is renewed at half of it while its function runs; Azure
 * takes ten minutes.
 */
const messageLockMs = 60_000;
const pollingIntervalLeastMs = 100;

/**
 * Listens on an Azure Storage queue: up to `batchSize` messages at a time run in parallel, more are
 * fetched when no more than `newBatchThreshold` run. A message whose function succeeded is deleted;
 * one that failed becomes visible again, and after `maxDequeueCount` attempts moves to the queue
 * `<name>-poison`. A queue that does not exist is an empty one.
 */
export async function startQueueTrigger(
  registered: RegisteredFunction,
  services: TriggerServices,
  lockMs = messageLockMs,
): Promise<TriggerListener> {
  const usedBy = `function ${registered.name}`;
  const queueName = triggerText(registered, 'queueName', services.settings);
  // A queue trigger without a connection uses the host's own storage, as in Azure.
  const connectionName =
    registered.trigger.connection === undefined
      ? 'AzureWebJobsStorage'
      : triggerText(registered, 'connection', services.settings);
  const connection = services.settings.connection(connectionName, usedBy);
  const service = await queueService(connection, usedBy);
  const trigger = new QueueTrigger(registered, services, lockMs, {
    queue: service.getQueueClient(queueName),
    poisonQueue: service.getQueueClient(`${queueName}-poison`),
  });
  trigger.start();
  return trigger;
}

async function queueService(connection: ConnectionSettings, usedBy: string): Promise<QueueServiceClient> {
  return connection.kind === 'connectionString'
    ? QueueServiceClient.fromConnectionString(connection.connectionString)
    : new QueueServiceClient(storageServiceUri(connection, 'queue', usedBy), await credentialOf(connection));
}

class QueueTrigger implements TriggerListener {
  readonly #registered: RegisteredFunction;
  readonly #services: TriggerServices;
  readonly #settings: QueuesSettings;
  readonly #lockSeconds: number;
  readonly #queue: QueueClient;
  readonly #poisonQueue: QueueClient;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Aborted when the drain time is over: what still runs is left to become visible again. */
  readonly #abandoned = new AbortController();
  #polling: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(
    registered: RegisteredFunction,
    services: TriggerServices,
    lockMs: number,
    { queue, poisonQueue }: { readonly queue: QueueClient; readonly poisonQueue: QueueClient },
  ) {
    this.#registered = registered;
    this.#services = services;
    this.#settings = services.hostJson.queues;
    this.#lockSeconds = Math.max(1, Math.ceil(lockMs / 1000));
    this.#queue = queue;
    this.#poisonQueue = poisonQueue;
  }

  start(): void {
    this.#polling = this.#poll();
  }

  async stop(drain: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await settledOrAborted([this.#polling, ...this.#running], drain);
    await settledOrAborted(this.#running, drain);
    this.#abandoned.abort();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping;
    let intervalMs = pollingIntervalLeastMs;
    while (!signal.aborted) {
      if (this.#running.size > this.#settings.newBatchThreshold) {
        await this.#oneEnded();
        continue;
      }
      const messages = await this.#receive();
      for (const message of messages) this.#start(message);
      if (messages.length > 0) {
        intervalMs = pollingIntervalLeastMs;
        continue;
      }
      await sleepUntilAborted(intervalMs, signal);
      intervalMs = Math.min(intervalMs * 2, Math.max(this.#settings.maxPollingIntervalMs, pollingIntervalLeastMs));
    }
  }

  #oneEnded(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  async #receive(): Promise<DequeuedMessageItem[]> {
    try {
      const { receivedMessageItems } = await this.#queue.receiveMessages({
        numberOfMessages: this.#settings.batchSize,
        visibilityTimeout: this.#lockSeconds,
        abortSignal: this.#stopping.signal,
      });
      return receivedMessageItems;
    } catch (error) {
      if (!this.#stopping.signal.aborted && !isNotFound(error))
        this.#warn(`Failed to read the queue: ${errorText(error)}. It is tried again.`);
      return [];
    }
  }

  #start(message: DequeuedMessageItem): void {
    const run = this.#process(message).catch((error: unknown) => {
      this.#warn(`Failed to settle message ${message.messageId}: ${errorText(error)}. It becomes visible again.`);
    });
    this.#running.add(run);
    void run.then(() => {
      this.#running.delete(run);
      this.#wake();
    });
  }

  async #process(message: DequeuedMessageItem): Promise<void> {
    const body = decode(message.messageText, this.#settings.messageEncoding);
    if (body === undefined) {
      this.#warn(
        `Message ${message.messageId} is not base64 and moves to ${this.#poisonQueue.name}. Send it encoded, or set messageEncoding.`,
      );
      return this.#moveToPoison(message, message.popReceipt);
    }
    // A message whose last attempt ended with the host itself comes once more, only to be moved.
    if (message.dequeueCount > this.#settings.maxDequeueCount) return this.#moveToPoison(message, message.popReceipt);

    const lock = this.#keepInvisible(message);
    const outcome = await this.#services.invoke(
      this.#registered,
      triggerInput(this.#registered, this.#bind(body), metadataOf(message, body)),
    );
    const popReceipt = await lock.release();
    if (this.#abandoned.signal.aborted) return;
    if (!outcome.failed) await this.#queue.deleteMessage(message.messageId, popReceipt);
    else if (message.dequeueCount >= this.#settings.maxDequeueCount) await this.#moveToPoison(message, popReceipt);
    else {
      const visibleInSeconds = Math.ceil(this.#settings.visibilityTimeoutMs / 1000);
      await this.#queue.updateMessage(message.messageId, popReceipt, undefined, visibleInSeconds);
    }
  }

  #bind(body: Buffer): TypedData {
    return dataTypeOf(this.#registered.trigger) === 'binary' ? { bytes: body } : { string: body.toString('utf8') };
  }

  /**
   * Renews the invisibility until released; each renewal changes the receipt that deleting needs.
   */
  #keepInvisible(message: DequeuedMessageItem): { release(): Promise<string> } {
    const released = new AbortController();
    let popReceipt = message.popReceipt;
    const renewing = (async () => {
      while (await sleepUntilAborted((this.#lockSeconds * 1000) / 2, released.signal)) {
        try {
          const renewed = await this.#queue.updateMessage(message.messageId, popReceipt, undefined, this.#lockSeconds);
          popReceipt = renewed.popReceipt ?? popReceipt;
        } catch (error) {
          this.#warn(`Failed to keep message ${message.messageId} invisible: ${errorText(error)}. It may run twice.`);
        }
      }
    })();
    return {
      release: async () => {
        released.abort();
        await renewing;
        return popReceipt;
      },
    };
  }

  async #moveToPoison(message: DequeuedMessageItem, popReceipt: string): Promise<void> {
    await this.#poisonQueue.createIfNotExists();
    await this.#poisonQueue.sendMessage(message.messageText);
    await this.#queue.deleteMessage(message.messageId, popReceipt);
    this.#warn(
      `Message ${message.messageId} has reached MaxDequeueCount of ${this.#settings.maxDequeueCount} and moved to ${this.#poisonQueue.name}.`,
    );
  }

  #warn(message: string): void {
    this.#services.log({ level: 'warning', functionName: this.#registered.name, message });
  }
}

/** Undefined when the text is not what `messageEncoding` says. */
function decode(text: string, encoding: QueuesSettings['messageEncoding']): Buffer | undefined {
  if (encoding === 'none') return Buffer.from(text, 'utf8');
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** Facts: QueueTriggerBinding.CreateBindingData. */
function metadataOf(message: DequeuedMessageItem, body: Buffer): Record<string, TypedData> {
  return {
    QueueTrigger: { string: body.toString('utf8') },
    DequeueCount: json(message.dequeueCount),
    ExpirationTime: json(dateTimeOffset(message.expiresOn)),
    Id: { string: message.messageId },
    InsertionTime: json(dateTimeOffset(message.insertedOn)),
    NextVisibleTime: json(dateTimeOffset(message.nextVisibleOn)),
    PopReceipt: { string: message.popReceipt },
  };
}

function isNotFound(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 404;
}
