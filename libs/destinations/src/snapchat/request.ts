import { type HttpRequest, jsonRequests } from '@activation-hub/destination-kit';
import type { SnapchatSettings } from './settings.ts';
import type { SnapchatKind } from './takes.ts';

const schemas: Readonly<Record<SnapchatKind, string>> = {
  EMAIL: 'EMAIL_SHA256',
  PHONE: 'PHONE_SHA256',
  MAID: 'MOBILE_AD_ID_SHA256',
};

export type SnapchatRequests = ReturnType<typeof snapchatRequests>;

/**
 * Describes the requests to Snapchat, which calls a customer list a segment; the token is added on
 * their way.
 */
export function snapchatRequests(settings: SnapchatSettings) {
  const { adAccountId } = settings;
  const request = jsonRequests(settings);
  const segments = `/adaccounts/${adAccountId}/segments`;
  return {
    readList: (listId: string): HttpRequest => request('GET', `/segments/${listId}`),
    /** A page of the segments, the oldest first, of 1,000 at most. */
    readLists: (cursor: string | undefined): HttpRequest =>
      request('GET', segments, { query: { limit: '1000', cursor } }),
    createList: (name: string, retentionDays: number): HttpRequest =>
      request('POST', segments, {
        body: {
          segments: [
            { name, source_type: 'FIRST_PARTY', retention_in_days: retentionDays, ad_account_id: adAccountId },
          ],
        },
      }),
    changeMembers: (isExit: boolean, listId: string, kind: SnapchatKind, values: readonly string[]): HttpRequest =>
      request(isExit ? 'DELETE' : 'POST', `/segments/${listId}/users`, {
        body: { users: [{ schema: [schemas[kind]], data: values.map((value) => [value]) }] },
      }),
  };
}
