import { z } from 'zod';

/**
 * An invocation waits for destinations for two minutes; a later answer would come after the
 * invocation has ended.
 */
const requestTimeoutMaxMs = 100_000;

/**
 * Schema of the setting `timeoutMs`: how long one request may take, in milliseconds, from 100 to
 * 100,000.
 */
export function requestTimeout(defaultMs: number) {
  return z
    .int()
    .min(100)
    .max(requestTimeoutMaxMs)
    .default(defaultMs)
    .meta({
      description:
        'How long one request may take, from the connection to the last byte of the answer, in milliseconds.',
      examples: [30_000],
    });
}
