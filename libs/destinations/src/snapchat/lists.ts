import { type Choice, DestinationError, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { SnapchatRequests } from './request.ts';
import { readList, readLists, type SnapchatList } from './response.ts';
import { lifetimeDays, type SnapchatOptions } from './settings.ts';

/** Pages that are read, with 1,000 segments on each. */
const pagesMax = 20;

export interface SnapchatLists extends NamedLists<SnapchatOptions, SnapchatList, string> {
  /** All customer lists of the ad account. */
  all(signal: AbortSignal): Promise<readonly SnapchatList[]>;
}

/** The customer lists that options name, each by its id. */
export function snapchatLists(http: HttpSender, requests: SnapchatRequests, now: () => number): SnapchatLists {
  const all = async (signal: AbortSignal): Promise<readonly SnapchatList[]> => {
    const found: SnapchatList[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const answer = readLists(await http.send(requests.readLists(cursor), signal), now());
      found.push(...answer.lists);
      cursor = answer.cursor;
      if (cursor === undefined) return found;
    }
    const why = 'Failed to read the segments of the ad account: there are too many. Name lists by listId.';
    throw new DestinationError('set-up', why);
  };
  const find = async ({ list, listId }: SnapchatOptions, signal: AbortSignal): Promise<readonly SnapchatList[]> => {
    if (listId === undefined) return (await all(signal)).filter(({ name }) => name === list);
    return readList(await http.send(requests.readList(listId), signal), now());
  };
  const lists = new NamedLists<SnapchatOptions, SnapchatList, string>({
    find,
    mayCreate: ({ createList }) => createList,
    create: async ({ list = '', membershipDays }, signal) => {
      const request = requests.createList(list, membershipDays);
      const created = readLists(await http.send(request, signal), now()).lists;
      if (created.length > 0) return created;
      const why = `Snapchat has not made ${JSON.stringify(list)}. Let the user of the refresh token manage audiences.`;
      throw new DestinationError('set-up', `Failed to create the customer list: ${why}`);
    },
    choose,
    flaw: (found, { list = '' }) =>
      found.length < 2
        ? undefined
        : `Snapchat has ${found.length} segments named ${JSON.stringify(list)}: the oldest customer list is used. Write the listId.`,
  });
  return Object.assign(lists, { all });
}

/** Names need not be unique: the first is the oldest, for pages are in the order of creation. */
function choose(found: readonly SnapchatList[], { list, listId, membershipDays }: SnapchatOptions): Choice<string> {
  const named = list === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(list);
  if (found.length === 0) {
    return {
      refuse: `Failed to find the customer list ${named}. Create it, or let the options create it by name (createList: true).`,
    };
  }
  const first = found.find((each) => each.source_type === 'FIRST_PARTY');
  if (first === undefined) {
    return { refuse: `Failed to use the segment ${named}: it is no customer list. Name one that is.` };
  }
  const days = first.retention_in_days ?? lifetimeDays;
  if (days >= membershipDays) return { use: first.id };
  return {
    refuse: `Failed to use the customer list ${named}: its members lapse after ${days} days and would be told again too late. Write membershipDays: ${days} in the options.`,
  };
}
