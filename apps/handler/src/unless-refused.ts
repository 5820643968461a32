import type { ActivationContext } from '@activation-hub/activation';
import { RetryMessageError, UnreadableDocumentError } from '@activation-hub/delivery';

/**
 * A message of another origin, and one whose retry cannot be read, are reported and dropped: given
 * again they would be the same. The blob of such a retry stays for a person, and the nightly sweep
 * reports it again.
 */
export async function unlessRefused(
  { telemetry }: Pick<ActivationContext, 'telemetry'>,
  take: () => Promise<void>,
): Promise<void> {
  try {
    await take();
  } catch (error) {
    if (error instanceof RetryMessageError) telemetry.emit('retry-message-refused', {});
    else if (error instanceof UnreadableDocumentError)
      telemetry.emit('retry-unreadable', { document: error.documentName });
    else throw error;
  }
}
