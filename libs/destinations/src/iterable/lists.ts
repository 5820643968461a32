import { type Choice, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { IterableRequests } from './request.ts';
import { type IterableList, readCreated, readLists } from './response.ts';
import type { IterableOptions } from './settings.ts';

/** The lists that options name, each by its id. */
export function iterableLists(
  http: HttpSender,
  requests: IterableRequests,
  now: () => number,
): NamedLists<IterableOptions, IterableList, number> {
  const find = async ({ list, listId }: IterableOptions, signal: AbortSignal): Promise<readonly IterableList[]> => {
    const lists = readLists(await http.send(requests.readLists(), signal), now());
    return lists.filter(({ id, name }) => (listId === undefined ? name === list : id === listId));
  };
  return new NamedLists({
    find,
    mayCreate: ({ createList }) => createList,
    create: async ({ list = '' }, signal) => [
      readCreated(await http.send(requests.createList(list), signal), list, now()),
    ],
    choose,
    flaw: (found, { list = '' }) =>
      found.length < 2
        ? undefined
        : `Iterable has ${found.length} lists named ${JSON.stringify(list)}: the oldest is used. Write the listId.`,
  });
}

/** Names need not be unique: of several static lists the one with the lowest id is the oldest. */
function choose(found: readonly IterableList[], { list, listId }: IterableOptions): Choice<number> {
  const named = list === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(list);
  if (found.length === 0) {
    return {
      refuse: `Failed to find the Iterable list ${named}. Create it, or let the options create it by name (createList: true).`,
    };
  }
  const [first] = found.filter(({ listType }) => listType === 'Standard').toSorted((left, right) => left.id - right.id);
  if (first !== undefined) return { use: first.id };
  return { refuse: `Failed to use the Iterable list ${named}: it is no static list. Name a static one.` };
}
