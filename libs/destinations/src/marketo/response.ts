import { z } from 'zod';
import {
  accountErrorIn,
  codesIn,
  DestinationError,
  errorFor,
  errorOfAnswer,
  type HttpResponse,
  readAnswer,
  type ReasonGuard,
  type Verdict,
} from '@activation-hub/destination-kit';
import { marketoErrors } from './errors.ts';

const code = z.union([z.string(), z.int()]).transform(String);
const failedSchema = z.object({ success: z.literal(false), errors: z.array(z.object({ code })) });

/** The codes of an answer that says that the request failed; none of any other. */
export const codesOf = (response: HttpResponse): readonly string[] =>
  codesIn(response, failedSchema, ({ errors }) => errors.map((error) => error.code));

/**
 * What an answer that is no success means. Marketo answers 200 to nearly everything, so its codes
 * decide; what failed on its side may have been done. A limit is of 20 seconds; the quota of a day
 * (607) is asked for again after an hour.
 */
export function marketoError(response: HttpResponse, nowMs: number): DestinationError {
  const codes = codesOf(response);
  const throttledMs = codes.includes('607') ? 3_600_000 : 20_000;
  if (response.status !== 200)
    return errorOfAnswer(marketoErrors, codes, response, nowMs, { vendor: 'Marketo', throttledMs });
  const error = codes.map((each) => marketoErrors.get(each)).find((each) => each !== undefined);
  const means = error?.means ?? 'transient';
  return errorFor({ means, advice: error?.advice }, `Marketo answered with the error ${error?.code ?? 'of no page'}`, {
    doubt: means === 'transient' ? 'answered' : undefined,
    notBeforeMs: means === 'throttled' ? nowMs + throttledMs : undefined,
  });
}

function readResult<Item extends z.ZodType>(response: HttpResponse, item: Item, nowMs: number): z.output<Item>[] {
  if (response.status !== 200 || codesOf(response).length > 0) throw marketoError(response, nowMs);
  return readAnswer(response, z.object({ success: z.literal(true), result: z.array(item).default([]) })).result;
}

const list = z.object({ id: z.int(), name: z.string() });
export type MarketoList = z.output<typeof list>;

/** Lists; none where Marketo says that it has found nothing (702), or no such object (1013). */
export function readLists(response: HttpResponse, nowMs: number): readonly MarketoList[] {
  return codesOf(response).some((each) => each === '702' || each === '1013') ? [] : readResult(response, list, nowMs);
}

const reasons = z.array(z.object({ code, message: z.string().optional() })).default([]);
const record = z.object({ id: z.int().optional(), status: z.string(), reasons });

/** Of one record: the id of its person, and why Marketo skipped it, where it did. */
export interface Judged {
  readonly personId: number | undefined;
  readonly refusal?: (id: string, guard: ReasonGuard) => Verdict;
}

/**
 * Reads the records of an answer. Throws `DestinationError` where one says something of the
 * account, for then others may have been written.
 */
export function readRecords(response: HttpResponse, nowMs: number): readonly Judged[] {
  const result = readResult(response, record, nowMs);
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

/**
 * The records of an answer to as many persons, in their order ("Record-level errors" of the page of
 * error codes).
 */
export function readSynced(response: HttpResponse, count: number, nowMs: number): readonly Judged[] {
  const records = readRecords(response, nowMs);
  if (records.length === count) return records;
  const why = `Marketo judged ${records.length} of ${count} persons, and does not say which. It is tried again.`;
  throw new DestinationError('transient', `Failed to deliver: ${why}`, { doubt: 'answered' });
}
