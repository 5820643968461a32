import { activateRetry, type ActivationContext } from '@activation-hub/activation';
import { readRetryMessage } from '@activation-hub/delivery';
import { app, type InvocationContext } from '@azure/functions';
import { triggers } from './needs.ts';
import { unlessRefused } from './unless-refused.ts';

/** How long a retry rests whose message failed so often that the host put it aside: the stores are hardly well. */
const poisonRestMs = 15 * 60_000;
/** How long putting back one message may take. */
const messageTimeoutMs = 60_000;

/**
 * Registers the function that takes what is due from the retry queue, the same way as a new event. When a store cannot be
 * reached it throws, and the host gives the message again.
 */
export function registerOnRetryDue(openActivation: (context: InvocationContext) => Promise<ActivationContext>): void {
  app.storageQueue('on-retry-due', {
    connection: triggers['on-retry-due'].connection,
    queueName: triggers['on-retry-due'].queue,
    handler: async (message: unknown, context: InvocationContext): Promise<void> => {
      const activation = await openActivation(context);
      await unlessRefused(activation, () => activateRetry(textOf(message), activation));
    },
  });
}

/**
 * Registers the function that takes the messages which the host put aside after too many failures. What they point to is
 * still there, so it is put back for later: nothing is lost to a store that was down for long.
 */
export function registerOnRetryPoisoned(
  openActivation: (context: InvocationContext) => Promise<ActivationContext>,
): void {
  app.storageQueue('on-retry-poisoned', {
    connection: triggers['on-retry-poisoned'].connection,
    queueName: triggers['on-retry-poisoned'].queue,
    handler: async (message: unknown, context: InvocationContext): Promise<void> => {
      const activation = await openActivation(context);
      await unlessRefused(activation, async () => {
        const pointer = readRetryMessage(textOf(message));
        await activation.retryQueue.postpone(
          pointer,
          activation.clock.now() + poisonRestMs,
          AbortSignal.timeout(messageTimeoutMs),
        );
      });
    },
  });
}

/** The library gives a message parsed where it is JSON, as ours are. */
function textOf(message: unknown): string {
  return typeof message === 'string' ? message : JSON.stringify(message);
}
