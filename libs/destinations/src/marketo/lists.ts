import { type Choice, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { MarketoRequests } from './request.ts';
import { type MarketoList, readLists } from './response.ts';
import type { MarketoOptions, MarketoSettings } from './settings.ts';

/** The static lists that options name, each by its id. */
export function marketoLists(
  http: HttpSender,
  requests: MarketoRequests,
  { folder }: MarketoSettings,
  now: () => number,
): NamedLists<MarketoOptions, MarketoList, number> {
  const find = async ({ list = '', listId }: MarketoOptions, signal: AbortSignal): Promise<readonly MarketoList[]> => {
    const request = listId === undefined ? requests.readLists(list) : requests.readList(listId);
    const found = readLists(await http.send(request, signal), now());
    return found.filter(({ id, name }) => (listId === undefined ? name === list : id === listId));
  };
  return new NamedLists({
    find,
    mayCreate: ({ createList }) => createList && folder !== undefined,
    create: async ({ list = '' }, signal) => readLists(await http.send(requests.createList(list), signal), now()),
    choose,
    flaw: (found, { list = '' }) =>
      found.length < 2
        ? undefined
        : `Marketo has ${found.length} static lists named ${JSON.stringify(list)}: the oldest is used. Write the listId.`,
  });
}

/**
 * A name is of one list in a program, and may be of several in all: the one with the lowest id is
 * the oldest.
 */
function choose(found: readonly MarketoList[], { list, listId }: MarketoOptions): Choice<number> {
  const [first] = found.toSorted((left, right) => left.id - right.id);
  if (first !== undefined) return { use: first.id };
  const named = list === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(list);
  return {
    refuse: `Failed to find the static list ${named}. Create it, or let the options create it by name (createList: true) in the folder of the settings.`,
  };
}
