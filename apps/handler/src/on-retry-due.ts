import { activateRetry, type Hub } from '@activation-hub/activation';
import { RetryMessageError } from '@activation-hub/delivery';
import { app, type InvocationContext } from '@azure/functions';
import { triggers } from './needs.ts';

/** How long a retry rests whose message failed so often that the host put it aside: the stores are hardly well. */
const poisonRestMs = 15 * 60_000;
/** How long reading and putting back one message may take. */
const messageTimeoutMs = 60_000;

/**
 * Registers the function that takes what is due from the retry queue, the same way as a new event. When a store cannot be
 * reached it throws, and the host gives the message again.
 */
export function registerOnRetryDue(openHub: (context: InvocationContext) => Promise<Hub>): void {
  app.storageQueue('on-retry-due', {
    connection: triggers['on-retry-due'].connection,
    queueName: triggers['on-retry-due'].queue,
    handler: async (message: unknown, context: InvocationContext): Promise<void> => {
      const hub = await openHub(context);
      const retry = await readRetry(message, hub);
      if (retry !== undefined) await activateRetry(retry, hub);
    },
  });
}

/**
 * Registers the function that takes the messages which the host put aside after too many failures. What they point to is
 * still there, so it is put back for later: nothing is lost to a store that was down for long.
 */
export function registerOnRetryPoisoned(openHub: (context: InvocationContext) => Promise<Hub>): void {
  app.storageQueue('on-retry-poisoned', {
    connection: triggers['on-retry-poisoned'].connection,
    queueName: triggers['on-retry-poisoned'].queue,
    handler: async (message: unknown, context: InvocationContext): Promise<void> => {
      const hub = await openHub(context);
      const retry = await readRetry(message, hub);
      if (retry === undefined) return;
      await hub.retryQueue.put(retry, hub.clock.now() + poisonRestMs, AbortSignal.timeout(messageTimeoutMs));
    },
  });
}

/** The retry that a message points to. The library gives the message parsed where it is JSON, as ours are. */
async function readRetry(message: unknown, hub: Hub): Promise<Awaited<ReturnType<Hub['retryQueue']['read']>>> {
  try {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    return await hub.retryQueue.read(text, AbortSignal.timeout(messageTimeoutMs));
  } catch (error) {
    if (!(error instanceof RetryMessageError)) throw error;
    hub.telemetry.emit('retry-message-refused', {});
    return undefined;
  }
}
