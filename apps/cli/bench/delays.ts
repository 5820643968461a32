import type { Random } from '@activation-hub/audience-events/testing';

/**
 * What Azure and a vendor take for an answer in the region of the app, in milliseconds. A guess:
 * Microsoft promises no latency for standard storage; "Latency in Blob storage" calls single digits
 * usual for small requests, and vendors are reached over the Internet.
 */
export const usualDelaysMs = { storage: 8, vendor: 60 } as const;

/**
 * A time around a mean as networks have it: most a little less, one of a hundred four times as
 * long. Their mean is `meanMs`.
 */
export function jittered(meanMs: number, random: Random): number {
  // Of 99, 0.6 to 1.34 times the mean, evenly; of 1, four times.
  const times = random() < 0.01 ? 4 : 0.6 + random() * 0.7394;
  return meanMs * times;
}
