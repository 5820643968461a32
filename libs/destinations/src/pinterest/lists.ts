import { type Choice, DestinationError, type HttpSender, NamedLists, reading } from '@activation-hub/destination-kit';
import type { PinterestRequests } from './request.ts';
import { type PinterestList, readAudiences, readCreated, readList, readLists, requireAudience } from './response.ts';
import type { PinterestOptions } from './settings.ts';

/** Pages that are looked through for a name; with 250 lists on each. */
const pagesMax = 20;

export type PinterestLists = Pick<
  NamedLists<PinterestOptions, PinterestList, string>,
  'get' | 'getAnew' | 'forget' | 'probe' | 'prepare'
>;

/** How long after one look at whether a list is an audience the next one comes. */
const audienceEveryMs = 3_600_000;

/**
 * The customer lists that options name, each by its id. A list that the options allow to create is
 * to be an audience too: it is made one as soon as Pinterest allows it, and `probe` says so until
 * then.
 */
export function pinterestLists(http: HttpSender, requests: PinterestRequests, now: () => number): PinterestLists {
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
  const audiences = pinterestAudiences(http, requests, now);
  const get = async (options: PinterestOptions, signal: AbortSignal): Promise<string> => {
    const id = await lists.get(options, signal);
    if (options.createList && options.list !== undefined) await audiences.make(options.list, id, signal);
    return id;
  };
  const lists = new NamedLists<PinterestOptions, PinterestList, string>({
    find,
    mayCreate: ({ createList }) => createList,
    create: async ({ list = '' }, signal) => [readCreated(await http.send(requests.createList(list), signal), now())],
    choose,
    flaw: (found, { list = '' }) =>
      found.length < 2
        ? undefined
        : `Pinterest has ${found.length} customer lists named ${JSON.stringify(list)}: the oldest is used. Write the listId.`,
  });
  /** The names of those lists of these routes that need an audience and have none. */
  const withoutAudience = async (routes: readonly PinterestOptions[], signal: AbortSignal) => {
    const named: string[] = [];
    for (const options of routes.filter(({ createList }) => createList)) {
      const choice = choose(await find(options, signal), options);
      if ('use' in choice && !(await audiences.has(choice.use, signal))) named.push(options.list ?? '');
    }
    return named;
  };
  return {
    get,
    getAnew: (options, signal) => {
      lists.forget(options);
      return get(options, signal);
    },
    forget: (options) => {
      lists.forget(options);
    },
    probe: async (routes, signal) => [
      ...(await lists.probe(routes, signal)),
      ...(await reading(withoutAudience(routes, signal))).map(
        (name) =>
          `The customer list ${JSON.stringify(name)} is no audience yet, so that no ad can use it. It becomes one once Pinterest has matched 100 of its members, or is made one in Ads Manager.`,
      ),
    ],
    prepare: async (routes, signal) => {
      for (const options of routes) await get(options, signal);
    },
  };
}

/** The audiences that ads can use: one for each list that needs one. */
function pinterestAudiences(http: HttpSender, requests: PinterestRequests, now: () => number) {
  /** Whether a list is an audience. */
  const has = async (listId: string, signal: AbortSignal): Promise<boolean> => {
    let bookmark: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const answer = readAudiences(await http.send(requests.readAudiences(bookmark), signal), now());
      if (answer.listIds.includes(listId)) return true;
      bookmark = answer.bookmark;
      if (bookmark === undefined) return false;
    }
    // Among so many it is not looked for further: a second audience of a list does harm, and a
    // missing one is seen in Ads Manager.
    return true;
  };
  /** When each list is looked at next, in epoch milliseconds: whether it is an audience. */
  const nextLookMs = new Map<string, number>();
  /**
   * Makes an audience of the list. A list that is too small for one, or a look that fails, is no
   * reason to hold its members: it is tried again in an hour.
   */
  const make = async (name: string, listId: string, signal: AbortSignal): Promise<void> => {
    if (now() < (nextLookMs.get(listId) ?? 0)) return;
    nextLookMs.set(listId, now() + audienceEveryMs);
    try {
      if (!(await has(listId, signal)))
        requireAudience(await http.send(requests.createAudience(name, listId), signal), now());
      nextLookMs.set(listId, Infinity);
    } catch (error) {
      if (!(error instanceof DestinationError)) throw error;
    }
  };
  return { has, make };
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
