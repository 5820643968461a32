import { z } from 'zod';
import {
  type Change,
  codesIn,
  DestinationError,
  errorOfAnswer,
  type HttpResponse,
  readAnswer,
  type Verdict,
} from '@activation-hub/destination-kit';
import { iterableErrors } from './errors.ts';

const codeSchema = z.object({ code: z.string() });

/**
 * What an answer outside 2xx means, by its code, else by its status; the limits are of a second.
 */
export function iterableError(response: HttpResponse, nowMs: number): DestinationError {
  const codes = codesIn(response, codeSchema, ({ code }) => [code]);
  return errorOfAnswer(iterableErrors, codes, response, nowMs, { vendor: 'Iterable', throttledMs: 1_000 });
}

const names = z.array(z.string()).optional();
const toldSchema = z.object({
  successCount: z.int().nonnegative(),
  failCount: z.int().nonnegative(),
  failedUpdates: z.record(z.string(), names).default({}),
});

/**
 * Judges the answer to a request that told of these changes. Iterable names the users that it did
 * not take, in arrays that say why, and counts the others. Where the counts and the names leave a
 * user over, the batch is halved, by `invalid`, until it is alone.
 */
export function judgeTold(response: HttpResponse, changes: readonly Change[], nowMs: number): Verdict[] {
  if (response.status !== 200) throw iterableError(response, nowMs);
  const { successCount, failedUpdates } = readAnswer(response, toldSchema);
  const reasons = new Map<string, string>();
  for (const [reason, users = []] of Object.entries(failedUpdates)) {
    // Iterable tells userIds apart by their case; addresses are sent in lower case.
    for (const user of users) reasons.set(reason.endsWith('UserIds') ? user : user.toLowerCase(), reason);
  }
  const verdicts = changes.map(({ id, identity }): Verdict => {
    const reason = reasons.get(identity.value);
    if (reason === undefined) return { id, status: 'delivered' };
    const means = iterableErrors.get(reason)?.means;
    if (means === 'not-found') return { id, status: 'not-found', reason: 'Iterable has no such user' };
    return { id, status: 'rejected', reason: means === undefined ? 'Iterable refuses this user' : reason };
  });
  const taken = verdicts.filter(({ status }) => status === 'delivered').length;
  if (successCount >= taken) return verdicts;
  if (changes.length > 1) {
    const why = `Iterable has taken ${successCount} of ${changes.length} users, and does not name the others. The batch is halved.`;
    throw new DestinationError('invalid', `Failed to deliver: ${why}`, { doubt: 'answered' });
  }
  return changes.map(({ id }) => ({
    id,
    status: 'retry',
    reason: 'Iterable has not taken this user',
    doubt: 'answered',
  }));
}

const list = z.object({ id: z.int(), name: z.string(), listType: z.string() });
export type IterableList = z.output<typeof list>;

export function readLists(response: HttpResponse, nowMs: number): readonly IterableList[] {
  if (response.status !== 200) throw iterableError(response, nowMs);
  return readAnswer(response, z.object({ lists: z.array(list) })).lists;
}

/** The list that was created. */
export function readCreated(response: HttpResponse, name: string, nowMs: number): IterableList {
  if (response.status !== 200) throw iterableError(response, nowMs);
  return { id: readAnswer(response, z.object({ listId: z.int() })).listId, name, listType: 'Standard' };
}
