import { z } from 'zod';
import {
  DestinationError,
  errorOfAnswer,
  type HttpResponse,
  readAnswer,
  type ReasonGuard,
  type Verdict,
} from '@activation-hub/destination-kit';
import { customerIoErrors } from './errors.ts';

/** What an answer outside 2xx means; the limits are of a second. */
export const customerIoError = (response: HttpResponse, nowMs: number): DestinationError =>
  errorOfAnswer(customerIoErrors, [], response, nowMs, { vendor: 'Customer.io', throttledMs: 1_000 });

const refusals = z.array(z.object({ batch_index: z.int().optional(), reason: z.string().optional() }));
/** An answer of 200 is an object with nothing in it. */
const accepted = z.object({ errors: refusals.default([]) });
const refusing = z.object({ errors: refusals });

/**
 * Judges the answer to a batch of these changes, in this order. Customer.io names the places of
 * those that it refuses (207), and has accepted the others. An error that names no place asks for
 * halves, by `invalid`.
 */
export function judgeBatch(
  response: HttpResponse,
  ids: readonly string[],
  guard: ReasonGuard,
  nowMs: number,
): Verdict[] {
  if (response.status !== 200 && response.status !== 207) throw customerIoError(response, nowMs);
  const refused = new Map<number, string | undefined>();
  const { errors } = readAnswer(response, response.status === 207 ? refusing : accepted);
  for (const { batch_index: place, reason } of errors) {
    if (place === undefined || !(place in ids)) {
      const why = 'Customer.io refuses persons and does not say which. The batch is halved.';
      throw new DestinationError('invalid', `Failed to deliver: ${why}`, { doubt: 'answered' });
    }
    refused.set(place, reason);
  }
  return ids.map((id, place) =>
    refused.has(place)
      ? { id, status: 'rejected', reason: guard(refused.get(place), 'Customer.io refuses this person') }
      : { id, status: 'delivered' },
  );
}
