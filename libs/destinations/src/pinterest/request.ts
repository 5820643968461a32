import { createHash } from 'node:crypto';
import { type HttpRequest, jsonRequest } from '@activation-hub/destination-kit';
import type { PinterestSettings } from './settings.ts';

/**
 * Pinterest makes no list without a record. No person has an address of the domain `invalid` (RFC
 * 2606, section 2), so this one matches no person.
 */
const nobody = createHash('sha256').update('nobody@activation-hub.invalid').digest('hex');

/** The most that a page has. */
const pageSize = '250';

export type PinterestRequests = ReturnType<typeof pinterestRequests>;

/** Describes the requests to Pinterest; the token is added on their way. */
export function pinterestRequests({ baseUrl, adAccountId, timeoutMs }: PinterestSettings) {
  const account = `${baseUrl.replace(/\/+$/, '')}/ad_accounts/${adAccountId}`;
  const lists = `${account}/customer_lists`;

  return {
    readList: (listId: string): HttpRequest => jsonRequest('GET', `${lists}/${listId}`, timeoutMs),
    /** A page of the lists, the oldest first; `bookmark` is what the page before ended with. */
    readLists: (bookmark: string | undefined): HttpRequest => {
      const query = { page_size: pageSize, order: 'ASCENDING', ...(bookmark !== undefined && { bookmark }) };
      return jsonRequest('GET', `${lists}?${new URLSearchParams(query).toString()}`, timeoutMs);
    },
    createList: (name: string): HttpRequest =>
      jsonRequest('POST', lists, timeoutMs, { name, list_type: 'EMAIL', records: nobody }),
    /** A page of the audiences that customer lists are, the oldest first. */
    readAudiences: (bookmark: string | undefined): HttpRequest => {
      const query = { page_size: pageSize, order: 'ASCENDING', ...(bookmark !== undefined && { bookmark }) };
      return jsonRequest('GET', `${account}/audiences?${new URLSearchParams(query).toString()}`, timeoutMs);
    },
    /** Ads use a list as an audience. */
    createAudience: (name: string, listId: string): HttpRequest =>
      jsonRequest('POST', `${account}/audiences`, timeoutMs, {
        name,
        audience_type: 'CUSTOMER_LIST',
        rule: { customer_list_id: listId },
      }),
    changeMembers: (listId: string, operation: 'ADD' | 'REMOVE', records: readonly string[]): HttpRequest =>
      jsonRequest('PATCH', `${lists}/${listId}`, timeoutMs, {
        operation_type: operation,
        records: records.join(','),
      }),
  };
}
