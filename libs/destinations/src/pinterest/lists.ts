import { DestinationError, ListsByName, reading, type VendorApi } from '@activation-hub/destination-kit';
import type { PinterestRequests } from './request.ts';
import { audiencesSchema, listSchema, listsSchema, type PinterestList } from './response.ts';
import type { PinterestOptions } from './settings.ts';

/** States in which a list takes no members. The description of the API has only the others. */
const ended = new Set(['EXPIRED', 'DELETED']);

/** The customer lists that options name. */
export const pinterestLists = (api: VendorApi, requests: PinterestRequests) =>
  new ListsByName<PinterestOptions, PinterestList>({
    vendor: 'Pinterest',
    what: 'customer list',
    page: async (from, signal) => {
      const { items, bookmark } = await api.ask(requests.readLists(from), listsSchema, signal);
      return { lists: items, next: bookmark };
    },
    read: (id, signal) => api.find(requests.readList(id), listSchema, ['404', '1018'], signal),
    create: (name, signal) => api.ask(requests.createList(name), listSchema, signal),
    missing: 'Upload one in Ads Manager, or let the options create it by name (createList: true).',
    unfit: ({ status = '' }) => (ended.has(status) ? `it is ${status}. Name another, or a new one.` : undefined),
  });

/** How long after one look at whether a list is an audience the next one comes. */
const audienceEveryMs = 3_600_000;
/** Pages of audiences that are looked through. */
const pagesMax = 20;

/**
 * The audiences that ads can use: a list that the options allow to create becomes
 * one as soon as Pinterest allows it, and `problems` says so until then.
 */
export function pinterestAudiences(
  api: VendorApi,
  requests: PinterestRequests,
  lists: ReturnType<typeof pinterestLists>,
  now: () => number,
) {
  const has = async (listId: string, signal: AbortSignal): Promise<boolean> => {
    let from: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const { items, bookmark } = await api.ask(requests.readAudiences(from), audiencesSchema, signal);
      if (items.some(({ rule }) => rule?.customer_list_id === listId)) return true;
      if (bookmark === undefined) return false;
      from = bookmark;
    }
    // Among so many it is not looked for further: a second audience of a list does harm, and a
    // missing one is seen in Ads Manager.
    return true;
  };
  /** When each list is looked at next, in epoch milliseconds. */
  const nextLookMs = new Map<string, number>();
  return {
    /**
     * Makes an audience of the list. A list that is too small for one, or a look that fails, is no
     * reason to hold its members: it is tried again in an hour.
     */
    make: async ({ list: name, createList }: PinterestOptions, listId: string, signal: AbortSignal): Promise<void> => {
      if (!createList || name === undefined || now() < (nextLookMs.get(listId) ?? 0)) return;
      nextLookMs.set(listId, now() + audienceEveryMs);
      try {
        if (!(await has(listId, signal))) await api.send(requests.createAudience(name, listId), signal);
        nextLookMs.set(listId, Infinity);
      } catch (error) {
        if (!(error instanceof DestinationError)) throw error;
      }
    },
    /** Says which lists of these routes should be audiences and are none. */
    problems: async (routes: readonly PinterestOptions[], signal: AbortSignal): Promise<readonly string[]> => {
      const problems: string[] = [];
      for (const options of routes.filter(({ createList }) => createList)) {
        const id = await lists.found(options, signal);
        if (id === undefined || (await reading(has(id, signal)))) continue;
        problems.push(
          `The customer list ${JSON.stringify(options.list)} is no audience yet, so that no ad can use it. It becomes one once Pinterest has matched 100 of its members, or is made one in Ads Manager.`,
        );
      }
      return problems;
    },
  };
}
