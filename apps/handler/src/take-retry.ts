import { activateRetry, type ActivationContext } from '@activation-hub/activation';
import { readRetryMessage } from '@activation-hub/delivery';
import { unlessRefused } from './unless-refused.ts';

/**
 * How long a retry waits after the host moved its message to the poison queue: a store is probably
 * still failing.
 */
const poisonRestMs = 15 * 60_000;
/** How long putting back one message may take. */
const messageTimeoutMs = 60_000;

/**
 * Takes what is due from the retry queue, the same way as a new event. When a store cannot be
 * reached it throws, and the host gives the message again.
 */
export async function takeRetry(message: string, activation: ActivationContext): Promise<void> {
  await unlessRefused(activation, () => activateRetry(message, activation));
}

/**
 * Takes a message which the host put aside after too many failures. What it points to is still
 * there, so it is put back for later: nothing is lost to a store that was down for long. It asks
 * the queue alone, for the store that is down may be any other.
 */
export async function putBackRetry(
  message: string,
  { retryQueue, clock, telemetry }: Pick<ActivationContext, 'retryQueue' | 'clock' | 'telemetry'>,
): Promise<void> {
  await unlessRefused({ telemetry }, async () => {
    const pointer = readRetryMessage(message);
    await retryQueue.postpone(pointer, clock.now() + poisonRestMs, AbortSignal.timeout(messageTimeoutMs));
  });
}
