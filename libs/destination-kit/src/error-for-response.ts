import type { HttpResponse } from './http.ts';
import { parseRetryAfter } from './retry-after.ts';
import { DestinationError, type DestinationErrorClass, type Doubt } from './verdict.ts';

/** Statuses below 500 that say more than "this request is wrong"; every other one of them is `invalid`. */
const clientStatuses: ReadonlyMap<number, readonly [DestinationErrorClass, string]> = new Map([
  [401, ['set-up', 'Check its credentials.']],
  [403, ['set-up', 'Check the permissions of its credentials.']],
  [404, ['set-up', 'Check its URL and that the target exists.']],
  [407, ['set-up', 'Check the proxy.']],
  [408, ['transient', 'It is tried again.']],
  [409, ['transient', 'It is tried again.']],
  [410, ['set-up', 'The target is gone for good: correct or remove it.']],
  [423, ['transient', 'It is tried again.']],
  [425, ['transient', 'It is tried again.']],
  [429, ['throttled', 'It is tried again when the destination allows.']],
] as const);

/**
 * What an answer outside 2xx means for the whole request, for vendors that use the statuses as HTTP defines them:
 *
 * | status | class |
 * | --- | --- |
 * | 3xx, 401, 403, 404, 407, 410, 501 | `set-up` |
 * | 408, 409, 423, 425, other 5xx | `transient` |
 * | 429, 503 with `Retry-After` | `throttled`, with `notBeforeMs` where the answer has a `Retry-After` |
 * | any other 4xx | `invalid` |
 *
 * After 5xx other than 501 there is doubt, for what failed may have been done in part; after 408, 502 and 504 the request
 * may still be under way behind the gateway that answered. A status below 300, which is no failure, gives `fatal`. The
 * message holds the status and nothing else of the answer.
 */
export function errorForResponse(response: HttpResponse, nowMs: number): DestinationError {
  const { status } = response;
  const notBeforeMs = parseRetryAfter(response.headers['retry-after'], nowMs);
  const [errorClass, advice] = classify(status, notBeforeMs !== undefined);
  return new DestinationError(errorClass, `Failed to deliver: the destination answered ${status}. ${advice}`, {
    doubt: doubtAfter(status),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
  });
}

function doubtAfter(status: number): Doubt | undefined {
  if (status === 408 || status === 502 || status === 504) return 'unanswered';
  return status >= 500 && status !== 501 ? 'answered' : undefined;
}

function classify(status: number, saysWhen: boolean): readonly [DestinationErrorClass, string] {
  if (status < 300) return ['fatal', 'That is no failure: this is a defect of the connector.'];
  if (status < 400) return ['set-up', 'Redirects are not followed: set the URL to which it redirects.'];
  if (status === 501) return ['set-up', 'Check its URL: what is there does not take this kind of request.'];
  if (status === 503 && saysWhen) return ['throttled', 'It is tried again when the destination allows.'];
  if (status >= 500) return ['transient', 'It is tried again.'];
  return clientStatuses.get(status) ?? ['invalid', 'Compare the request with what the destination expects.'];
}
