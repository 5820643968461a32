import type { HttpResponse, Quota } from '@activation-hub/destination-kit';
import { z } from 'zod';

const percent = z.number().nonnegative().default(0);
const usageSchema = z.record(
  z.string(),
  z.array(
    z.object({
      call_count: percent,
      total_cputime: percent,
      total_time: percent,
      estimated_time_to_regain_access: z.number().nonnegative().default(0),
    }),
  ),
);

/**
 * What Meta says of the use of the ad account, in percent and in minutes, in
 * `X-Business-Use-Case-Usage` (graph-api/overview/rate-limiting).
 */
export function usageIn({ headers }: HttpResponse) {
  try {
    const usage = usageSchema.safeParse(JSON.parse(headers['x-business-use-case-usage'] ?? ''));
    return Object.values(usage.data ?? {}).flat();
  } catch {
    // Not every answer has the header.
    return [];
  }
}

/** Calls and the time that they take, of an hour that rolls on. */
export const metaQuota: Quota = {
  what: 'the calls of the ad account in an hour, or of the time for them,',
  waitMs: 300_000,
  usedShareOf: (response) => {
    const uses = usageIn(response).flatMap((use) => [use.call_count, use.total_cputime, use.total_time]);
    return uses.length === 0 ? undefined : Math.max(...uses) / 100;
  },
};
