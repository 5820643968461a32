import { z } from 'zod';
import type { HttpSender } from './authorized.ts';
import type { HttpResponse } from './http-message.ts';
import { DestinationError } from './verdict.ts';

/** A quota of an account that a vendor counts, and says in its answers. */
export interface Quota {
  /**
   * How much of it is used by this answer, from 0 to 1; `undefined` where the answer does not say
   * it.
   */
  readonly usedShareOf: (response: HttpResponse) => number | undefined;
  /** What is counted, as in "92 % of the API requests of the org in 24 hours are used". */
  readonly what: string;
  /**
   * How long nothing is sent once the share is reached, in milliseconds; then one request finds
   * out.
   */
  readonly waitMs: number;
}

/**
 * Leaves the rest of a quota to others: once an answer says that this share of it is used (0 to 1,
 * all that use the account counted), requests throw `DestinationError` of class `throttled` without
 * doubt, until the time to wait is over.
 */
export function withinQuota(http: HttpSender, share: number, quota: Quota, now: () => number): HttpSender {
  let heldUntilMs = 0;
  let sentence = '';
  return {
    send: async (request, signal) => {
      if (now() < heldUntilMs) throw new DestinationError('throttled', sentence, { notBeforeMs: heldUntilMs });
      const response = await http.send(request, signal);
      const used = quota.usedShareOf(response);
      if (used !== undefined && used >= share) {
        heldUntilMs = now() + quota.waitMs;
        sentence = `Failed to deliver: ${percent(used)} of ${quota.what} are used, and ${percent(share)} is all that may be. It is tried again; raise quotaShare, or have the vendor allow more.`;
      }
      return response;
    },
  };
}

const percent = (share: number): string => `${Math.floor(share * 100)} %`;

/**
 * Schema of the setting `quotaShare`: the share of the vendor's quota, from 0.01 to 1, at which
 * nothing more is sent.
 */
export function quotaShare(what: string) {
  return z
    .number()
    .min(0.01)
    .max(1)
    .default(0.9)
    .meta({
      description: `The share of ${what} at which nothing more is sent, so that the rest is left to others; whatever else uses it counts too.`,
      examples: [0.5],
    });
}
