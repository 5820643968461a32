import { z } from 'zod';
import {
  DestinationError,
  errorFor,
  errorOfAnswer,
  type HttpResponse,
  readAnswer,
  type ReasonGuard,
  type Verdict,
} from '@activation-hub/destination-kit';
import { googleErrors } from './errors.ts';

/**
 * Where a 429 says nothing else: the window of the quota per minute, and an hour of the daily one.
 */
const minuteMs = 60_000;
const dailyMs = 3_600_000;

const errorSchema = z.object({
  error: z.object({
    status: z.string(),
    details: z
      .array(
        z.object({
          reason: z.string().optional(),
          metadata: z.record(z.string(), z.string()).optional(),
          fieldViolations: z.array(z.object({ field: z.string(), reason: z.string().optional() })).optional(),
        }),
      )
      .default([]),
  }),
});

interface RpcError {
  readonly status: string;
  /** Of the error and of its fields. */
  readonly reasons: readonly string[];
  readonly quotaLimit: string;
  readonly violations: readonly { readonly field: string; readonly reason?: string | undefined }[];
}

/** The error in an answer; undefined when it has none in Google's form. */
function rpcErrorIn(body: string): RpcError | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  const error = errorSchema.safeParse(parsed).data?.error;
  if (error === undefined) return undefined;
  const violations = error.details.flatMap(({ fieldViolations = [] }) => fieldViolations);
  const reasons = [...error.details, ...violations].flatMap(({ reason = '' }) =>
    /^[A-Z0-9_]+$/.test(reason) ? [reason] : [],
  );
  const quotaLimit = error.details.map(({ metadata }) => metadata?.quota_limit ?? '').join();
  return { status: error.status, reasons, quotaLimit, violations };
}

/**
 * What an answer outside 2xx means for the whole request. A reason that is of the account decides,
 * then a field that is no audience member's (`destinations`, `consent`, `encoding`): it is the same
 * for all that are told by these settings. Else the status does. The message holds Google's code
 * and reason and nothing else.
 */
export function googleError(response: HttpResponse, nowMs: number): DestinationError {
  const error = rpcErrorIn(response.body);
  const { status = '', reasons = [], quotaLimit = '', violations = [] } = error ?? {};
  const known = googleErrors.has(status) ? [status] : [];
  const ofAccount = error === undefined ? undefined : accountReason(error);
  const shown = [...known, ...[ofAccount ?? reasons[0] ?? []].flat()].join(', ');
  const ofRequest = reasons.find((reason) => googleErrors.get(reason)?.means === 'invalid');
  const isOfAll = ({ field }: { readonly field: string }) => !/audience_?members/i.test(field);
  if (ofAccount === undefined && ofRequest === undefined && status === 'INVALID_ARGUMENT' && violations.some(isOfAll)) {
    const advice = 'Check the account, the user list and the options: Google refuses every person.';
    return errorFor({ means: 'set-up', advice }, `Google answered ${response.status}, ${shown}`);
  }
  return errorOfAnswer(googleErrors, [ofAccount ?? ofRequest ?? status], response, nowMs, {
    vendor: 'Google',
    throttledMs: /PerDay/i.test(quotaLimit) ? dailyMs : minuteMs,
    shown: shown === '' ? undefined : shown,
  });
}

/** The reason of an error that is of the account, and not of a person. */
const accountReason = ({ reasons }: RpcError): string | undefined =>
  reasons.find((reason) => googleErrors.get(reason)?.means === 'set-up');

/**
 * The rows that Google refuses, by their place in the request, with the reasons: only when that is
 * all that is wrong, and every place is one of the request. Nothing of the request was taken then.
 * Undefined for any other answer.
 */
export function refusedRows(
  response: HttpResponse,
  rowCount: number,
): ReadonlyMap<number, string | undefined> | undefined {
  const error = response.status === 400 ? rpcErrorIn(response.body) : undefined;
  if (error === undefined || error.violations.length === 0 || accountReason(error) !== undefined) return undefined;
  const refused = new Map<number, string | undefined>();
  for (const { field, reason } of error.violations) {
    // Published paths name a list twice and in snake case: `events.events[0].user_data`.
    const [, place] =
      /^(?:(?:audience_members|audienceMembers)\.)?(?:audience_members|audienceMembers)\[(\d+)\]/.exec(field) ?? [];
    if (place === undefined || Number(place) >= rowCount) return undefined;
    refused.set(Number(place), reason);
  }
  return refused;
}

const acceptedSchema = z.object({ requestId: z.string().regex(/^[\x21-\x7e]{1,200}$/) });

/** The id of a request that was accepted. */
export function readRequestId(response: HttpResponse, nowMs: number): string {
  if (response.status !== 200) throw googleError(response, nowMs);
  return readAnswer(response, acceptedSchema).requestId;
}

const statusSchema = z.object({
  requestStatusPerDestination: z
    .array(
      z.object({
        requestStatus: z.string(),
        errorInfo: z.object({ errorCounts: z.array(z.object({ reason: z.string() })).default([]) }).optional(),
      }),
    )
    .length(1),
});

const failedInside = 'PROCESSING_ERROR_REASON_INTERNAL_ERROR';

/** What Google says of a request that it accepted. */
export interface RequestStatus {
  readonly requestStatus: string;
  /** Why some failed. */
  readonly reasons: readonly string[];
}

/** Reads the status of a request; `undefined` when Google does not know the request any more. */
export function readStatus(response: HttpResponse, nowMs: number): RequestStatus | undefined {
  if (rpcErrorIn(response.body)?.reasons.includes('INVALID_REQUEST_ID') === true) return undefined;
  if (response.status !== 200) throw statusError(response, nowMs);
  const [status] = readAnswer(response, statusSchema).requestStatusPerDestination;
  const counts = status?.errorInfo?.errorCounts ?? [];
  return { requestStatus: status?.requestStatus ?? '', reasons: counts.map(({ reason }) => reason) };
}

/** A question that Google does not understand is our defect, and says nothing of the changes. */
function statusError(response: HttpResponse, nowMs: number): DestinationError {
  const error = googleError(response, nowMs);
  return error.class === 'invalid' ? new DestinationError('fatal', error.message) : error;
}

/**
 * Judges the status of a request that was accepted, for those of its changes that are still open.
 * Google counts what failed and names no row: where a part failed the others are told anew in
 * halves, by `invalid`, and one alone is told alone.
 */
export function judgeStatus(
  status: RequestStatus | undefined,
  ids: readonly string[],
  accepted: { readonly receipt: string; readonly askAtMs: number },
  guard: ReasonGuard,
): Verdict[] {
  const again = (reason: string): Verdict[] => ids.map((id) => ({ id, status: 'retry', reason, doubt: 'answered' }));
  if (status === undefined) return again('Google does not know the request any more');
  const { requestStatus, reasons } = status;
  switch (requestStatus) {
    case 'SUCCESS':
      return ids.map((id) => ({ id, status: 'delivered' }));
    case 'PARTIAL_SUCCESS':
      if (ids.length === 1 || reasons.every((reason) => reason === failedInside)) {
        return again('Google has taken a part of the request');
      }
      throw new DestinationError(
        'invalid',
        'Failed to deliver: Google has taken a part of the request, and does not say which. All of it is told anew in halves.',
        { doubt: 'answered' },
      );
    case 'FAILED':
    case 'FAILURE': {
      const [reason] = reasons;
      if (reason === undefined || reasons.includes(failedInside)) return again('Google failed to process the request');
      if (reasons.some((each) => each.endsWith('_CONSENT')))
        return again('Google misses the consent. Check the options.');
      if (reasons.some((each) => googleErrors.get(each)?.means === 'retry'))
        return again(`Google failed to process the request, ${guard(reason, 'and does not say why')}`);
      const isUnknown = reasons.every((each) => googleErrors.get(each)?.means === 'not-found');
      const status = isUnknown ? 'not-found' : 'rejected';
      return ids.map((id) => ({ id, status, reason: guard(reason, 'Google refuses this person') }));
    }
    default:
      return ids.map((id) => ({ id, status: 'accepted', ...accepted }));
  }
}

const userListSchema = z.object({
  id: z.coerce.string().optional(),
  membershipStatus: z.string().optional(),
  /** Seconds, such as `46656000s`. */
  membershipDuration: z
    .string()
    .regex(/^\d+(\.\d+)?s$/)
    .optional(),
  readOnly: z.boolean().default(false),
  accountAccessStatus: z.string().optional(),
  ingestedUserListInfo: z.object({ uploadKeyTypes: z.array(z.string()).default([]) }).optional(),
});

export type GoogleUserList = z.output<typeof userListSchema>;

/** Gives the user list, or `undefined` when Google says that there is none. */
export function readUserList(response: HttpResponse, nowMs: number): GoogleUserList | undefined {
  if (response.status === 404) return undefined;
  if (response.status !== 200) throw googleError(response, nowMs);
  return readAnswer(response, userListSchema);
}

/** The user lists that were found by their name. */
export function readUserLists(response: HttpResponse, nowMs: number): readonly GoogleUserList[] {
  if (response.status !== 200) throw googleError(response, nowMs);
  return readAnswer(response, z.object({ userLists: z.array(userListSchema).default([]) })).userLists;
}

/** The user list that was created. */
export function readCreatedList(response: HttpResponse, nowMs: number): GoogleUserList {
  if (response.status !== 200) throw googleError(response, nowMs);
  return readAnswer(response, userListSchema.required({ id: true }));
}
