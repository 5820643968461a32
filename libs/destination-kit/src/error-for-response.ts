import type { HttpResponse } from './http-message.ts';
import { parseRetryAfter } from './retry-after.ts';
import { DestinationError, type DestinationErrorClass, type Doubt } from './verdict.ts';

const wrongKind = 'Check its URL: what is there does not take this kind of request.';

/**
 * Statuses that say more than "this request is wrong" or "the server failed" (RFC 9110, section 15,
 * and RFC 6585): whatever is in a request, the same comes of it, so that no row is at fault.
 */
const tellingStatuses: ReadonlyMap<number, readonly [DestinationErrorClass, string]> = new Map([
  [401, ['set-up', 'Check its credentials.']],
  [402, ['set-up', 'Check that its account is paid for.']],
  [403, ['set-up', 'Check the permissions of its credentials.']],
  [404, ['set-up', 'Check its URL and that the target exists.']],
  [405, ['set-up', wrongKind]],
  [406, ['set-up', wrongKind]],
  [407, ['set-up', 'Check the proxy.']],
  [408, ['transient', 'It is tried again.']],
  [409, ['transient', 'It is tried again.']],
  [410, ['set-up', 'The target is gone for good: correct or remove it.']],
  [411, ['set-up', wrongKind]],
  [415, ['set-up', wrongKind]],
  [417, ['set-up', wrongKind]],
  [421, ['transient', 'It is tried again.']],
  [423, ['transient', 'It is tried again.']],
  [425, ['transient', 'It is tried again.']],
  [426, ['set-up', wrongKind]],
  [428, ['set-up', wrongKind]],
  [429, ['throttled', 'It is tried again when the destination allows.']],
  [451, ['set-up', 'It may not take this by law: look into its account.']],
  [501, ['set-up', wrongKind]],
  [505, ['set-up', wrongKind]],
  [511, ['set-up', 'A network on the way wants a sign-in.']],
] as const);

/**
 * What an answer outside 2xx means for the whole request, for vendors that use the statuses as HTTP
 * defines them:
 *
 * | status | class |
 * | --- | --- |
 * | 3xx, 401 to 407, 410, 411, 415, 417, 426, 428, 451, 501, 505, 511 | `set-up` |
 * | 408, 409, 421, 423, 425, other 5xx | `transient` |
 * | 429, 503 with `Retry-After` | `throttled`, with `notBeforeMs` where the answer has a `Retry-After` |
 * | any other 4xx | `invalid` |
 *
 * After 5xx that is no `set-up` there is doubt, for what failed may have been done in part; after
 * 408, 502 and 504, and 522 and 524 of Cloudflare, the request may still be under way behind the
 * gateway that answered. A status below 300, which is no failure, gives `fatal`. The message holds
 * the status and nothing else of the answer.
 */
export function errorForResponse(response: HttpResponse, nowMs: number): DestinationError {
  const { status } = response;
  const notBeforeMs = parseRetryAfter(response.headers['retry-after'], nowMs);
  const [errorClass, advice] = classOfStatus(status, notBeforeMs !== undefined);
  const doubt = errorClass === 'set-up' ? undefined : doubtAfter(status);
  return new DestinationError(errorClass, `Failed to deliver: the destination answered ${status}. ${advice}`, {
    doubt,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
  });
}

/**
 * Of answers of gateways that wait no longer for the server behind them; 522 and 524 as
 * developers.cloudflare.com/support/troubleshooting/http-status-codes has them.
 */
const unanswered = new Set([408, 502, 504, 522, 524]);

function doubtAfter(status: number): Doubt | undefined {
  if (unanswered.has(status)) return 'unanswered';
  return status >= 500 ? 'answered' : undefined;
}

/**
 * The class of a status, and what to do about it. `saysWhen` tells whether the answer has a
 * `Retry-After`.
 */
export function classOfStatus(status: number, saysWhen: boolean): readonly [DestinationErrorClass, string] {
  if (status < 300) return ['fatal', 'That is no failure: this is a defect of the connector.'];
  if (status < 400) return ['set-up', 'Redirects are not followed: set the URL to which it redirects.'];
  if (status === 503 && saysWhen) return ['throttled', 'It is tried again when the destination allows.'];
  const telling = tellingStatuses.get(status);
  if (telling !== undefined) return telling;
  if (status >= 500) return ['transient', 'It is tried again.'];
  return ['invalid', 'Compare the request with what the destination expects.'];
}
