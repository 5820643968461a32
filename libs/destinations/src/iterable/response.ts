import { z } from 'zod';
import { type AnswerRules, type Change, codesIn, namelessRefusal, type Verdict } from '@activation-hub/destination-kit';
import { iterableErrors } from './errors.ts';

const codeSchema = z.object({ code: z.string() });

/**
 * An answer that is not 200 is judged by its code, else by its status; the limits are of a second.
 */
export const iterableAnswers: AnswerRules = {
  vendor: 'Iterable',
  errors: iterableErrors,
  codesOf: (response) => codesIn(response, codeSchema, ({ code }) => [code]),
  throttledMs: 1_000,
};

const list = z.object({ id: z.int(), name: z.string(), listType: z.string() });
export type IterableList = z.output<typeof list>;
export const listsSchema = z.object({ lists: z.array(list) });
export const createdSchema = z.object({ listId: z.int() });

const names = z.array(z.string()).optional();
export const toldSchema = z.object({
  successCount: z.int().nonnegative(),
  failCount: z.int().nonnegative(),
  failedUpdates: z.record(z.string(), names).default({}),
});

/**
 * Judges the answer to a request that told of these changes. Iterable names the users that it did
 * not take, in arrays that say why, and counts the others. Where the counts and the names leave a
 * user over, the batch is halved, by `invalid`, until it is alone.
 */
export function judgeTold(
  { successCount, failedUpdates }: z.output<typeof toldSchema>,
  changes: readonly Change[],
): readonly Verdict[] {
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
    const counted = `has taken ${successCount} of ${changes.length} users, and does not name the others`;
    throw namelessRefusal('Iterable', counted);
  }
  const reason = 'Iterable has not taken this user';
  return changes.map(({ id }) => ({ id, status: 'retry', reason, doubt: 'answered' }));
}
