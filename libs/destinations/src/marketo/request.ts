import { encodeUrlText, type HttpRequest, jsonRequest } from '@activation-hub/destination-kit';
import type { MarketoSettings } from './settings.ts';

export type MarketoRequests = ReturnType<typeof marketoRequests>;

/** Describes the requests to Marketo; the token is added on their way. */
export function marketoRequests({ baseUrl, folder, timeoutMs }: MarketoSettings) {
  const root = `${new URL(baseUrl).origin}/rest`;
  const form = (url: string, fields: Readonly<Record<string, string>>): HttpRequest => ({
    method: 'POST',
    url,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
    timeoutMs,
  });

  return {
    readList: (listId: number): HttpRequest => jsonRequest('GET', `${root}/v1/lists/${listId}.json`, timeoutMs),
    readLists: (name: string): HttpRequest =>
      jsonRequest('GET', `${root}/v1/lists.json?name=${encodeUrlText(name)}`, timeoutMs),
    createList: (name: string): HttpRequest =>
      form(`${root}/asset/v1/staticLists.json`, { folder: JSON.stringify(folder), name }),
    /** Writes fields of persons whom `field` finds; only `createOrUpdate` may make one. */
    syncPersons: (
      action: 'createOrUpdate' | 'updateOnly',
      field: string,
      input: readonly Readonly<Record<string, unknown>>[],
    ): HttpRequest => jsonRequest('POST', `${root}/v1/leads.json`, timeoutMs, { action, lookupField: field, input }),
    /** Persons join or leave a list by the ids that Marketo has given them. */
    changeMembers: (direction: 'add' | 'remove', listId: number, ids: readonly number[]): HttpRequest => {
      const url = `${root}/v1/lists/${listId}/leads.json`;
      return jsonRequest(direction === 'add' ? 'POST' : 'DELETE', url, timeoutMs, {
        input: ids.map((id) => ({ id })),
      });
    },
  };
}
