import type { BlobDeadLetters, StorageRetryQueue } from '@activation-hub/azure-adapters';
import type { Telemetry } from '@activation-hub/telemetry';

/**
 * More dead letters are not counted: they come 5,000 in a request, and this is done every minute.
 */
const lettersMax = 50_000;
const timeoutMs = 30_000;

/**
 * Says how much waits in the retry queue, and how many dead letters are kept. Throws what the
 * stores throw.
 */
export async function reportBacklog(
  stores: { readonly retryQueue: StorageRetryQueue; readonly deadLetters: BlobDeadLetters },
  telemetry: Telemetry,
  countedMax = lettersMax,
): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  const retryMessages = await stores.retryQueue.approximateMessagesCount(signal);
  let deadLetters = 0;
  const names = stores.deadLetters.names('', signal);
  while (deadLetters <= countedMax && (await names.next()).done !== true) deadLetters += 1;
  const isWhole = deadLetters <= countedMax;
  telemetry.emit('backlog-measured', { retryMessages, deadLetters: Math.min(deadLetters, countedMax), isWhole });
}
