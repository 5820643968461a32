import { createHash } from 'node:crypto';
import { type HttpRequest, jsonRequests } from '@activation-hub/destination-kit';
import type { PinterestSettings } from './settings.ts';

/**
 * Pinterest makes no list without a record. No person has an address of the domain `invalid` (RFC
 * 2606, section 2), so this one matches no person.
 */
const nobody = createHash('sha256').update('nobody@activation-hub.invalid').digest('hex');

/** The most that a page has, and the oldest first. */
const paged = { page_size: '250', order: 'ASCENDING' };

export type PinterestRequests = ReturnType<typeof pinterestRequests>;

/** Describes the requests to Pinterest; the token is added on their way. */
export function pinterestRequests(settings: PinterestSettings) {
  const request = jsonRequests(settings, `/ad_accounts/${settings.adAccountId}`);
  return {
    readList: (listId: string): HttpRequest => request('GET', `/customer_lists/${listId}`),
    /** A page of the lists; `bookmark` is what the page before ended with. */
    readLists: (bookmark: string | undefined): HttpRequest =>
      request('GET', '/customer_lists', { query: { ...paged, bookmark } }),
    createList: (name: string): HttpRequest =>
      request('POST', '/customer_lists', { body: { name, list_type: 'EMAIL', records: nobody } }),
    /** A page of the audiences that customer lists are. */
    readAudiences: (bookmark: string | undefined): HttpRequest =>
      request('GET', '/audiences', { query: { ...paged, bookmark } }),
    /** Ads use a list as an audience. */
    createAudience: (name: string, listId: string): HttpRequest =>
      request('POST', '/audiences', {
        body: { name, audience_type: 'CUSTOMER_LIST', rule: { customer_list_id: listId } },
      }),
    changeMembers: (listId: string, operation: 'ADD' | 'REMOVE', records: readonly string[]): HttpRequest =>
      request('PATCH', `/customer_lists/${listId}`, {
        body: { operation_type: operation, records: records.join(',') },
      }),
  };
}
