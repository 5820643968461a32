import { DestinationError, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { TiktokRequests } from './request.ts';
import { readAudiences, readCreated, type TiktokAudience } from './response.ts';
import type { TiktokOptions } from './settings.ts';

/**
 * Pages of audiences that are looked through for a name; with 100 on each, five times what an ad
 * account may have.
 */
const pagesMax = 20;

/**
 * The custom audiences that options name, each by its id. Names need not be unique: ids grow, and
 * the lowest is the oldest.
 */
export function tiktokAudiences(
  http: HttpSender,
  requests: TiktokRequests,
  now: () => number,
): NamedLists<TiktokOptions, TiktokAudience, string> {
  const find = async ({ list, listId }: TiktokOptions, signal: AbortSignal): Promise<readonly TiktokAudience[]> => {
    const found: TiktokAudience[] = [];
    for (let page = 1; page <= pagesMax; page += 1) {
      const answer = readAudiences(await http.send(requests.listAudiences(page, listId), signal), now());
      found.push(...answer.list.filter((each) => (listId === undefined ? each.name === list : each.id === listId)));
      if (page >= answer.pages) return found.toSorted((left, right) => (BigInt(left.id) < BigInt(right.id) ? -1 : 1));
    }
    const why = `there are more than ${pagesMax} pages of audiences. Name it by listId.`;
    throw new DestinationError('set-up', `Failed to look for the TikTok audience ${JSON.stringify(list)}: ${why}`);
  };
  return new NamedLists({
    find,
    mayCreate: ({ createList }) => createList,
    create: async ({ list: name = '' }, signal) => {
      const id = readCreated(await http.send(requests.createAudience(name), signal), now());
      return [{ id, name, isExpired: false }];
    },
    choose: ([oldest], { list, listId = '' }) => {
      const named = `the TikTok audience ${list === undefined ? `with the id ${listId}` : JSON.stringify(list)}`;
      if (oldest?.isExpired === false) return { use: oldest.id };
      return oldest === undefined
        ? {
            refuse: `Failed to find ${named}. Let the options create it by name (createList: true), or check the token.`,
          }
        : { refuse: `Failed to use ${named}: it has expired. Delete it, and make a new one.` };
    },
    flaw: ({ length }, { list = '' }) =>
      length < 2
        ? undefined
        : `TikTok has ${length} audiences named ${JSON.stringify(list)}: the oldest is used. Write the listId.`,
  });
}
