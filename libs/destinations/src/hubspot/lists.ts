import { type Choice, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import { contactType, type HubspotRequests } from './request.ts';
import { type HubspotList, hubspotError, readList } from './response.ts';
import type { HubspotOptions } from './settings.ts';

/** The lists that options name, each by its id. */
export type HubspotLists = NamedLists<HubspotOptions, HubspotList, string>;

export function hubspotLists(http: HttpSender, requests: HubspotRequests, now: () => number): HubspotLists {
  return new NamedLists({
    find: async (options, signal) => {
      const list = readList(await http.send(requests.findList(options), signal), now());
      return list === undefined ? [] : [list];
    },
    mayCreate: ({ createList }) => createList,
    create: async ({ list = '' }, signal) => {
      const response = await http.send(requests.createList(list), signal);
      const created = readList(response, now());
      if (created === undefined) throw hubspotError(response, now());
      return [created];
    },
    choose,
  });
}

function choose([list]: readonly HubspotList[], { list: name, listId }: HubspotOptions): Choice<string> {
  const named = name === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(name);
  if (list === undefined) {
    return {
      refuse: `Failed to find the HubSpot list ${named}. Create it, or let the options create it by name (createList: true).`,
    };
  }
  const cannot = (why: string) => ({ refuse: `Failed to use the HubSpot list ${named}: ${why}` });
  if (list.objectTypeId !== contactType) return cannot('it does not hold contacts. Name a list of contacts.');
  if (list.processingType === 'DYNAMIC') {
    return cannot('HubSpot decides its members. Name a static (manual) list.');
  }
  return { use: list.listId };
}
