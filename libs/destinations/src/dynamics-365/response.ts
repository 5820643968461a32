import { z } from 'zod';
import {
  accountErrorIn,
  codesIn,
  DestinationError,
  errorFor,
  errorForResponse,
  errorOfAnswer,
  type HttpResponse,
  parseRetryAfter,
  readAnswer,
  type Verdict,
} from '@activation-hub/destination-kit';
import { dynamics365Errors } from './errors.ts';

/**
 * Gives the answers to the parts of a `$batch`, in the order of the parts, which Dataverse
 * promises.
 */
export function readBatch(response: HttpResponse, count: number, nowMs: number): readonly HttpResponse[] {
  // Of a batch that is refused whole, a code that may be of one row says no more than the status:
  // 400 asks for halves.
  const isOfOneRow = dynamics365Errors.get(codeOf(response))?.alsoOfOneRow === true;
  if (response.status !== 200) throw isOfOneRow ? errorForResponse(response, nowMs) : dynamicsError(response, nowMs);
  const boundary = /boundary="?([^";,\s]+)"?/i.exec(response.headers['content-type'] ?? '')?.[1];
  const sections = boundary === undefined ? [] : `\n${response.body}`.split(`\n--${boundary}`).slice(1, -1);
  const answers = sections.map(readPart);
  // Without ids, a missing answer leaves no way to tell which of the others is whose.
  if (answers.length === count && answers.every((answer) => answer !== undefined)) {
    refuseIfOfAccount(answers);
    return answers;
  }
  throw new DestinationError(
    'transient',
    `Failed to read the answer to a $batch: ${answers.length} answers to ${count} requests. It is tried again.`,
    { doubt: 'answered' },
  );
}

/** Reads MIME headers, an empty line, and then an answer as HTTP writes it. */
function readPart(section: string): HttpResponse | undefined {
  const text = section.replaceAll('\r\n', '\n');
  const http = text.slice(text.indexOf('\n\n') + 2);
  const status = /^HTTP\/1\.1 (\d{3})/.exec(http)?.[1];
  if (status === undefined) return undefined;
  const end = http.indexOf('\n\n');
  const [head, body] = end < 0 ? [http, ''] : [http.slice(0, end), http.slice(end + 2)];
  const headers = head.split('\n').flatMap((line): [string, string][] => {
    const colon = line.indexOf(':');
    return colon < 1 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]];
  });
  return { status: Number(status), headers: Object.fromEntries(headers), body: body.trim() };
}

/**
 * Throws `DestinationError` of class `set-up` when the answer of a part says what is so for all who
 * sign in as this application.
 */
function refuseIfOfAccount(parts: readonly HttpResponse[]): void {
  const codes = parts.map((part) => (part.status < 300 ? undefined : codeOf(part)));
  const ofAccount = accountErrorIn(dynamics365Errors, codes);
  // Throttling has its own times, and is for `refuseIfThrottled`.
  if (ofAccount === undefined || ofAccount.means === 'throttled') return;
  const doubt = parts.some(({ status }) => status < 300) ? 'answered' : undefined;
  throw errorFor(ofAccount, `Dataverse answered ${ofAccount.code}`, { doubt });
}

/** What one part came to: done, not there, or the verdict with which its change ends. */
export type PartOutcome =
  { readonly is: 'done' } | { readonly is: 'not-found' } | { readonly is: 'ended'; readonly verdict: Verdict };

/**
 * Judges the part of one change, by its code, or by its status where the code says nothing. Throws
 * `DestinationError` of class `set-up` when that is so for all changes.
 */
export function judgePart(id: string, part: HttpResponse, nowMs: number): PartOutcome {
  const { status } = part;
  if (status < 300) return { is: 'done' };
  const code = codeOf(part);
  const error = dynamicsError(part, nowMs);
  const documented = dynamics365Errors.get(code);
  if (documented?.means === 'not-found' || (documented === undefined && status === 404)) return { is: 'not-found' };
  // A record that belongs to another user, among others that may be written.
  const isOfOneRow = documented?.alsoOfOneRow === true && error.class === 'set-up';
  if (error.class === 'set-up' && !isOfOneRow) throw error;
  if (isOfOneRow || error.class === 'invalid') {
    return { is: 'ended', verdict: { id, status: 'rejected', reason: `Dataverse refuses the record, ${code}` } };
  }
  const verdict: Verdict = {
    id,
    status: 'retry',
    reason: isThrottled(part) ? `service protection, ${code}` : `Dataverse answered ${status}, ${code}`,
    ...(error.notBeforeMs === undefined ? {} : { notBeforeMs: error.notBeforeMs }),
    ...(error.doubt === undefined || isThrottled(part) ? {} : { doubt: error.doubt }),
  };
  return { is: 'ended', verdict };
}

/** What an answer outside 2xx means for the whole request: its code says more than its status. */
export const dynamicsError = (response: HttpResponse, nowMs: number): DestinationError =>
  errorOfAnswer(dynamics365Errors, codesIn(response, errorBody, codesOf), response, nowMs, {
    vendor: 'Dataverse',
    notFound: 'set-up',
  });

/**
 * Throws `DestinationError` of class `throttled` when service protection refused every part: then
 * all who sign in as this application are to wait, and not these changes alone.
 */
export function refuseIfThrottled(parts: readonly HttpResponse[], nowMs: number): void {
  const [first] = parts;
  if (first === undefined || !parts.every(isThrottled)) return;
  const waits = parts.flatMap((part) => parseRetryAfter(part.headers['retry-after'], nowMs) ?? []);
  throw new DestinationError(
    'throttled',
    `Failed to deliver: service protection of Dataverse, ${codeOf(first)}. It is tried again when it allows.`,
    waits.length === 0 ? {} : { notBeforeMs: Math.max(...waits) },
  );
}

function isThrottled(part: HttpResponse): boolean {
  return part.status === 429 || dynamics365Errors.get(codeOf(part))?.means === 'throttled';
}

const errorBody = z.object({ error: z.object({ code: z.string().regex(/^0x[0-9a-f]{8}$/i) }) });

const codesOf = ({ error }: z.output<typeof errorBody>): readonly string[] => [error.code.toLowerCase()];

/** The code of an error, which is all of it that holds nothing personal. */
const codeOf = (part: HttpResponse): string => codesIn(part, errorBody, codesOf)[0] ?? 'without a code';

const guid = z.guid();

/** Gives the ids in column `column` of the rows that were found. */
export function readIds(part: HttpResponse, column: string, nowMs: number): readonly string[] {
  if (part.status !== 200) throw dynamicsError(part, nowMs);
  return readAnswer(part, z.object({ value: z.array(z.object({ [column]: guid })) })).value.flatMap(
    (row) => row[column] ?? [],
  );
}

/** Gives the id of the record that was written; `undefined` when the answer does not hold it. */
export function readId({ body }: HttpResponse, column: string): string | undefined {
  try {
    return guid.parse((JSON.parse(body) as Readonly<Record<string, unknown>>)[column]);
  } catch {
    // An answer without its record is one change that is tried again, and not a failed batch.
    return undefined;
  }
}

const list = z.object({
  listid: guid,
  listname: z.string(),
  createdfromcode: z.number(),
  type: z.boolean(),
  lockstatus: z.boolean(),
  statecode: z.number(),
});
export type MarketingList = z.output<typeof list>;

/** Gives the lists that were found, by name (any number) or by id (one, or none on 404). */
export function readLists(response: HttpResponse, nowMs: number): readonly MarketingList[] {
  if (response.status === 404) return [];
  if (response.status !== 200 && response.status !== 201) throw dynamicsError(response, nowMs);
  const answer = readAnswer(response, z.union([z.object({ value: z.array(list) }), list]));
  return 'value' in answer ? answer.value : [answer];
}

const segment = z.object({
  msdynmkt_segmentid: guid,
  msdynmkt_baseentitylogicalname: z.string(),
  msdynmkt_sourcesegmentuid: guid.nullish(),
});
export type Segment = z.output<typeof segment>;

/** Gives the segments that were found, the oldest first. */
export function readSegments(response: HttpResponse, nowMs: number): readonly Segment[] {
  if (response.status !== 200) throw dynamicsError(response, nowMs);
  return readAnswer(response, z.object({ value: z.array(segment) })).value;
}

const group = z.object({ groupId: guid, includeType: z.string(), name: z.string().nullish() });
const definition = z.object({ msdynmkt_segmentdefinitionid: guid, msdynmkt_staticlistmembers: z.string().nullish() });
export type StaticGroup = z.output<typeof group>;

/**
 * Gives the id of a segment's definition, and the groups of static members in it, which stand there
 * as JSON in a text.
 */
export function readDefinition(
  response: HttpResponse,
  nowMs: number,
): { readonly definitionId: string; readonly groups: readonly StaticGroup[] } {
  if (response.status !== 200 && response.status !== 201) throw dynamicsError(response, nowMs);
  const { msdynmkt_segmentdefinitionid: definitionId, msdynmkt_staticlistmembers: text } = readAnswer(
    response,
    definition,
  );
  const groups = z.array(group).safeParse(parseJson(text ?? '[]'));
  return { definitionId, groups: groups.success ? groups.data : [] };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The id of the segment that was created. */
export function readCreatedSegment(response: HttpResponse, nowMs: number): string {
  if (response.status !== 200 && response.status !== 201) throw dynamicsError(response, nowMs);
  return readAnswer(response, segment.pick({ msdynmkt_segmentid: true })).msdynmkt_segmentid;
}

/**
 * Accepts an empty answer, or one with an undocumented object; throws what any other means, by the
 * codes of Dataverse where they say more than the status.
 */
export function requireDone(response: HttpResponse, nowMs: number): void {
  if (response.status === 204) return;
  if (response.status < 300) {
    readAnswer(response, z.looseObject({}));
    return;
  }
  throw dynamicsError(response, nowMs);
}

/**
 * Gives the name of the parameter of the action that removes a member; `undefined` when the
 * environment lacks the action.
 */
export function readRemovalParameter(response: HttpResponse, nowMs: number): 'EntityId' | 'ListMember' | undefined {
  if (response.status !== 200) throw dynamicsError(response, nowMs);
  if (response.isUnread) {
    const why = 'the metadata of the environment is too large to be read. Set removalStrategy.';
    throw new DestinationError('set-up', `Failed to find out how a member is taken off a list: ${why}`);
  }
  const action = /<Action Name="RemoveMemberList"[^>]*>(.*?)<\/Action>/s.exec(response.body)?.[1] ?? '';
  return (['EntityId', 'ListMember'] as const).find((name) => action.includes(`<Parameter Name="${name}"`));
}

const keys = z.object({
  value: z.array(z.object({ KeyAttributes: z.array(z.string()), EntityKeyIndexStatus: z.string() })),
});

/** Gives the columns that alone are an active alternate key. */
export function readActiveKeys(response: HttpResponse, nowMs: number): readonly string[] {
  if (response.status !== 200) throw dynamicsError(response, nowMs);
  return readAnswer(response, keys).value.flatMap(({ KeyAttributes, EntityKeyIndexStatus }) =>
    KeyAttributes.length === 1 && EntityKeyIndexStatus === 'Active' ? KeyAttributes : [],
  );
}
