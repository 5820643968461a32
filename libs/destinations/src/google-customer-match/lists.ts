import { CachedLookup, DestinationError, type HttpSender, reading } from '@activation-hub/destination-kit';
import type { GoogleRequests } from './request.ts';
import { type GoogleUserList, readCreatedList, readUserList, readUserLists } from './response.ts';
import { type GoogleOptions, googleOptions } from './settings.ts';

/** The user lists that options name. */
export class UserLists {
  readonly #http: HttpSender;
  readonly #requests: GoogleRequests;
  readonly #now: () => number;
  readonly #ids = new CachedLookup((key, signal) => this.#findOrCreate(googleOptions.parse(JSON.parse(key)), signal));

  constructor(http: HttpSender, requests: GoogleRequests, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#now = now;
  }

  /**
   * Gives the id of the user list: as the options have it, or by its name, under which it is created where the options allow that. Throws
   * `DestinationError`: class `set-up` when there is none or it takes no contact data. Nobody was told anything then.
   */
  async idOf(options: GoogleOptions, signal: AbortSignal): Promise<string> {
    return options.userListId ?? (await this.#ids.get(JSON.stringify(options), signal));
  }

  /** Looks for the user list anew the next time: it turned out to be gone. */
  forget(options: GoogleOptions): void {
    this.#ids.forget(JSON.stringify(options));
  }

  /** Says what is wrong with the user list of these options; creates nothing. */
  async problem(options: GoogleOptions, signal: AbortSignal): Promise<string | undefined> {
    const found = await reading(this.#find(options, signal));
    if (found.length === 0 && options.createUserList) return undefined;
    return misfit(found, options) ?? lapsesEarlier(found, options);
  }

  async #findOrCreate(options: GoogleOptions, signal: AbortSignal): Promise<string> {
    const found = await reading(this.#find(options, signal));
    if (found.length === 0 && options.createUserList && options.userList !== undefined) {
      const request = this.#requests.createUserList(options);
      return await reading(this.#http.send(request, signal).then((response) => readCreatedList(response, this.#now())));
    }
    const problem = misfit(found, options);
    const id = found[0]?.id;
    if (problem !== undefined || id === undefined) throw new DestinationError('set-up', problem ?? 'No user list.');
    return id;
  }

  async #find({ userListId, userList }: GoogleOptions, signal: AbortSignal): Promise<readonly GoogleUserList[]> {
    if (userListId === undefined) {
      const response = await this.#http.send(this.#requests.findUserLists(userList ?? ''), signal);
      return readUserLists(response, this.#now());
    }
    const list = readUserList(await this.#http.send(this.#requests.readUserList(userListId), signal), this.#now());
    return list === undefined ? [] : [{ ...list, id: userListId }];
  }
}

function misfit(found: readonly GoogleUserList[], { userListId, userList, holds }: GoogleOptions): string | undefined {
  const named = userListId ?? JSON.stringify(userList);
  const refuse = (why: string): string => `Failed to use the user list ${named}: ${why}`;
  const [list, ...others] = found;
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
  return undefined;
}

/** Members would lapse before they are told again: that is done as the options say, and not as the list does. */
function lapsesEarlier([list]: readonly GoogleUserList[], options: GoogleOptions): string | undefined {
  const { userListId, userList, membershipDays } = options;
  const duration = list?.membershipDuration;
  const days = duration === undefined ? Infinity : Math.floor(Number(duration.slice(0, -1)) / 86_400);
  if (days >= membershipDays) return undefined;
  return `Failed to use the user list ${userListId ?? JSON.stringify(userList)}: its members lapse after ${days} days and would be told again too late. Write membershipDays: ${days} in the options, or let them stay in it for longer in Google Ads.`;
}
