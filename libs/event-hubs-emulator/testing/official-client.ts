import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  type MessagingError,
  type PartitionContext,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs';
import { onTestFinished } from 'vitest';
import { startEventHubsEmulator, type EventHubsEmulator, type EventHubsEmulatorOptions } from '../src/index.ts';

/** No second attempt, so that a refusal reaches the test at once. */
export const noRetries = { retryOptions: { maxRetries: 0, timeoutInMs: 60_000 } };

/** An emulator for this test, with the hub `orders` of two partitions unless told otherwise. */
export async function emulatorForTest(options: Partial<EventHubsEmulatorOptions> = {}): Promise<EventHubsEmulator> {
  const emulator = await startEventHubsEmulator({ eventHubs: [{ name: 'orders', partitionCount: 2 }], ...options });
  onTestFinished(() => emulator.stop());
  return emulator;
}

export function producerFor(
  emulator: EventHubsEmulator,
  eventHubName = 'orders',
  connectionString = emulator.connectionString(),
): EventHubProducerClient {
  const producer = new EventHubProducerClient(connectionString, eventHubName, noRetries);
  onTestFinished(() => producer.close());
  return producer;
}

export function consumerFor(
  emulator: EventHubsEmulator,
  eventHubName = 'orders',
  consumerGroup = '$Default',
  connectionString = emulator.connectionString(),
): EventHubConsumerClient {
  const consumer = new EventHubConsumerClient(consumerGroup, connectionString, eventHubName, noRetries);
  onTestFinished(() => consumer.close());
  return consumer;
}

export interface Subscription {
  readonly events: ReceivedEventData[];
  readonly errors: (Error | MessagingError)[];
  readonly context: () => PartitionContext | undefined;
  /**
   * Resolves when so many events have come; rejects with the first error, or when it takes too
   * long.
   */
  count(events: number): Promise<readonly ReceivedEventData[]>;
  /** Resolves with the first error. */
  error(): Promise<MessagingError>;
  close(): Promise<void>;
}

/** Collects what one partition gives. */
export function subscribe(
  consumer: EventHubConsumerClient,
  partitionId: string,
  startPosition: EventPosition,
  options: SubscribeOptions & { onEvents?: (events: readonly ReceivedEventData[]) => Promise<void> } = {},
): Subscription {
  const events: ReceivedEventData[] = [];
  const errors: (Error | MessagingError)[] = [];
  let context: PartitionContext | undefined;
  const { onEvents, ...subscribeOptions } = options;
  const subscription = consumer.subscribe(
    partitionId,
    {
      processEvents: async (received, partitionContext) => {
        context = partitionContext;
        await onEvents?.(received);
        events.push(...received);
      },
      processError: (error) => {
        errors.push(error);
        return Promise.resolve();
      },
    },
    { maxWaitTimeInSeconds: 1, startPosition, ...subscribeOptions },
  );
  onTestFinished(() => subscription.close());
  return {
    events,
    errors,
    context: () => context,
    count: async (wanted) => {
      await until(() => events.length >= wanted || errors.length > 0, `${wanted} events`);
      if (errors[0]) throw errors[0];
      return events;
    },
    error: async () => {
      await until(() => errors.length > 0, 'an error');
      return errors[0] as MessagingError;
    },
    close: () => subscription.close(),
  };
}

/** Polls until the condition holds; throws after a while. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 120_000) {
  const deadlineMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`Failed to see ${what} within ${timeoutMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The error with which the promise rejects. */
export async function refusal(promise: Promise<unknown>): Promise<MessagingError> {
  return promise.then(
    () => {
      throw new Error('Failed to see a refusal: it worked.');
    },
    (error: unknown) => error as MessagingError,
  );
}
