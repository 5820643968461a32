import { z } from 'zod';
import {
  codesIn,
  DestinationError,
  errorFor,
  errorOfAnswer,
  type HttpResponse,
  readAnswer,
  type Verdict,
} from '@activation-hub/destination-kit';
import { pinterestErrors } from './errors.ts';

const codeSchema = z.object({ code: z.int() });

/**
 * What an answer outside 2xx means, by its code, else by its status; the limits are of a minute.
 */
export function pinterestError(response: HttpResponse, nowMs: number): DestinationError {
  const codes = codesIn(response, codeSchema, ({ code }) => [String(code)]);
  return errorOfAnswer(pinterestErrors, codes, response, nowMs, { vendor: 'Pinterest', throttledMs: 60_000 });
}

const id = z.string().regex(/^\d+$/);
const listSchema = z.object({ id, name: z.string(), status: z.string().optional() });
export type PinterestList = z.output<typeof listSchema>;

/** Gives the list, or `undefined` when Pinterest says that the ad account has none with this id. */
export function readList(response: HttpResponse, nowMs: number): PinterestList | undefined {
  if (response.status === 404 || codesIn(response, codeSchema, ({ code }) => [String(code)])[0] === '1018')
    return undefined;
  return readCreated(response, nowMs);
}

export function readCreated(response: HttpResponse, nowMs: number): PinterestList {
  if (response.status !== 200) throw pinterestError(response, nowMs);
  return readAnswer(response, listSchema);
}

const pageSchema = z.object({ items: z.array(listSchema), bookmark: z.string().nullish() });

/** A page of lists, and the bookmark of the next one where there is one. */
export function readLists(
  response: HttpResponse,
  nowMs: number,
): { readonly lists: readonly PinterestList[]; readonly bookmark: string | undefined } {
  if (response.status !== 200) throw pinterestError(response, nowMs);
  const { items, bookmark } = readAnswer(response, pageSchema);
  return { lists: items, bookmark: bookmark === null || bookmark === '' ? undefined : bookmark };
}

const audiencesSchema = z.object({
  items: z.array(z.object({ rule: z.object({ customer_list_id: z.string().nullish() }).nullish() })),
  bookmark: z.string().nullish(),
});

/**
 * Of a page of audiences the lists that they are made of, and the bookmark of the next page where
 * there is one.
 */
export function readAudiences(
  response: HttpResponse,
  nowMs: number,
): { readonly listIds: readonly string[]; readonly bookmark: string | undefined } {
  if (response.status !== 200) throw pinterestError(response, nowMs);
  const { items, bookmark } = readAnswer(response, audiencesSchema);
  const listIds = items.flatMap(({ rule }) => rule?.customer_list_id ?? []);
  return { listIds, bookmark: bookmark === null || bookmark === '' ? undefined : bookmark };
}

export function requireAudience(response: HttpResponse, nowMs: number): void {
  if (response.status !== 200) throw pinterestError(response, nowMs);
}

/** An object, by the description of the API; a list is read too. */
const exceptions = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish();
const changedSchema = z.object({ id, exceptions });
const exceptionSchema = z.object({ code: z.union([z.int(), z.string().regex(/^\d{1,9}$/)]).transform(String) });

/**
 * Judges the answer to a change of members. Pinterest takes a list of records as one, matches them
 * later, and says of none whether it found a person. A list with an exception is not taken, and is
 * told in halves.
 */
export function judgeChanged(response: HttpResponse, ids: readonly string[], nowMs: number): Verdict[] {
  if (response.status !== 200) throw pinterestError(response, nowMs);
  const said = readAnswer(response, changedSchema).exceptions ?? {};
  if (Object.keys(said).length > 0) {
    const code = exceptionSchema.safeParse(Array.isArray(said) ? said[0] : said).data?.code;
    const documented = pinterestErrors.get(code ?? '') ?? { means: 'invalid' as const };
    const which = code === undefined ? 'an exception without a code' : `the exception ${code}`;
    throw errorFor(documented, `Pinterest answered 200, with ${which}`, { doubt: 'answered' });
  }
  return ids.map((each) => ({ id: each, status: 'delivered' }));
}
