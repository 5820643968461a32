import type { VendorResponse } from '@activation-hub/destination-kit/testing';

export const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json; odata.metadata=minimal' },
  body: JSON.stringify(body),
});

export const failed = (status: number, code: string, about = ''): VendorResponse =>
  json(status, { error: { code, message: `A value is not valid: ${about}` } });

/**
 * An error of the account: a status without a code, service protection by 429, the application
 * itself by 401, its privileges by 403, and what is not there.
 */
export function documented(code: string): VendorResponse {
  if (/^\d{3}$/.test(code)) return failed(Number(code), '');
  if (code.startsWith('0x800723')) return failed(429, code);
  if (code === '0x8006088a') return failed(404, code);
  if (code === '0x80060888') return failed(400, code);
  return failed(/^0x8007255|^0x8005f/.test(code) ? 401 : 403, code);
}

/**
 * What an environment says of its actions; `parameter` is that of RemoveMemberList, `null` where
 * there is no such action.
 */
export function metadata(parameter: string | null): string {
  const entity = (name: string) => `<Parameter Name="entity" Type="mscrm.${name}" Nullable="false" />`;
  const add = `<Action Name="AddMemberList" IsBound="true">${entity('list')}<Parameter Name="EntityId" Type="Edm.Guid" /></Action>`;
  const remove =
    parameter === null
      ? ''
      : `<Action Name="RemoveMemberList" IsBound="true">${entity('list')}<Parameter Name="${parameter}" /></Action>`;
  // Larger than what an ordinary answer may be, as the real one is.
  const others = '<EntityType Name="other" />'.repeat(60_000);
  return `<?xml version="1.0"?><edmx:Edmx><Schema>${others}${add}${remove}</Schema></edmx:Edmx>`;
}
