import type { VendorResponse } from '@activation-hub/destination-kit/testing';

export const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/**
 * An error of the account: by a code of `google.rpc`, or by a reason that names a part of the
 * destination.
 */
export function documented(code: string): VendorResponse {
  const statuses = new Map(Object.entries(httpStatuses));
  const status = statuses.get(code);
  if (status !== undefined) return failed(status, code);
  return failed(400, 'INVALID_ARGUMENT', [{ field: 'destinations[0].login_account.account_id', reason: code }]);
}

/** As google/rpc/code.proto maps them. */
const httpStatuses = {
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  FAILED_PRECONDITION: 400,
  RESOURCE_EXHAUSTED: 429,
};

export function failed(
  code: number,
  status: string,
  violations: readonly { readonly field: string; readonly reason: string }[] = [],
  echo = '',
): VendorResponse {
  const fieldViolations = violations.map((violation) => ({ ...violation, description: `invalid value ${echo}` }));
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    ...(violations[0] !== undefined && { reason: violations[0].reason }),
    domain: 'datamanager.googleapis.com',
    metadata: { requestId: 'request-0' },
  };
  const bad = { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations };
  const details = fieldViolations.length > 0 ? [info, bad] : [info];
  return json(code, { error: { code, message: `There was a problem with the request. ${echo}`, status, details } });
}

/** JSON, or undefined. */
export function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
