import type { HttpResponse, Quota } from '@activation-hub/destination-kit';

/**
 * Until the account's midnight, of which HubSpot does not say the time zone: one request an hour
 * finds out.
 */
export const quotaMs = 3_600_000;

/**
 * What the apps of an account share in a day. Answers to static tokens say how much is left of it,
 * those to OAuth do not, for there it has no end
 * (developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines).
 */
export const hubspotQuota: Quota = {
  what: 'the API requests of the HubSpot account in a day',
  waitMs: quotaMs,
  usedShareOf: ({ headers }: HttpResponse) => {
    const allowed = Number(headers['x-hubspot-ratelimit-daily'] ?? Number.NaN);
    const left = Number(headers['x-hubspot-ratelimit-daily-remaining'] ?? Number.NaN);
    return allowed > 0 && left >= 0 ? 1 - left / allowed : undefined;
  },
};
