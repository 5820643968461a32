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
import { hubspotErrors } from './errors.ts';
import { quotaMs } from './quota.ts';
import type { Identified } from './request.ts';

/** Where a 429 says nothing else: the window of the burst limit. */
const burstMs = 10_000;
/** How long a lock lasts (423), as HubSpot says. */
const lockMs = 2_000;
const propertyErrors = z.array(z.object({ code: z.string().nullish() })).nullish();
const errorAnswer = z.object({
  category: z.string().nullish(),
  errorType: z.string().nullish(),
  message: z.string().nullish(),
  errors: propertyErrors,
});

/**
 * The codes of an error, the most telling first: of a property, then the category. Some stand in a
 * JSON inside of the message only.
 */
function codesOf({ category, errorType, message, errors }: z.output<typeof errorAnswer>): readonly string[] {
  const inside = [...(message ?? '').matchAll(/"error":\s*"([A-Z_]+)"/g)].map(([, code]) => code);
  const codes = [...(errors ?? []).map(({ code }) => code), ...inside, category, errorType];
  return codes.filter((code) => typeof code === 'string').filter((code) => hubspotErrors.has(code));
}

/** What an answer outside 2xx means for the whole request. */
export function hubspotError(response: HttpResponse, nowMs: number): DestinationError {
  const codes = codesIn(response, errorAnswer, codesOf);
  const intervalMs = Number(response.headers['x-hubspot-ratelimit-interval-milliseconds'] ?? Number.NaN);
  const isDaily = /"policyName"\s*:\s*"DAILY"/.test(response.body);
  const throttledMs = isDaily ? quotaMs : intervalMs > 0 ? intervalMs : burstMs;
  const transientMs = response.status === 423 ? lockMs : undefined;
  return errorOfAnswer(hubspotErrors, codes, response, nowMs, {
    vendor: 'HubSpot',
    throttledMs,
    transientMs,
    notFound: 'set-up',
  });
}

const properties = z.record(z.string(), z.string().nullish()).default({});
const batchAnswer = z.object({
  results: z.array(z.object({ id: z.string(), objectWriteTraceId: z.string().nullish(), properties })),
  errors: z.array(errorAnswer.extend({ context: z.record(z.string(), z.array(z.string())).nullish() })).nullish(),
});

/** Of each change, by its id: the contact's record id, or the verdict with which it ends. */
export type Contacts = ReadonlyMap<string, Contact>;
export type Contact = { readonly recordId: string } | { readonly verdict: Verdict };

/**
 * Reads the answer to an upsert or an update. Rows are told apart by the trace id, else by the
 * property that identifies them, never by position. Errors that name no row leave one thing only:
 * to halve the batch, which `invalid` asks for.
 */
export function readWritten(
  response: HttpResponse,
  rows: readonly Identified[],
  guard: ReasonGuard,
  nowMs: number,
): Contacts {
  const { found, failed, unexplained } = readBatch(response, rows, nowMs);
  const contacts = new Map<string, Contact>();
  for (const { change } of rows) {
    const { id } = change;
    const recordId = found.get(id);
    const category = failed.get(id);
    if (recordId !== undefined) contacts.set(id, { recordId });
    else if (category === notFound) contacts.set(id, { verdict: unknownContact(id) });
    else if (category !== undefined || (rows.length === 1 && unexplained !== undefined)) {
      const reason = guard(category ?? unexplained, 'HubSpot refuses this contact');
      contacts.set(id, { verdict: { id, status: 'rejected', reason } });
    } else if (unexplained !== undefined) {
      throw new DestinationError(
        'invalid',
        'Failed to deliver: HubSpot refuses contacts and does not say which. The batch is halved.',
        { doubt: 'answered' },
      );
    } else contacts.set(id, { verdict: silent(id) });
  }
  return contacts;
}

/** Reads the answer to a search by identity. */
export function readFound(response: HttpResponse, rows: readonly Identified[], nowMs: number): Contacts {
  const { found, failed } = readBatch(response, rows, nowMs);
  return new Map(
    rows.map(({ change: { id } }): [string, Contact] => {
      const recordId = found.get(id);
      if (recordId !== undefined) return [id, { recordId }];
      const unclear: Verdict = { id, status: 'retry', reason: 'the search does not name this contact' };
      return [id, { verdict: failed.get(id) === notFound ? unknownContact(id) : unclear }];
    }),
  );
}

/** HubSpot's category of an error about a record that is not there. */
const notFound = 'OBJECT_NOT_FOUND';

function unknownContact(id: string): Verdict {
  return { id, status: 'not-found', reason: 'no contact has this identity' };
}

interface BatchAnswer {
  /** Record ids by change id. */
  readonly found: ReadonlyMap<string, string>;
  /** Categories of errors by change id. */
  readonly failed: ReadonlyMap<string, string>;
  /** Category of an error that names no row. */
  readonly unexplained: string | undefined;
}

function readBatch(response: HttpResponse, rows: readonly Identified[], nowMs: number): BatchAnswer {
  if (response.status !== 200 && response.status !== 201 && response.status !== 207)
    throw hubspotError(response, nowMs);
  const { results, errors } = readAnswer(response, batchAnswer);
  const ofAccount = accountErrorIn(hubspotErrors, (errors ?? []).flatMap(codesOf));
  if (ofAccount !== undefined) {
    throw errorFor(ofAccount, `HubSpot answered ${response.status}, ${ofAccount.code}`, { doubt: 'answered' });
  }
  const byTrace = new Map(rows.map(({ change }) => [change.id, change.id]));
  const byIdentity = new Map(
    rows.map(({ change, idProperty }) => [keyOf(idProperty, change.identity.value), change.id]),
  );
  const byRecord = new Map(rows.map(({ change, recordId }) => [recordId, change.id]));
  const found = new Map<string, string>();
  for (const result of results) {
    const traced = byTrace.get(result.objectWriteTraceId ?? '') ?? byRecord.get(result.id);
    for (const id of traced === undefined ? identified(result.properties, byIdentity) : [traced])
      found.set(id, result.id);
  }
  const failed = new Map<string, string>();
  let unexplained: string | undefined;
  for (const { category, context } of errors ?? []) {
    const named = new Set(
      Object.values(context ?? {})
        .flat()
        .map((text) => text.toLowerCase()),
    );
    const ids = rows
      .filter(({ change, recordId }) =>
        [change.id, change.identity.value, recordId ?? ''].some((text) => named.has(text.toLowerCase())),
      )
      .map(({ change }) => change.id);
    for (const id of ids) failed.set(id, category ?? 'refused');
    if (ids.length === 0) unexplained = category ?? 'refused';
  }
  return { found, failed, unexplained };
}

/**
 * The changes that this contact may be the answer to. A contact has several addresses, and any of
 * them finds it.
 */
function identified(
  values: Readonly<Record<string, string | null | undefined>>,
  byIdentity: ReadonlyMap<string, string>,
): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const property = name === 'hs_additional_emails' ? 'email' : name;
    const texts = property === 'email' ? (value ?? '').split(';') : [value ?? ''];
    return texts.flatMap((text) => byIdentity.get(keyOf(property, text.trim())) ?? []);
  });
}

const keyOf = (property: string, value: string): string => JSON.stringify([property, value.toLowerCase()]);

function silent(id: string): Verdict {
  return { id, status: 'retry', reason: 'the answer does not name this contact', doubt: 'answered' };
}

const ids = z.array(z.string()).nullish();
const membersAnswer = z.object({
  // HubSpot writes these two with an odd plural; both spellings are taken.
  recordsIdsAdded: ids,
  recordIdsAdded: ids,
  recordsIdsRemoved: ids,
  recordIdsRemoved: ids,
  recordIdsMissing: ids,
});

/**
 * Gives the record ids that HubSpot does not know. Ids that are in no array were members already
 * (or none) and needed no change; an answer without any of the arrays says that of all.
 */
export function readMissing(response: HttpResponse, nowMs: number): ReadonlySet<string> {
  if (response.status !== 200) throw hubspotError(response, nowMs);
  return new Set(readAnswer(response, membersAnswer).recordIdsMissing);
}

const listAnswer = z.object({
  list: z.object({
    listId: z.string(),
    objectTypeId: z.string(),
    processingType: z.string(),
    deletedAt: z.string().nullish(),
  }),
});

export type HubspotList = z.output<typeof listAnswer>['list'];

/**
 * Gives the list, or `undefined` when HubSpot says that there is none, or one that was deleted: its
 * id still finds it.
 */
export function readList(response: HttpResponse, nowMs: number): HubspotList | undefined {
  if (response.status === 404) return undefined;
  if (response.status !== 200 && response.status !== 201) throw hubspotError(response, nowMs);
  const { list } = readAnswer(response, listAnswer);
  return list.deletedAt ? undefined : list;
}
