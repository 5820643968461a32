import { type HttpRequest, jsonRequest } from '@activation-hub/destination-kit';
import type { SnapchatSettings } from './settings.ts';
import type { Identifier } from './takes.ts';

/** The most segments that a page has. */
const pageSize = '1000';

const schemas: Readonly<Record<Identifier, string>> = {
  EMAIL: 'EMAIL_SHA256',
  PHONE: 'PHONE_SHA256',
  MAID: 'MOBILE_AD_ID_SHA256',
};

export type SnapchatRequests = ReturnType<typeof snapchatRequests>;

/**
 * Describes the requests to Snapchat, which calls a customer list a segment; the token is added on
 * their way.
 */
export function snapchatRequests({ baseUrl, adAccountId, timeoutMs }: SnapchatSettings) {
  const root = baseUrl.replace(/\/+$/, '');
  const segments = `${root}/adaccounts/${adAccountId}/segments`;

  return {
    readList: (listId: string): HttpRequest => jsonRequest('GET', `${root}/segments/${listId}`, timeoutMs),
    /**
     * A page of the segments, the oldest first; `cursor` is that of the link that the page before
     * ended with.
     */
    readLists: (cursor: string | undefined): HttpRequest => {
      const query = new URLSearchParams({ limit: pageSize, ...(cursor !== undefined && { cursor }) });
      return jsonRequest('GET', `${segments}?${query.toString()}`, timeoutMs);
    },
    createList: (name: string, retentionDays: number): HttpRequest =>
      jsonRequest('POST', segments, timeoutMs, {
        segments: [{ name, source_type: 'FIRST_PARTY', retention_in_days: retentionDays, ad_account_id: adAccountId }],
      }),
    changeMembers: (
      direction: 'add' | 'remove',
      listId: string,
      identifier: Identifier,
      values: readonly string[],
    ): HttpRequest =>
      jsonRequest(direction === 'add' ? 'POST' : 'DELETE', `${root}/segments/${listId}/users`, timeoutMs, {
        users: [{ schema: [schemas[identifier]], data: values.map((value) => [value]) }],
      }),
  };
}
