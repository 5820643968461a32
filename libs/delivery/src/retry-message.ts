import type { RetryPointer } from './retry-queue.ts';

/** A queue message that this product did not write. */
export class RetryMessageError extends Error {
  override readonly name = 'RetryMessageError';
}

/** At most 64 characters, of which each can stand in a name of any store. */
export const retryIdPattern = /^[A-Za-z0-9-]{1,64}$/;

/** The message of a retry, as JSON. */
export function writeRetryMessage({ id, destination, attempts, firstDeferredAtMs, isWoken }: RetryPointer): string {
  const firstDeferredAt = new Date(firstDeferredAtMs).toISOString();
  return JSON.stringify({ version: 1, retry: id, destination, attempts, firstDeferredAt, woken: isWoken });
}

/** What a message says. Throws `RetryMessageError` for what `writeRetryMessage` did not write. */
export function readRetryMessage(message: string): RetryPointer {
  const pointer = pointerOf(jsonOf(message));
  if (pointer !== undefined) return pointer;
  throw new RetryMessageError(
    'Failed to read the retry: the message is of another origin. Find out what else writes to the queue, and stop it.',
  );
}

function pointerOf(value: unknown): RetryPointer | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, retry, destination, attempts, firstDeferredAt, woken } = value as Readonly<Record<string, unknown>>;
  if (version !== 1 || typeof retry !== 'string' || !retryIdPattern.test(retry)) return undefined;
  if (typeof destination !== 'string' || typeof firstDeferredAt !== 'string') return undefined;
  const firstDeferredAtMs = Date.parse(firstDeferredAt);
  if (typeof attempts !== 'number' || !(attempts >= 0) || Number.isNaN(firstDeferredAtMs)) return undefined;
  if (woken !== undefined && woken !== true) return undefined;
  const pointer = { id: retry, destination, attempts, firstDeferredAtMs };
  return woken === undefined ? pointer : { ...pointer, isWoken: woken };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
