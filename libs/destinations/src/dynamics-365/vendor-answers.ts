import type { VendorResponse } from '@activation-hub/destination-kit/testing';

export const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json; odata.metadata=minimal' },
  body: JSON.stringify(body),
});

export const failed = (status: number, code: string, about = ''): VendorResponse =>
  json(status, { error: { code, message: `A value is not valid: ${about}` } });

/** An error of the account: service protection by 429, the application itself by 401, its privileges by 403. */
export function documented(code: string): VendorResponse {
  if (code.startsWith('0x800723')) return failed(429, code);
  return failed(/^0x8007255|^0x8005f/.test(code) ? 401 : 403, code);
}
