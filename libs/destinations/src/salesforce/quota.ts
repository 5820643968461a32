import { DestinationError, type HttpResponse, type HttpSender } from '@activation-hub/destination-kit';

/** The quota is of 24 hours that roll on, and Salesforce does not say when there is some again. */
export const quotaMs = 15 * 60_000;

/**
 * Leaves the rest of the org's daily API quota to others: once an answer says that so large a share of it is used, nothing is sent for a quarter
 * of an hour, and then one request finds out. Every answer says it in `Sforce-Limit-Info: api-usage=n/m`
 * (developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm).
 */
export function withinQuota(http: HttpSender, share: number, now: () => number): HttpSender {
  let heldUntilMs = 0;
  let sentence = '';
  return {
    send: async (request, signal) => {
      if (now() < heldUntilMs) throw new DestinationError('throttled', sentence, { notBeforeMs: heldUntilMs });
      const response = await http.send(request, signal);
      const { used, allowed } = usageOf(response);
      if (used >= allowed * share) {
        heldUntilMs = now() + quotaMs;
        const least = Math.round(share * 100);
        sentence = `Failed to deliver: ${used} of ${allowed} API requests of the Salesforce org are used in 24 hours, and ${least} % is all that may be. It is tried again; raise quotaShare, or buy more.`;
      }
      return response;
    },
  };
}

function usageOf({ headers }: HttpResponse): { readonly used: number; readonly allowed: number } {
  const [, used, allowed] = /api-usage=(\d+)\/(\d+)/.exec(headers['sforce-limit-info'] ?? '') ?? [];
  return used === undefined || Number(allowed) === 0
    ? { used: 0, allowed: Infinity }
    : { used: Number(used), allowed: Number(allowed) };
}
