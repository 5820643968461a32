import { reading, DestinationError, type HttpSender, CachedLookup } from '@activation-hub/destination-kit';
import type { Dynamics365Requests, MemberTable } from './request.ts';
import { type MarketingList, readLists } from './response.ts';
import { type Dynamics365Options, dynamics365Options } from './settings.ts';

/** The marketing lists that options name. */
export class MarketingLists {
  readonly #http: HttpSender;
  readonly #requests: Dynamics365Requests;
  readonly #table: MemberTable;
  readonly #now: () => number;
  readonly #ids = new CachedLookup((key, signal) =>
    this.#findOrCreate(dynamics365Options.parse(JSON.parse(key)), signal),
  );

  constructor(http: HttpSender, requests: Dynamics365Requests, table: MemberTable, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#table = table;
    this.#now = now;
  }

  /**
   * Gives the id of the list, which is created where the options allow it. Throws `DestinationError`: class `set-up` when there is
   * no such list, several, or one that takes no members of this type. Nobody was told anything then.
   */
  idOf(options: Dynamics365Options, signal: AbortSignal): Promise<string> {
    return this.#ids.get(JSON.stringify(options), signal);
  }

  /** Looks anew: gives the id that the list has now. */
  async currentIdOf(options: Dynamics365Options, signal: AbortSignal): Promise<string> {
    this.#ids.forget(JSON.stringify(options));
    return await this.idOf(options, signal);
  }

  /** Says what is wrong with the list of these options; creates nothing. */
  async problem(options: Dynamics365Options, signal: AbortSignal): Promise<string | undefined> {
    const found = await reading(this.#find(options, signal));
    return found.length === 0 && options.createList ? undefined : this.#misfit(found, options);
  }

  async #findOrCreate(options: Dynamics365Options, signal: AbortSignal): Promise<string> {
    let found = await reading(this.#find(options, signal));
    if (found.length === 0 && options.createList && options.list !== undefined) {
      const request = this.#requests.createList(options.list);
      found = await reading(this.#http.send(request, signal).then((response) => readLists(response, this.#now())));
    }
    const problem = this.#misfit(found, options);
    const [list] = found;
    if (problem !== undefined || list === undefined) throw new DestinationError('set-up', problem ?? 'No list.');
    return list.listid;
  }

  async #find(options: Dynamics365Options, signal: AbortSignal): Promise<readonly MarketingList[]> {
    return readLists(await this.#http.send(this.#requests.findList(options), signal), this.#now());
  }

  #misfit(found: readonly MarketingList[], { list: name, listId }: Dynamics365Options): string | undefined {
    const named = name === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(name);
    const [list] = found;
    if (list === undefined) {
      return `Failed to find the marketing list ${named}. Create it, or let the options create it by name (createList: true).`;
    }
    const cannot = (why: string) => `Failed to use the marketing list ${named}: ${why}`;
    if (found.length > 1) return cannot('several lists have this name. Name it by listId.');
    if (list.createdfromcode !== this.#table.createdFromCode) {
      return cannot(`it does not hold records of the type ${this.#table.entity}. Name another, or set memberType.`);
    }
    if (list.type) return cannot('it is dynamic, so a query decides its members. Name a static list.');
    if (list.lockstatus) return cannot('it is locked. Unlock it in Dynamics 365.');
    if (list.statecode !== 0) return cannot('it is inactive. Activate it in Dynamics 365.');
    return undefined;
  }
}
