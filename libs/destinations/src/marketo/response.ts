import { z } from 'zod';
import {
  accountErrorIn,
  type AnswerRules,
  codesIn,
  errorFor,
  type ReasonGuard,
  type Verdict,
} from '@activation-hub/destination-kit';
import { marketoErrors } from './errors.ts';

const code = z.union([z.string(), z.int()]).transform(String);
const failedSchema = z.object({ success: z.literal(false), errors: z.array(z.object({ code })) });

/**
 * Marketo answers 200 to nearly everything, so its codes decide; what failed on its side may have
 * been done. A limit is of 20 seconds; the quota of a day (607) is asked for again after an hour.
 */
export const marketoAnswers = {
  vendor: 'Marketo',
  errors: marketoErrors,
  codesOf: (response) => codesIn(response, failedSchema, ({ errors }) => errors.map((error) => error.code)),
  undocumented: () => 'transient',
  throttledMs: (codes) => (codes.includes('607') ? 3_600_000 : 20_000),
} satisfies AnswerRules;

const resultOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ success: z.literal(true), result: z.array(item).default([]) });

const list = z.object({ id: z.int(), name: z.string() });
export const listsSchema = resultOf(list);
export const createdSchema = z.object({ success: z.literal(true), result: z.tuple([list]) });

const reasons = z.array(z.object({ code, message: z.string().optional() })).default([]);
export const recordsSchema = resultOf(z.object({ id: z.int().optional(), status: z.string(), reasons }));

/** Of one record: the id of its person, and why Marketo skipped it, where it did. */
export interface Judged {
  readonly personId: number | undefined;
  readonly refusal?: (id: string, guard: ReasonGuard) => Verdict;
}

/**
 * Judges the records of an answer. Throws `DestinationError` where one says something of the
 * account, for then others may have been written.
 */
export function judgeRecords({ result }: z.output<typeof recordsSchema>): readonly Judged[] {
  const codes = result.map((each) => each.reasons[0]?.code);
  const error = accountErrorIn(marketoErrors, codes);
  if (error !== undefined)
    throw errorFor(error, `Marketo answered with the error ${error.code}`, { doubt: 'answered' });
  return result.map(({ id: personId, status, reasons: [why] }) =>
    status === 'skipped' ? { personId, refusal: (id, guard) => refusal(id, why, guard) } : { personId },
  );
}

function refusal(id: string, why: z.output<typeof reasons>[number] | undefined, guard: ReasonGuard): Verdict {
  const means = marketoErrors.get(why?.code ?? '')?.means;
  if (means === 'not-found') return { id, status: 'not-found', reason: 'Marketo has no such person' };
  if (means === 'transient') return { id, status: 'retry', reason: 'Marketo is not ready to take this person' };
  return { id, status: 'rejected', reason: guard(why?.message, 'Marketo refuses this person') };
}
