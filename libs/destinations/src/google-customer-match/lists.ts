import { type Choice, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { GoogleRequests } from './request.ts';
import { type GoogleUserList, readCreatedList, readUserList, readUserLists } from './response.ts';
import type { GoogleOptions } from './settings.ts';

/** The user lists that options name, each by its id. */
export type UserLists = NamedLists<GoogleOptions, GoogleUserList, string>;

export function userLists(http: HttpSender, requests: GoogleRequests, now: () => number): UserLists {
  return new NamedLists({
    find: async ({ userListId, userList }, signal) => {
      if (userListId === undefined) {
        return readUserLists(await http.send(requests.findUserLists(userList ?? ''), signal), now());
      }
      const list = readUserList(await http.send(requests.readUserList(userListId), signal), now());
      return list === undefined ? [] : [{ ...list, id: userListId }];
    },
    mayCreate: ({ createUserList }) => createUserList,
    create: async (options, signal) => [
      readCreatedList(await http.send(requests.createUserList(options), signal), now()),
    ],
    choose,
    flaw: lapsesEarlier,
  });
}

function choose(
  [list, ...others]: readonly GoogleUserList[],
  { userListId, userList, holds }: GoogleOptions,
): Choice<string> {
  const named = userListId ?? JSON.stringify(userList);
  const refuse = (why: string) => ({ refuse: `Failed to use the user list ${named}: ${why}` });
  if (list === undefined) {
    return refuse('there is none in this account. Check the id and the account, or let the options create it by name.');
  }
  if (others.length > 0) return refuse('several have this name. Name it by userListId.');
  const { membershipStatus = 'OPEN', readOnly, accountAccessStatus = 'ENABLED', ingestedUserListInfo } = list;
  if (membershipStatus !== 'OPEN') return refuse('it is closed. Open it in Google Ads.');
  if (readOnly || accountAccessStatus !== 'ENABLED')
    return refuse('this account may not change it. Name one of its own.');
  const [keyType, what] = holds === 'mobile-ids' ? ['MOBILE_ID', 'mobile ids'] : ['CONTACT_ID', 'contact data'];
  if (ingestedUserListInfo?.uploadKeyTypes.includes(keyType) !== true) {
    return refuse(`it does not take ${what}. Name a list for ${what}, or write what it holds.`);
  }
  return { use: list.id ?? '' };
}

/**
 * Members would lapse before the hub sends them again: it does so as the options say, and not as
 * the list does.
 */
function lapsesEarlier([list]: readonly GoogleUserList[], options: GoogleOptions): string | undefined {
  const { userListId, userList, membershipDays } = options;
  const duration = list?.membershipDuration;
  const days = duration === undefined ? Infinity : Math.floor(Number(duration.slice(0, -1)) / 86_400);
  if (days >= membershipDays) return undefined;
  return `Failed to use the user list ${userListId ?? JSON.stringify(userList)}: its members lapse after ${days} days and would be told again too late. Write membershipDays: ${days} in the options, or let them stay in it for longer in Google Ads.`;
}
