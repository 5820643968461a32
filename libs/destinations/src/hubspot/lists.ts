import { type Choice, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import { contactType, type HubspotRequests } from './request.ts';
import { type HubspotList, hubspotError, readList } from './response.ts';
import type { HubspotOptions } from './settings.ts';

/** The lists that options name, each by its id. */
export type HubspotLists = NamedLists<HubspotOptions, HubspotList, string>;

export function hubspotLists(http: HttpSender, requests: HubspotRequests, now: () => number): HubspotLists {
  const find = async (options: HubspotOptions, signal: AbortSignal): Promise<readonly HubspotList[]> => {
    const list = readList(await http.send(requests.findList(options), signal), now());
    return list === undefined ? [] : [list];
  };
  return new NamedLists({
    find,
    mayCreate: ({ createList }) => createList,
    create: async (options, signal) => {
      const response = await http.send(requests.createList(options.list ?? ''), signal);
      // Names are unique, so a refusal may mean that another worker created it a moment ago.
      const isRefused = response.status === 400 || response.status === 409;
      const created = isRefused ? undefined : readList(response, now());
      const found = created === undefined ? await find(options, signal) : [created];
      if (found.length === 0) throw hubspotError(response, now());
      return found;
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
