import { type Choice, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { Dynamics365Requests, MemberTable } from './request.ts';
import { type MarketingList, readLists } from './response.ts';
import type { Dynamics365Options } from './settings.ts';

/** The marketing lists that options name, each by its id. */
export type MarketingLists = NamedLists<Dynamics365Options, MarketingList, string>;

/** Finds lists of members of this table. */
export function marketingLists(
  http: HttpSender,
  requests: Dynamics365Requests,
  table: MemberTable,
  now: () => number,
): MarketingLists {
  return new NamedLists({
    find: async (options, signal) => readLists(await http.send(requests.findList(options), signal), now()),
    mayCreate: ({ createList }) => createList,
    create: async ({ list = '' }, signal) => readLists(await http.send(requests.createList(list), signal), now()),
    choose: (found, options) => choose(found, options, table),
    flaw: ({ length }, { list = '' }) =>
      length < 2
        ? undefined
        : `Dynamics 365 has several marketing lists named ${JSON.stringify(list)}: the oldest is used. Name it by listId.`,
  });
}

/**
 * Names need not be unique: where the options let processes make one, so that several may have done
 * it, all take the oldest.
 */
function choose(
  [list, ...others]: readonly MarketingList[],
  { list: name, listId, createList }: Dynamics365Options,
  { createdFromCode, entity }: MemberTable,
): Choice<string> {
  const named = name === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(name);
  if (list === undefined) {
    return {
      refuse: `Failed to find the marketing list ${named}. Create it, or let the options create it by name (createList: true).`,
    };
  }
  const cannot = (why: string) => ({ refuse: `Failed to use the marketing list ${named}: ${why}` });
  if (others.length > 0 && !createList) return cannot('several lists have this name. Name it by listId.');
  if (list.createdfromcode !== createdFromCode) {
    return cannot(`it does not hold records of the type ${entity}. Name another, or set memberType.`);
  }
  if (list.type) return cannot('it is dynamic, so a query decides its members. Name a static list.');
  if (list.lockstatus) return cannot('it is locked. Unlock it in Dynamics 365.');
  if (list.statecode !== 0) return cannot('it is inactive. Activate it in Dynamics 365.');
  return { use: list.listid };
}
