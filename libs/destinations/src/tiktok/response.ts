import { z } from 'zod';
import {
  codesIn,
  DestinationError,
  errorFor,
  errorForResponse,
  type HttpResponse,
  readAnswer,
} from '@activation-hub/destination-kit';
import { tiktokErrors } from './errors.ts';

/**
 * After a limit of a minute TikTok asks for five minutes ("Rate limits"); it does not say in an
 * answer which limit it was.
 */
const throttledMs = 300_000;

const envelope = z.object({ code: z.int() });

/**
 * What an answer means that is no success. TikTok answers 200 to nearly everything, and its `code`
 * comes before the status ("HTTP status codes"): 4xxxx is of the request, 5xxxx of the service. The
 * message holds the code and nothing else of the answer.
 */
export function tiktokError(response: HttpResponse, nowMs: number): DestinationError {
  const byStatus = errorForResponse(response, nowMs);
  const [code] = codesIn(response, envelope, (answer) => [String(answer.code)]);
  if (code === undefined || code === '0') return byStatus;
  const family = code.startsWith('4') ? ({ means: 'invalid' } as const) : ({ means: 'transient' } as const);
  const documented = tiktokErrors.get(code) ?? family;
  const notBeforeMs = byStatus.notBeforeMs ?? (documented.means === 'throttled' ? nowMs + throttledMs : undefined);
  // A service that failed, or took a part, may have done what it was told.
  const doubt = documented.means === 'transient' || code === partly ? 'answered' : undefined;
  return errorFor(documented, `TikTok answered ${response.status} with the code ${code}`, { notBeforeMs, doubt });
}

/** "Partially successful", of which TikTok names no rows. */
const partly = '20001';

/** Whether TikTok refuses the request, which may be for the audience that it names. */
export function isRefusal(response: HttpResponse, nowMs: number): boolean {
  const codes = codesIn(response, envelope, ({ code }) => [String(code)]);
  if (response.status === 200 && !codes.some((code) => code !== '0' && code !== partly)) return false;
  return ['invalid', 'set-up'].includes(tiktokError(response, nowMs).class);
}

/** TikTok judges a request as a whole: all of it was taken, or this throws `DestinationError`. */
export function requireTaken(response: HttpResponse, nowMs: number): void {
  if (response.status !== 200 || readAnswer(response, envelope).code !== 0) throw tiktokError(response, nowMs);
}

const audience = z
  .object({ audience_id: z.string().regex(/^\d+$/), name: z.string(), is_expired: z.boolean().default(false) })
  .transform(({ audience_id: id, name, is_expired: isExpired }) => ({ id, name, isExpired }));
export type TiktokAudience = z.output<typeof audience>;

const page = z.object({
  data: z.object({ list: z.array(audience), page_info: z.object({ total_page: z.int().nonnegative() }) }),
});

/** A page of audiences, and how many pages there are. */
export function readAudiences(response: HttpResponse, nowMs: number) {
  requireTaken(response, nowMs);
  const { list, page_info: about } = readAnswer(response, page).data;
  return { list, pages: about.total_page };
}

/** The id of the audience that was created. */
export function readCreated(response: HttpResponse, nowMs: number): string {
  requireTaken(response, nowMs);
  return readAnswer(response, z.object({ data: z.object({ audience_id: z.string().regex(/^\d+$/) }) })).data
    .audience_id;
}
