import { z } from 'zod';
import {
  type AnswerRules,
  errorFor,
  isOfAccount,
  ListGone,
  type ReasonGuard,
  resultsInOrder,
  type Verdict,
} from '@activation-hub/destination-kit';
import { linkedinErrors } from './errors.ts';
import type { LinkedinElement } from './request.ts';

/** LinkedIn does not say how long a limit lasts; that of these requests is of a minute. */
const throttledMs = 60_000;

export const linkedinAnswers: AnswerRules = { vendor: 'LinkedIn', errors: linkedinErrors, throttledMs };

const result = z.object({ status: z.int(), error: z.object({ message: z.string().optional() }).optional() });
export const toldSchema = z.object({ elements: z.array(result) });

/** LinkedIn answers 404 for a segment that is gone, and for one that it has just made. */
export function segmentNotFound(): ListGone {
  const {
    class: errorClass,
    message,
    doubt,
  } = errorFor({ means: 'transient' }, 'LinkedIn answered 404', {
    doubt: 'answered',
  });
  return new ListGone(errorClass, message, { doubt });
}

/**
 * Judges the answer to these elements, which has one result for each, in their order (Rest.li,
 * BATCH_CREATE). A change is delivered when all of its elements were accepted; where every result
 * is a failure of the account, it is thrown.
 */
export function judgeUsers(
  told: z.output<typeof toldSchema>,
  elements: readonly LinkedinElement[],
  guard: ReasonGuard,
  nowMs: number,
): readonly Verdict[] {
  const results = resultsInOrder(told.elements, elements.length, 'LinkedIn');
  const errors = results.map(({ status }) => linkedinErrors.get(String(status)));
  const [ofAccount] = errors;
  if (ofAccount !== undefined && errors.every((error) => error !== undefined && isOfAccount(error))) {
    const notBeforeMs = ofAccount.means === 'throttled' ? nowMs + throttledMs : undefined;
    throw errorFor(ofAccount, `LinkedIn answered ${ofAccount.code} for every person`, {
      doubt: 'answered',
      notBeforeMs,
    });
  }
  const verdicts = new Map<string, Verdict>();
  for (const [place, said] of results.entries()) {
    const id = elements[place]?.id ?? '';
    const verdict = judge(id, said, guard);
    if (verdict.status !== 'delivered' || !verdicts.has(id)) verdicts.set(id, verdict);
  }
  return [...verdicts.values()];
}

function judge(id: string, { status, error }: z.output<typeof result>, guard: ReasonGuard): Verdict {
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

/** Segments, and how many there are in all. */
export const segmentsSchema = z.object({
  elements: z.array(segment),
  paging: z.object({ total: z.int().default(0) }).default({ total: 0 }),
});
