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

/** What an answer outside 2xx means, by its code, else by its status; the limits are of a minute. */
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

/** Of a page of audiences the lists that they are made of, and the bookmark of the next page where there is one. */
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

const changedSchema = z.object({ id, exceptions: z.object({ code: z.int().optional() }).nullish() });

/**
 * Judges the answer to a change of members. Pinterest takes a list of records as one, matches them later, and says of none whether it found a person. A list
 * with an exception is not taken, and is told in halves.
 */
export function judgeChanged(response: HttpResponse, ids: readonly string[], nowMs: number): Verdict[] {
  if (response.status !== 200) throw pinterestError(response, nowMs);
  const code = readAnswer(response, changedSchema).exceptions?.code;
  if (code !== undefined) {
    const documented = pinterestErrors.get(String(code)) ?? { means: 'invalid' as const };
    throw errorFor(documented, `Pinterest answered 200, with the exception ${code}`, { doubt: 'answered' });
  }
  return ids.map((each) => ({ id: each, status: 'delivered' }));
}
