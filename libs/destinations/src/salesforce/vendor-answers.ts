import { z } from 'zod';
import type { VendorRequest, VendorResponse } from '@activation-hub/destination-kit/testing';

const record = z
  .object({ attributes: z.strictObject({ type: z.string() }), id: z.string().optional() })
  .catchall(z.json());
/** Records of a request of the collections API. */
export const collection = z.strictObject({ allOrNone: z.literal(false), records: z.array(record).min(1).max(200) });
/** The result of a refused record. */
export const refusal = (statusCode: string, message = statusCode) => ({
  success: false,
  errors: [{ statusCode, message, fields: [] }],
});

/** Errors of the whole request come with a status, those of a StatusCode for every record of it. */
export function documented(code: string, { method, url, body }: VendorRequest): VendorResponse {
  const ofWhole = new Map([
    ['INVALID_SESSION_ID', 401],
    ['API_DISABLED_FOR_ORG', 403],
    ['REQUEST_LIMIT_EXCEEDED', 403],
    ['INSUFFICIENT_ACCESS', 403],
    ['INVALID_FIELD', 400],
    ['INVALID_TYPE', 400],
  ]).get(code);
  if (ofWhole !== undefined) return failed(ofWhole, code);
  const ids = /\?ids=([^&]+)/.exec(url)?.[1]?.split(',') ?? [];
  const count = method === 'DELETE' ? ids.length : collection.parse(parse(body)).records.length;
  return json(
    200,
    Array.from({ length: count }, () => refusal(code)),
  );
}

export const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json;charset=UTF-8' },
  body: JSON.stringify(body),
});

export const failed = (status: number, errorCode: string): VendorResponse =>
  json(status, [{ message: 'refused', errorCode }]);

/** JSON, or undefined. */
export function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * Whether a request for a token is of client credentials, or has an assertion with what Salesforce
 * wants in it.
 */
export function maySignIn(body: string): boolean {
  const form = new URLSearchParams(body);
  if (form.get('grant_type') === 'client_credentials') return true;
  const claims = Buffer.from(form.get('assertion')?.split('.')[1] ?? '', 'base64url').toString();
  const isBearer = form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  return isBearer && /"iss":.*"sub":.*"aud":.*"exp":/.test(claims);
}

/** The fields of an object; larger than what an ordinary answer may be, as the real one is. */
export function describe(externalIds: readonly string[]): VendorResponse {
  const standard = ['Id', 'FirstName', 'Email'].map((name) => ({ name, externalId: false }));
  const others = Array.from({ length: 20_000 }, (_, index) => ({ name: `Field_${index}__c`, label: 'x'.repeat(40) }));
  return json(200, { fields: [...standard, ...externalIds.map((name) => ({ name, externalId: true })), ...others] });
}
