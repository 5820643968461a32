import { z } from 'zod';
import {
  codesIn,
  DestinationError,
  errorOfAnswer,
  type HttpResponse,
  isOfAccount,
  readAnswer,
  type Verdict,
} from '@activation-hub/destination-kit';
import { metaErrors } from './errors.ts';
import { usageIn } from './quota.ts';
import type { MetaRow } from './request.ts';

/**
 * Where an answer does not say how long: the shortest block that "Rate limiting" of the Marketing
 * API names.
 */
const throttledMs = 60_000;

const errorSchema = z.object({
  error: z.object({
    code: z.int(),
    error_subcode: z.int().optional(),
    is_transient: z.boolean().optional(),
  }),
});

/**
 * The codes of an error of the Graph API, the most telling first; none for an answer that is no
 * such error.
 */
const codesOf = (response: HttpResponse): readonly string[] =>
  codesIn(response, errorSchema, ({ error: { code, error_subcode: subcode } }) => {
    const family = code >= 200 && code <= 299 ? ['200'] : code < 0 ? ['-1'] : [];
    return [...(subcode === undefined ? [] : [`${code}/${subcode}`, String(subcode)]), String(code), ...family];
  });

/** The code of a failure in Meta that passes. */
const passing = '2';

/**
 * Whether Meta calls an error transient, of which its code does not say that the account has to be
 * seen to first.
 */
function isPassing(response: HttpResponse, codes: readonly string[]): boolean {
  const documented = codes.map((code) => metaErrors.get(code)).find((error) => error !== undefined);
  const said = codesIn(response, errorSchema, ({ error }) => (error.is_transient === true ? [passing] : []));
  return said.length > 0 && (documented === undefined || !isOfAccount(documented));
}

/** Whether Meta says that this object is not there, or not for this user. */
export function isMissing(response: HttpResponse): boolean {
  const codes = codesOf(response);
  return codes.includes('100/33') || codes.includes('803');
}

/**
 * What an answer outside 2xx means. Meta answers 400 to nearly everything, so its codes decide, and
 * the status only where there is none. The message holds the codes and nothing else of the answer.
 */
export function metaError(response: HttpResponse, nowMs: number): DestinationError {
  const codes = codesOf(response);
  // When Meta takes requests again, by the header in which it counts minutes.
  const minutes = Math.max(0, ...usageIn(response).map((use) => use.estimated_time_to_regain_access));
  return errorOfAnswer(metaErrors, isPassing(response, codes) ? [passing] : codes, response, nowMs, {
    vendor: 'Meta',
    throttledMs: minutes > 0 ? minutes * 60_000 : throttledMs,
    shown: codes[0],
  });
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
  // The cursor is there on the last page too; the URL of the next page, which holds the token, is
  // not used.
  return { audiences: data, after: paging?.next === undefined ? undefined : paging.cursors?.after };
}

/** The id of the audience that was created. */
export function readCreated(response: HttpResponse, nowMs: number): string {
  if (response.status !== 200) throw metaError(response, nowMs);
  return readAnswer(response, audienceSchema.pick({ id: true })).id;
}

/**
 * Meta documents no answer to a removal from all audiences but that it may be unable to do it,
 * which is an error.
 */
export function requireForgotten(response: HttpResponse, nowMs: number): void {
  if (response.status !== 200) throw metaError(response, nowMs);
}

const usersSchema = z.object({ num_received: z.int().nonnegative(), num_invalid_entries: z.int().nonnegative() });

/**
 * Judges the answer to a batch. Meta counts what it received and what of it is invalid, and does
 * not say which rows these are: the samples are not in the order of the rows. So only a count that
 * leaves no choice is a verdict; any other asks for halves, by `invalid`, until it does or the row
 * is alone. Rows that were taken meanwhile are told again, which does no harm.
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
  // Whether an entry is a row or one value of it is not documented; as many as there are values is
  // everything.
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
