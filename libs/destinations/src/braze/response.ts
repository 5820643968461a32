import { z } from 'zod';
import {
  accountErrorIn,
  codesIn,
  DestinationError,
  errorFor,
  errorOfAnswer,
  type HttpResponse,
  parseRetryAfter,
  readAnswer,
  type ReasonGuard,
  type Verdict,
} from '@activation-hub/destination-kit';
import { brazeErrors } from './errors.ts';

const refusalSchema = z.object({ message: z.string() });

/**
 * What an answer outside 2xx means, by its message, then by its status. When a limit ends Braze
 * says in seconds: since 1970, or to go, as the plan is.
 */
export function brazeError(response: HttpResponse, nowMs: number): DestinationError {
  const codes = codesIn(response, refusalSchema, ({ message }) => [message]);
  const { headers } = response;
  const resetMs = parseRetryAfter(headers['x-ratelimit-retry-after'] ?? headers['x-ratelimit-reset'], nowMs);
  const throttledMs = resetMs === undefined ? undefined : resetMs - nowMs;
  return errorOfAnswer(brazeErrors, codes, response, nowMs, { vendor: 'Braze', throttledMs });
}

const answerSchema = z.object({
  message: z.enum(['success', 'queued']),
  errors: z
    .array(z.object({ type: z.string().optional(), input_array: z.string().optional(), index: z.int().optional() }))
    .default([]),
});

/**
 * Judges the answer to a request that told of the changes with these ids, in this order. Braze
 * names the rows that it refuses by their place in the request; what it does not name it has taken.
 * An error that names no row leaves one thing only: to halve the batch, which `invalid` asks for.
 */
export function judgeTrackResponse(
  response: HttpResponse,
  ids: readonly string[],
  guard: ReasonGuard,
  nowMs: number,
): Verdict[] {
  if (response.status < 200 || response.status > 299) throw brazeError(response, nowMs);
  const { errors } = readAnswer(response, answerSchema);
  const refused = new Map<number, string | undefined>();
  let isUnexplained = false;
  for (const { type, input_array: array = 'attributes', index } of errors) {
    const place = ids.length === 1 ? 0 : index;
    if (place !== undefined && place in ids && array === 'attributes') refused.set(place, type);
    else isUnexplained = true;
  }
  if (isUnexplained) {
    const message = 'Failed to deliver: Braze refuses persons and does not say which. The batch is halved.';
    throw new DestinationError('invalid', message, { doubt: 'answered' });
  }
  const codes = ids.map((_id, place) => (refused.has(place) ? (refused.get(place) ?? '') : undefined));
  const ofAccount = accountErrorIn(brazeErrors, codes);
  if (ofAccount !== undefined) throw errorFor(ofAccount, `Braze answered ${ofAccount.code}`);
  return ids.map((id, place): Verdict => {
    if (!refused.has(place)) return { id, status: 'delivered' };
    const reason = guard(refused.get(place), 'Braze refuses this person');
    // What is wrong with the options of its route holds a row, where the rows of others were taken.
    const isOfRoute = brazeErrors.get(codes[place] ?? '')?.means === 'set-up';
    return { id, status: isOfRoute ? 'retry' : 'rejected', reason };
  });
}
