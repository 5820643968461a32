import { asking, DestinationError, type HttpSender, Remembered } from '@activation-hub/destination-kit';
import type { Dynamics365Requests, MemberTable } from './request.ts';
import { type MarketingList, readLists } from './response.ts';
import { type Dynamics365Terms, dynamics365Terms } from './settings.ts';

/** The marketing lists that terms name. */
export class MarketingLists {
  readonly #http: HttpSender;
  readonly #requests: Dynamics365Requests;
  readonly #table: MemberTable;
  readonly #now: () => number;
  readonly #ids = new Remembered((key, signal) => this.#findOrCreate(dynamics365Terms.parse(JSON.parse(key)), signal));

  constructor(http: HttpSender, requests: Dynamics365Requests, table: MemberTable, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#table = table;
    this.#now = now;
  }

  /**
   * Gives the id of the list, which is created where the terms allow it. Throws `DestinationError`: class `set-up` when there is
   * no such list, several, or one that takes no members of this type. Nobody was told anything then.
   */
  idOf(terms: Dynamics365Terms, signal: AbortSignal): Promise<string> {
    return this.#ids.get(JSON.stringify(terms), signal);
  }

  /** Looks anew: gives the id that the list has now. */
  async currentIdOf(terms: Dynamics365Terms, signal: AbortSignal): Promise<string> {
    this.#ids.forget(JSON.stringify(terms));
    return await this.idOf(terms, signal);
  }

  /** Says what is wrong with the list of these terms; creates nothing. */
  async problem(terms: Dynamics365Terms, signal: AbortSignal): Promise<string | undefined> {
    const found = await asking(this.#find(terms, signal));
    return found.length === 0 && terms.createList ? undefined : this.#misfit(found, terms);
  }

  async #findOrCreate(terms: Dynamics365Terms, signal: AbortSignal): Promise<string> {
    let found = await asking(this.#find(terms, signal));
    if (found.length === 0 && terms.createList && terms.list !== undefined) {
      const request = this.#requests.createList(terms.list);
      found = await asking(this.#http.send(request, signal).then((response) => readLists(response, this.#now())));
    }
    const problem = this.#misfit(found, terms);
    const [list] = found;
    if (problem !== undefined || list === undefined) throw new DestinationError('set-up', problem ?? 'No list.');
    return list.listid;
  }

  async #find(terms: Dynamics365Terms, signal: AbortSignal): Promise<readonly MarketingList[]> {
    return readLists(await this.#http.send(this.#requests.findList(terms), signal), this.#now());
  }

  #misfit(found: readonly MarketingList[], { list: name, listId }: Dynamics365Terms): string | undefined {
    const named = name === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(name);
    const [list] = found;
    if (list === undefined) {
      return `Failed to find the marketing list ${named}. Create it, or let the terms create it by name (createList: true).`;
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
