import { EventHubProducerClient, type EventDataBatch } from '@azure/event-hubs';
import { CommandError, reasonOf } from '../terminal/command-error.ts';

/** A way into one event hub. */
export interface EventSender {
  /**
   * Sends the bodies as they are, in their order, in as few batches as the hub's size limit allows.
   * All of one batch go to one partition. Throws `CommandError`: 2 for a body that is larger than
   * the hub takes, 1 when the hub cannot be reached.
   */
  send(bodies: readonly Uint8Array[], options?: { readonly partitionKey?: string }): Promise<void>;
  close(): Promise<void>;
}

/** Throws `CommandError` (2) when the connection string is none, or names another hub. */
export function openEventSender(connectionString: string, eventHubName: string): EventSender {
  const producer = openProducer(connectionString, eventHubName);
  return {
    async send(bodies, options = {}) {
      try {
        let batch = await producer.createBatch(options);
        for (const body of bodies) {
          if (batch.tryAdd(eventOf(body))) continue;
          await sendUnlessEmpty(producer, batch);
          batch = await producer.createBatch(options);
          if (!batch.tryAdd(eventOf(body))) throw tooLarge(body, batch);
        }
        await sendUnlessEmpty(producer, batch);
      } catch (error) {
        if (error instanceof CommandError) throw error;
        throw new CommandError(
          1,
          `Failed to send to the event hub ${eventHubName}: ${reasonOf(error)} Check that it runs (activation local, where you use that), the connection string, the name of the event hub and the network.`,
          { cause: error },
        );
      }
    },
    close: () => producer.close(),
  };
}

function openProducer(connectionString: string, eventHubName: string): EventHubProducerClient {
  try {
    return new EventHubProducerClient(connectionString, eventHubName, {
      retryOptions: { maxRetries: 3, retryDelayInMs: 500, maxRetryDelayInMs: 5_000, timeoutInMs: 20_000 },
    });
  } catch {
    // Without the SDK's words and without the cause: it repeats what it was given.
    throw new CommandError(
      2,
      `Failed to read the connection string of the event hub ${eventHubName}: it looks like Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…. Copy it again, in quotes.`,
    );
  }
}

function eventOf(body: Uint8Array) {
  return { body: Buffer.from(body.buffer, body.byteOffset, body.byteLength), contentType: 'application/json' };
}

async function sendUnlessEmpty(producer: EventHubProducerClient, batch: EventDataBatch): Promise<void> {
  if (batch.count > 0) await producer.sendBatch(batch);
}

function tooLarge(body: Uint8Array, batch: EventDataBatch): CommandError {
  return new CommandError(
    2,
    `Failed to send an event of ${body.byteLength} bytes: the event hub takes at most ${batch.maxSizeInBytes}. Make it smaller or choose a tier with larger events.`,
  );
}
