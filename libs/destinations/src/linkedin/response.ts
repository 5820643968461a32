import { z } from 'zod';
import {
  DestinationError,
  errorFor,
  errorForResponse,
  errorOfAnswer,
  type HttpResponse,
  isOfAccount,
  readAnswer,
  type ReasonGuard,
  type Verdict,
} from '@activation-hub/destination-kit';
import { linkedinErrors } from './errors.ts';
import type { LinkedinElement } from './request.ts';

/** LinkedIn does not say how long a limit lasts; that of these requests is of a minute. */
const throttledMs = 60_000;

/** What an answer outside 2xx means. */
export const linkedinError = (response: HttpResponse, nowMs: number): DestinationError =>
  errorOfAnswer(linkedinErrors, [], response, nowMs, { vendor: 'LinkedIn', throttledMs });

const told = z.object({
  elements: z.array(z.object({ status: z.int(), error: z.object({ message: z.string().optional() }).optional() })),
});

/**
 * Judges the answer to these elements, which has one result for each, in their order (Rest.li,
 * BATCH_CREATE). A change is delivered when all of its elements were accepted. An answer with more
 * or fewer results gives a result for none; where every result is a failure of the account, it is
 * thrown.
 */
export function judgeUsers(
  response: HttpResponse,
  elements: readonly LinkedinElement[],
  guard: ReasonGuard,
  nowMs: number,
): ReadonlyMap<string, Verdict> {
  if (response.status !== 200) throw linkedinError(response, nowMs);
  const { elements: results } = readAnswer(response, told);
  if (results.length !== elements.length) {
    const why = `LinkedIn answered with ${results.length} results for ${elements.length} elements. It is tried again.`;
    throw new DestinationError('transient', `Failed to deliver: ${why}`, { doubt: 'answered' });
  }
  const errors = results.map(({ status }) => linkedinErrors.get(String(status)));
  const [ofAccount] = errors;
  if (ofAccount !== undefined && errors.every((error) => error !== undefined && isOfAccount(error))) {
    const wait = ofAccount.means === 'throttled' ? { notBeforeMs: nowMs + throttledMs } : {};
    throw errorFor(ofAccount, `LinkedIn answered ${ofAccount.code} for every person`, { doubt: 'answered', ...wait });
  }
  const verdicts = new Map<string, Verdict>();
  for (const [place, { id }] of elements.entries()) {
    const verdict = judge(id, results[place], guard);
    if (verdict.status !== 'delivered' || !verdicts.has(id)) verdicts.set(id, verdict);
  }
  return verdicts;
}

function judge(id: string, result: z.output<typeof told>['elements'][number] | undefined, guard: ReasonGuard): Verdict {
  const { status = 0, error } = result ?? {};
  if (status >= 200 && status < 300) return { id, status: 'delivered' };
  if (status === 400 || status === 422) {
    return { id, status: 'rejected', reason: guard(error?.message, 'LinkedIn refuses this person') };
  }
  return { id, status: 'retry', reason: `LinkedIn answered ${status} for this person`, doubt: 'answered' };
}

const segment = z.object({
  id: z.union([z.int(), z.string().regex(/^\d+$/)]).transform(String),
  name: z.string(),
  type: z.string(),
  destinations: z.array(z.object({ status: z.string().optional() })).default([]),
});
export type LinkedinSegment = z.output<typeof segment>;

const segmentsSchema = z.object({
  elements: z.array(segment),
  paging: z.object({ total: z.int().optional() }).optional(),
});

/**
 * The segments of an answer, and how many there are in all. A 404 to this request is of an API that
 * the app may not use.
 */
export function readSegments(
  response: HttpResponse,
  nowMs: number,
): { readonly segments: readonly LinkedinSegment[]; readonly total: number } {
  if (response.status === 404) throw errorForResponse(response, nowMs);
  if (response.status !== 200) throw linkedinError(response, nowMs);
  const { elements, paging } = readAnswer(response, segmentsSchema);
  return { segments: elements, total: paging?.total ?? 0 };
}

/** The id of the segment that was created, which stands in a header. */
export function readCreated(response: HttpResponse, nowMs: number): string {
  const id = response.headers['x-restli-id'] ?? '';
  if (response.status !== 201 || !/^\d+$/.test(id)) throw linkedinError(response, nowMs);
  return id;
}
