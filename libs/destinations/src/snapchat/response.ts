import { z } from 'zod';
import { type AnswerRules, errorFor } from '@activation-hub/destination-kit';
import { snapchatErrors } from './errors.ts';

/**
 * An answer outside 2xx is judged by its status. Limits are of a second on average, and Snapchat
 * does not say how long to wait.
 */
export const snapchatAnswers: AnswerRules = { vendor: 'Snapchat', errors: snapchatErrors, throttledMs: 5_000 };

/** The documents have it in both cases. */
const status = z.string().transform((text) => text.toUpperCase());

const segment = z.object({
  id: z.string().regex(/^\d+$/),
  name: z.string(),
  source_type: z.string(),
  retention_in_days: z.int().optional(),
});
export type SnapchatList = z.output<typeof segment>;

/**
 * The lists of an answer, and the cursor of the next page where there is one. Of the link of the
 * next page nothing is used but its cursor: it is the vendor's word, and the token goes where it
 * points.
 */
export const listsSchema = z
  .object({
    request_status: status,
    paging: z.object({ next_link: z.string().optional() }).optional(),
    segments: z.array(z.object({ sub_request_status: status, segment: segment.optional() })).default([]),
  })
  .transform(({ segments, paging }) => ({
    lists: segments.flatMap((each) => each.segment ?? []),
    next: URL.parse(paging?.next_link ?? '')?.searchParams.get('cursor') ?? undefined,
  }));

export const usersSchema = z.object({
  request_status: status,
  users: z.array(z.object({ sub_request_status: status })).min(1),
});

/**
 * Throws unless Snapchat has taken the members. It takes them as one, matches them later, and says
 * of none whether it found a person; what `number_uploaded_users` counts is not published. `rows`
 * is of how many rows the batch is: a state that is not documented refuses no row that is alone.
 */
export function requireTaken({ request_status: whole, users }: z.output<typeof usersSchema>, rows: number): void {
  const error = snapchatErrors.get('ERROR');
  const said = [whole, ...users.map((each) => each.sub_request_status)];
  if (said.every((each) => each === 'SUCCESS') || error === undefined) return;
  const isKnown = said.every((each) => each === 'SUCCESS' || each === error.code);
  const means = isKnown || rows > 1 ? error.means : 'transient';
  throw errorFor({ means }, 'Snapchat answered 200, and no success', { doubt: 'answered' });
}
