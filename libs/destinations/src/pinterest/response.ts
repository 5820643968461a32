import { z } from 'zod';
import { type AnswerRules, codesIn, errorFor } from '@activation-hub/destination-kit';
import { pinterestErrors } from './errors.ts';

const codeSchema = z.object({ code: z.int() });

/** An answer outside 2xx is judged by its code, else by its status; the limits are of a minute. */
export const pinterestAnswers: AnswerRules = {
  vendor: 'Pinterest',
  errors: pinterestErrors,
  codesOf: (response) => codesIn(response, codeSchema, ({ code }) => [String(code)]),
  throttledMs: 60_000,
};

const id = z.string().regex(/^\d+$/);
/** Of a page that is the last one Pinterest writes none, or an empty one. */
const bookmark = z
  .string()
  .nullish()
  .transform((text) => (text === null || text === '' ? undefined : text));

export const listSchema = z.object({ id, name: z.string(), status: z.string().optional() });
export type PinterestList = z.output<typeof listSchema>;
export const listsSchema = z.object({ items: z.array(listSchema), bookmark });

const audience = z.object({ rule: z.object({ customer_list_id: z.string().nullish() }).nullish() });
export const audiencesSchema = z.object({ items: z.array(audience), bookmark });

/** An object, by the description of the API; a list is read too. */
const exceptions = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish();
const exceptionSchema = z.object({ code: z.union([z.int(), z.string().regex(/^\d{1,9}$/)]).transform(String) });

/**
 * The answer to a change of members. Pinterest takes a list of records as one, matches them later,
 * and says of none whether it found a person.
 */
export const changedSchema = z.object({ id, exceptions });

/** Throws where the list has an exception: it is not taken then, and told in halves. */
export function requireTaken({ exceptions: said }: z.output<typeof changedSchema>): void {
  if (Object.keys(said ?? {}).length === 0) return;
  const code = exceptionSchema.safeParse(Array.isArray(said) ? said[0] : said).data?.code;
  const documented = pinterestErrors.get(code ?? '') ?? { means: 'invalid' as const };
  const which = code === undefined ? 'an exception without a code' : `the exception ${code}`;
  throw errorFor(documented, `Pinterest answered 200, with ${which}`, { doubt: 'answered' });
}
