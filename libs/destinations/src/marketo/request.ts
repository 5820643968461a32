import { encodeUrlText, type HttpRequest, jsonRequests } from '@activation-hub/destination-kit';
import type { MarketoSettings } from './settings.ts';

export type MarketoRequests = ReturnType<typeof marketoRequests>;

/** Describes the requests to Marketo; the token is added on their way. */
export function marketoRequests({ baseUrl, folder, timeoutMs }: MarketoSettings) {
  const request = jsonRequests({ baseUrl: new URL(baseUrl).origin, timeoutMs }, '/rest');
  return {
    readList: (listId: number): HttpRequest => request('GET', `/v1/lists/${listId}.json`),
    readLists: (name: string): HttpRequest => request('GET', `/v1/lists.json?name=${encodeUrlText(name)}`),
    /** Assets are made by forms. */
    createList: (name: string): HttpRequest => ({
      ...request('POST', '/asset/v1/staticLists.json', {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
      body: new URLSearchParams({ folder: JSON.stringify(folder), name }).toString(),
    }),
    /** Writes fields of persons whom `field` finds; only `createOrUpdate` may make one. */
    syncPersons: (
      action: 'createOrUpdate' | 'updateOnly',
      field: string,
      input: readonly Readonly<Record<string, unknown>>[],
    ): HttpRequest => request('POST', '/v1/leads.json', { body: { action, lookupField: field, input } }),
    /** Persons join or leave a list by the ids that Marketo has given them. */
    changeMembers: (isExit: boolean, listId: number, ids: readonly number[]): HttpRequest =>
      request(isExit ? 'DELETE' : 'POST', `/v1/lists/${listId}/leads.json`, {
        body: { input: ids.map((id) => ({ id })) },
      }),
  };
}
