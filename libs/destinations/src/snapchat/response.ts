import { z } from 'zod';
import {
  DestinationError,
  errorFor,
  errorOfAnswer,
  type HttpResponse,
  readAnswer,
} from '@activation-hub/destination-kit';
import { snapchatErrors } from './errors.ts';

/**
 * What an answer outside 2xx means, by its status. Limits are of a second on average, and Snapchat
 * does not say how long to wait.
 */
export const snapchatError = (response: HttpResponse, nowMs: number): DestinationError =>
  errorOfAnswer(snapchatErrors, [], response, nowMs, { vendor: 'Snapchat', throttledMs: 5_000 });

/** The documents have it in both cases. */
const status = z.string().transform((text) => text.toUpperCase());

const segment = z.object({
  id: z.string().regex(/^\d+$/),
  name: z.string(),
  source_type: z.string(),
  retention_in_days: z.int().optional(),
});
export type SnapchatList = z.output<typeof segment>;

const segmentsSchema = z.object({
  request_status: status,
  paging: z.object({ next_link: z.string().optional() }).optional(),
  segments: z.array(z.object({ sub_request_status: status, segment: segment.optional() })).default([]),
});

/** The list of an answer; none where Snapchat says that there is none. */
export const readList = (response: HttpResponse, nowMs: number): readonly SnapchatList[] =>
  response.status === 404 ? [] : readLists(response, nowMs).lists;

/** The lists of an answer, and the cursor of the next page where there is one. */
export function readLists(
  response: HttpResponse,
  nowMs: number,
): { readonly lists: readonly SnapchatList[]; readonly cursor: string | undefined } {
  if (response.status !== 200) throw snapchatError(response, nowMs);
  const { segments, paging } = readAnswer(response, segmentsSchema);
  // Of the link of the next page nothing is used but its cursor: it is the vendor's word, and the
  // token goes where it points.
  const cursor = URL.parse(paging?.next_link ?? '')?.searchParams.get('cursor') ?? undefined;
  return { lists: segments.flatMap((each) => each.segment ?? []), cursor };
}

const usersSchema = z.object({
  request_status: status,
  users: z.array(z.object({ sub_request_status: status })).min(1),
});

/**
 * Throws unless Snapchat has taken the members. It takes them as one, matches them later, and says
 * of none whether it found a person; what `number_uploaded_users` counts is not published. `rows`
 * is of how many rows the batch is: a state that is not documented refuses no row that is alone.
 */
export function requireTaken(response: HttpResponse, rows: number, nowMs: number): void {
  if (response.status !== 200) throw snapchatError(response, nowMs);
  const { request_status: whole, users } = readAnswer(response, usersSchema);
  const error = snapchatErrors.get('ERROR');
  const said = [whole, ...users.map((each) => each.sub_request_status)];
  if (said.every((each) => each === 'SUCCESS') || error === undefined) return;
  const isKnown = said.every((each) => each === 'SUCCESS' || each === error.code);
  const means = isKnown || rows > 1 ? error.means : 'transient';
  throw errorFor({ means }, 'Snapchat answered 200, and no success', { doubt: 'answered' });
}
