import type { HttpResponse, Quota } from '@activation-hub/destination-kit';

/** The quota is of 24 hours that roll on, and Salesforce does not say when there is some again. */
export const quotaMs = 15 * 60_000;

/**
 * Every answer says how much is used, in `Sforce-Limit-Info: api-usage=n/m`
 * (developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm).
 */
export const salesforceQuota: Quota = {
  what: 'the API requests of the Salesforce org in 24 hours',
  waitMs: quotaMs,
  usedShareOf: ({ headers }: HttpResponse) => {
    const [, used, allowed] = /api-usage=(\d+)\/(\d+)/.exec(headers['sforce-limit-info'] ?? '') ?? [];
    return used === undefined || Number(allowed) === 0 ? undefined : Number(used) / Number(allowed);
  },
};
