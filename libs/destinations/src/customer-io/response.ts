import { z } from 'zod';
import {
  type AnswerRules,
  type HttpResponse,
  readAnswer,
  type ReasonGuard,
  refusedPlaces,
  type Verdict,
} from '@activation-hub/destination-kit';
import { customerIoErrors } from './errors.ts';

/** An answer is judged by its status; the limits are of a second. */
export const customerIoAnswers: AnswerRules = {
  vendor: 'Customer.io',
  errors: customerIoErrors,
  successes: [200, 207],
  throttledMs: 1_000,
};

const refusals = z.array(z.object({ batch_index: z.int().optional(), reason: z.string().optional() }));
/** An answer of 200 is an object with nothing in it. */
const accepted = z.object({ errors: refusals.default([]) });
const refusing = z.object({ errors: refusals });

/**
 * Judges the answer to a batch of these changes, in this order. Customer.io names the places of
 * those that it refuses (207), and has accepted the others.
 */
export function judgeBatch(response: HttpResponse, ids: readonly string[], guard: ReasonGuard): readonly Verdict[] {
  const { errors } = readAnswer(response, response.status === 207 ? refusing : accepted);
  const places = errors.map(({ batch_index: place, reason }) => ({ place, reason }));
  const refused = refusedPlaces(ids.length, places, 'Customer.io');
  return ids.map((id, place) =>
    refused.has(place)
      ? { id, status: 'rejected', reason: guard(refused.get(place), 'Customer.io refuses this person') }
      : { id, status: 'delivered' },
  );
}
