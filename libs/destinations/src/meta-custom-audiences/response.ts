import { z } from 'zod';
import {
  DestinationError,
  type DocumentedError,
  errorFor,
  errorForResponse,
  type HttpResponse,
  readAnswer,
  type Verdict,
} from '@activation-hub/destination-kit';
import { metaErrors } from './errors.ts';
import { usageIn } from './quota.ts';
import type { MetaRow } from './request.ts';

/** Where an answer does not say how long: the shortest block that "Rate limiting" of the Marketing API names. */
const throttledMs = 60_000;

const errorSchema = z.object({
  error: z.object({
    code: z.int(),
    error_subcode: z.int().optional(),
    is_transient: z.boolean().optional(),
  }),
});

/** The code and subcode of an error of the Graph API; undefined for an answer that is none. */
function graphErrorIn(body: string) {
  try {
    return errorSchema.safeParse(JSON.parse(body)).data?.error;
  } catch {
    return undefined;
  }
}

/** Whether Meta says that this object is not there, or not for this user. */
export function isMissing({ body }: HttpResponse): boolean {
  const error = graphErrorIn(body);
  return (error?.code === 100 && error.error_subcode === 33) || error?.code === 803;
}

/**
 * What an answer outside 2xx means. Meta answers 400 to nearly everything, so its codes decide, and the status only where
 * there is none. The message holds the codes and nothing else of the answer.
 */
export function metaError(response: HttpResponse, nowMs: number): DestinationError {
  const byStatus = errorForResponse(response, nowMs);
  const error = graphErrorIn(response.body);
  if (error === undefined) return byStatus;
  const { code, error_subcode: subcode, is_transient: isTransient = false } = error;
  const answered = `Meta answered with the error ${subcode === undefined ? code : `${code}/${subcode}`}`;
  const documented = documentedError(code, subcode);
  if (documented?.means === 'throttled') {
    const notBeforeMs = regainedAtMs(response, nowMs) ?? byStatus.notBeforeMs ?? nowMs + throttledMs;
    return errorFor(documented, answered, { notBeforeMs });
  }
  if (documented?.means === 'set-up') return errorFor(documented, answered);
  if (isTransient || documented?.means === 'transient') {
    return errorFor({ means: 'transient' }, answered, { doubt: 'answered' });
  }
  if (documented !== undefined) return errorFor(documented, answered);
  const advice = 'Compare the settings with what Meta expects.';
  return new DestinationError(byStatus.class, `Failed to deliver: ${answered}. ${advice}`, { doubt: byStatus.doubt });
}

function documentedError(code: number, subcode: number | undefined): DocumentedError | undefined {
  const family = code >= 200 && code <= 299 ? '200' : code < 0 ? '-1' : '';
  const codes = [...(subcode === undefined ? [] : [`${code}/${subcode}`, String(subcode)]), String(code), family];
  return codes.map((each) => metaErrors.get(each)).find((each) => each !== undefined);
}

/** When Meta takes requests again, by the header in which it counts minutes. */
function regainedAtMs(response: HttpResponse, nowMs: number): number | undefined {
  const minutes = Math.max(0, ...usageIn(response).map((use) => use.estimated_time_to_regain_access));
  return minutes > 0 ? nowMs + minutes * 60_000 : undefined;
}

const audienceSchema = z.object({
  id: z.string().regex(/^\d+$/),
  name: z.string().optional(),
  subtype: z.string().optional(),
  operation_status: z.object({ code: z.int() }).optional(),
  permission_for_actions: z.object({ can_edit: z.boolean().optional() }).optional(),
  is_value_based: z.boolean().optional(),
});

export type MetaAudience = z.output<typeof audienceSchema>;

/** Gives the audience, or `undefined` when Meta says that there is none for this user. */
export function readAudience(response: HttpResponse, nowMs: number): MetaAudience | undefined {
  if (isMissing(response)) return undefined;
  if (response.status !== 200) throw metaError(response, nowMs);
  return readAnswer(response, audienceSchema);
}

const pageSchema = z.object({
  data: z.array(audienceSchema),
  paging: z.object({ next: z.string().optional(), cursors: z.object({ after: z.string() }).optional() }).optional(),
});

/** A page of audiences, and the cursor of the next one where there is one. */
export function readAudiences(
  response: HttpResponse,
  nowMs: number,
): { readonly audiences: readonly MetaAudience[]; readonly after: string | undefined } {
  if (response.status !== 200) throw metaError(response, nowMs);
  const { data, paging } = readAnswer(response, pageSchema);
  // The cursor is there on the last page too; the URL of the next page, which holds the token, is not used.
  return { audiences: data, after: paging?.next === undefined ? undefined : paging.cursors?.after };
}

/** The id of the audience that was created. */
export function readCreated(response: HttpResponse, nowMs: number): string {
  if (response.status !== 200) throw metaError(response, nowMs);
  return readAnswer(response, audienceSchema.pick({ id: true })).id;
}

/** Meta documents no answer to a removal from all audiences but that it may be unable to do it, which is an error. */
export function requireForgotten(response: HttpResponse, nowMs: number): void {
  if (response.status !== 200) throw metaError(response, nowMs);
}

const usersSchema = z.object({ num_received: z.int().nonnegative(), num_invalid_entries: z.int().nonnegative() });

/**
 * Judges the answer to a batch. Meta counts what it received and what of it is invalid, and does not say which rows these
 * are: the samples are not in the order of the rows. So only a count that leaves no choice is a verdict; any other asks for
 * halves, by `invalid`, until it does or the row is alone. Rows that were taken meanwhile are told again, which does no harm.
 */
export function judgeUsers(response: HttpResponse, rows: readonly MetaRow[], nowMs: number): Verdict[] {
  if (response.status !== 200) throw metaError(response, nowMs);
  const { num_received: received, num_invalid_entries: invalid } = readAnswer(response, usersSchema);
  const all = (verdict: (id: string) => Verdict): Verdict[] => rows.map(({ id }) => verdict(id));
  if (received === 0) {
    const reason = 'Meta has not received this person';
    return all((id) => ({ id, status: 'retry', reason, doubt: 'answered' }));
  }
  if (invalid === 0 && received >= rows.length) return all((id) => ({ id, status: 'delivered' }));
  // Whether an entry is a row or one value of it is not documented; as many as there are values is everything.
  const values = rows.reduce((sum, row) => sum + Object.keys(row.values).length, 0);
  if (invalid >= values) {
    return all((id) => ({ id, status: 'rejected', reason: 'Meta finds this person invalid' }));
  }
  if (rows.length === 1) {
    const why = 'Meta finds a part of this person invalid, and may have taken the rest. Correct the attributes.';
    throw new DestinationError('invalid', `Failed to deliver: ${why}`, { doubt: 'answered' });
  }
  throw new DestinationError(
    'invalid',
    `Failed to deliver: Meta received ${received} of ${rows.length} persons and finds ${invalid} entries invalid, and does not say which. The batch is halved.`,
    { doubt: 'answered' },
  );
}
