import { type Choice, DestinationError, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { PinterestRequests } from './request.ts';
import { type PinterestList, readCreated, readList, readLists, requireAudience } from './response.ts';
import type { PinterestOptions } from './settings.ts';

/** Pages that are looked through for a name; with 250 lists on each. */
const pagesMax = 20;

/** The customer lists that options name, each by its id. */
export function pinterestLists(
  http: HttpSender,
  requests: PinterestRequests,
  now: () => number,
): NamedLists<PinterestOptions, PinterestList, string> {
  const find = async ({ list: name, listId }: PinterestOptions, signal: AbortSignal): Promise<PinterestList[]> => {
    if (listId !== undefined) {
      const list = readList(await http.send(requests.readList(listId), signal), now());
      return list === undefined ? [] : [list];
    }
    const found: PinterestList[] = [];
    let bookmark: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const answer = readLists(await http.send(requests.readLists(bookmark), signal), now());
      found.push(...answer.lists.filter((list) => list.name === name));
      bookmark = answer.bookmark;
      if (bookmark === undefined) return found;
    }
    const why = `Failed to look for the customer list ${JSON.stringify(name)}: there are too many. Name it by listId.`;
    throw new DestinationError('set-up', why);
  };
  return new NamedLists({
    find,
    mayCreate: ({ createList }) => createList,
    create: async ({ list = '' }, signal) => {
      const created = readCreated(await http.send(requests.createList(list), signal), now());
      requireAudience(await http.send(requests.createAudience(list, created.id), signal), now());
      return [created];
    },
    choose,
    flaw: (found, { list = '' }) =>
      found.length < 2
        ? undefined
        : `Pinterest has ${found.length} customer lists named ${JSON.stringify(list)}: the oldest is used. Write the listId.`,
  });
}

/** States in which a list takes no members. The description of the API has only the others. */
const ended = new Set(['EXPIRED', 'DELETED']);

/** Names need not be unique: the first is the oldest, as the pages are in this order. */
function choose(found: readonly PinterestList[], { list, listId }: PinterestOptions): Choice<string> {
  const named = list === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(list);
  const usable = found.find(({ status = '' }) => !ended.has(status));
  if (usable !== undefined) return { use: usable.id };
  const [first] = found;
  if (first !== undefined) {
    return { refuse: `Failed to use the customer list ${named}: it is ${first.status}. Name another, or a new one.` };
  }
  return {
    refuse: `Failed to find the customer list ${named}. Upload one in Ads Manager, or let the options create it by name (createList: true).`,
  };
}
