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
import { salesforceErrors } from './errors.ts';
import { quotaMs } from './quota.ts';

/**
 * How long requests that take too long are given to end (25 of them may take more than 20 seconds
 * at once).
 */
const longRequestsMs = 20_000;

/** What an answer outside 2xx means for the whole request. */
export function salesforceError(response: HttpResponse, nowMs: number): DestinationError {
  const codes = codesOf(response);
  // The daily quota, unless the answer names the limit of long requests, which has the same code
  // (app limits cheat sheet).
  const isLongRequests = response.body.includes('ConcurrentPerOrgLongTxn');
  const throttledMs = isLongRequests ? longRequestsMs : quotaMs;
  const error = errorOfAnswer(salesforceErrors, codes, response, nowMs, {
    vendor: 'Salesforce',
    throttledMs,
    notFound: 'set-up',
  });
  if (!codes.includes('REQUEST_LIMIT_EXCEEDED')) return error;
  const why = isLongRequests
    ? 'too many requests of the Salesforce org take longer than 20 seconds (ConcurrentPerOrgLongTxn). It is tried again; look for slow triggers and flows.'
    : 'the API quota of the Salesforce org is used up. It is tried again; allow more requests, or send fewer.';
  return new DestinationError('throttled', `Failed to deliver: ${why}`, {
    notBeforeMs: error.notBeforeMs ?? nowMs + throttledMs,
  });
}

/** Whether a whole request was refused because what it makes is there already. */
export function isDuplicate(response: HttpResponse): boolean {
  return response.status === 400 && codesOf(response).includes('DUPLICATE_VALUE');
}

const errorAnswer = z.array(z.object({ errorCode: z.string() }));

const codesOf = (response: HttpResponse): readonly string[] =>
  codesIn(response, errorAnswer, (errors) => errors.map(({ errorCode }) => errorCode));

const rowsAnswer = z.array(
  z.object({
    id: z.string().nullish(),
    success: z.boolean(),
    errors: z
      .array(z.object({ statusCode: z.string(), message: z.string().nullish(), fields: z.array(z.string()).nullish() }))
      .default([]),
  }),
);

/** The result of one record. */
export type Row = z.output<typeof rowsAnswer>[number];

/**
 * Returns the result of each record, in the order of the request, which Salesforce promises. Rows
 * have no other key: when one is missing, no result is certain.
 */
export function readRows(response: HttpResponse, count: number, nowMs: number): readonly Row[] {
  if (response.status !== 200 && response.status !== 201) throw salesforceError(response, nowMs);
  const rows = readAnswer(response, rowsAnswer);
  const ofAccount = accountErrorIn(salesforceErrors, rows.map(codeOf));
  if (ofAccount !== undefined) {
    const doubt = rows.some(({ success }) => success) ? 'answered' : undefined;
    const notBeforeMs = ofAccount.means === 'throttled' ? nowMs + quotaMs : undefined;
    throw errorFor(ofAccount, `Salesforce answered ${ofAccount.code}`, { doubt, notBeforeMs });
  }
  if (rows.length === count) return rows;
  throw new DestinationError(
    'transient',
    `Failed to read the answer of Salesforce: ${rows.length} results for ${count} records. It is tried again.`,
    { doubt: 'answered' },
  );
}

/**
 * What one record came to: done, there already, not there, or the verdict with which its change
 * ends.
 */
export type RowOutcome =
  | { readonly is: 'done' }
  | { readonly is: 'duplicate' }
  | { readonly is: 'gone'; readonly verdict: Verdict & { readonly status: 'not-found' } }
  | { readonly is: 'ended'; readonly verdict: Verdict };

/**
 * Judges the record of one change by its codes. `guard` keeps words of Salesforce out that repeat
 * the person's.
 */
export function judgeRow(id: string, { success, errors }: Row, guard: ReasonGuard): RowOutcome {
  if (success) return { is: 'done' };
  const code = codeOf({ success, errors }) ?? '';
  if (code === 'DUPLICATE_VALUE') return { is: 'duplicate' };
  const reason = guard(code, 'Salesforce refuses this record');
  const means = salesforceErrors.get(code)?.means;
  if (means === 'retry') return { is: 'ended', verdict: { id, status: 'retry', reason } };
  if (means === 'not-found') return { is: 'gone', verdict: { id, status: 'not-found', reason } };
  return { is: 'ended', verdict: { id, status: 'rejected', reason } };
}

const passingCodes = [...salesforceErrors.values()].filter(({ means }) => means === 'retry');

/**
 * The code of a record that was not taken. Errors of triggers wrap a lock that was not to be had:
 * then it is that of the lock.
 */
function codeOf({ success, errors }: Pick<Row, 'success' | 'errors'>): string | undefined {
  if (success) return undefined;
  const passing = passingCodes.find(({ code, isListed }) =>
    // Some of the list are plain words, which a message may hold by chance.
    errors.some(({ statusCode, message }) => statusCode === code || (isListed !== true && message?.includes(code))),
  );
  return passing?.code ?? errors[0]?.statusCode ?? '';
}

const compositeAnswer = z.object({
  compositeResponse: z.array(
    z.object({
      httpStatusCode: z.number(),
      httpHeaders: z.record(z.string(), z.string()).nullish(),
      body: z.unknown(),
    }),
  ),
});
/** More rows than one page are never asked for. */
const queryAnswer = z.object({ done: z.literal(true), records: z.array(z.record(z.string(), z.unknown())) });

export type FoundRecord = Readonly<Record<string, unknown>>;

/** Gives the records that `count` queries found together. */
export function readFound(response: HttpResponse, count: number, nowMs: number): readonly FoundRecord[] {
  if (response.status !== 200) throw salesforceError(response, nowMs);
  const { compositeResponse } = readAnswer(
    response,
    compositeAnswer.refine((answer) => answer.compositeResponse.length === count),
  );
  return compositeResponse.flatMap(({ httpStatusCode: status, httpHeaders, body }) => {
    const headers = Object.entries(httpHeaders ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
    const answer = {
      status,
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: JSON.stringify(body),
    };
    if (status !== 200) throw salesforceError(answer, nowMs);
    return readAnswer(answer, queryAnswer).records;
  });
}

/**
 * The text in a field of a found record; `path` may lead through a reference, as `Contact.Email`
 * does.
 */
export function textAt(record: FoundRecord, path: string): string | undefined {
  const value = path
    .split('.')
    .reduce<unknown>(
      (from, name) => (typeof from === 'object' && from !== null ? valueOf(from, name) : undefined),
      record,
    );
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** Salesforce names a field as it was declared, however the query writes it. */
function valueOf(from: object, name: string): unknown {
  return Object.entries(from).find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
}

const describeAnswer = z.object({
  fields: z.array(z.object({ name: z.string(), externalId: z.boolean().default(false) })),
});

/** Whether each field of an object is an external id, by its name in lower case. */
export function readFields(response: HttpResponse, nowMs: number): ReadonlyMap<string, boolean> {
  if (response.status !== 200) throw salesforceError(response, nowMs);
  const { fields } = readAnswer(response, describeAnswer);
  return new Map(fields.map(({ name, externalId }) => [name.toLowerCase(), externalId]));
}
