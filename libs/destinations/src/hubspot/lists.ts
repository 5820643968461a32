import { asking, DestinationError, type HttpSender, Remembered } from '@activation-hub/destination-kit';
import { contactType, type HubspotRequests } from './request.ts';
import { type HubspotList, hubspotError, readList } from './response.ts';
import { type HubspotTerms, hubspotTerms } from './settings.ts';

/** The lists that terms name. */
export class HubspotLists {
  readonly #http: HttpSender;
  readonly #requests: HubspotRequests;
  readonly #now: () => number;
  readonly #ids = new Remembered((key, signal) => this.#findOrCreate(hubspotTerms.parse(JSON.parse(key)), signal));

  constructor(http: HttpSender, requests: HubspotRequests, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#now = now;
  }

  /**
   * Gives the id of the list, which is created where the terms allow it. Throws `DestinationError`: class `set-up` when there is
   * no such list or it takes no members. Nobody was told anything then.
   */
  idOf(terms: HubspotTerms, signal: AbortSignal): Promise<string> {
    return this.#ids.get(JSON.stringify(terms), signal);
  }

  /** Looks for the list anew the next time: it turned out to be gone. */
  forget(terms: HubspotTerms): void {
    this.#ids.forget(JSON.stringify(terms));
  }

  /** Says what is wrong with the list of these terms; creates nothing. */
  async problem(terms: HubspotTerms, signal: AbortSignal): Promise<string | undefined> {
    const list = await asking(this.#find(terms, signal));
    if (list === undefined) return terms.createList ? undefined : missing(terms);
    return misfit(list, terms);
  }

  async #findOrCreate(terms: HubspotTerms, signal: AbortSignal): Promise<string> {
    const list =
      (await asking(this.#find(terms, signal))) ??
      (terms.createList ? await asking(this.#create(terms, signal)) : undefined);
    if (list === undefined) throw new DestinationError('set-up', missing(terms));
    const problem = misfit(list, terms);
    if (problem !== undefined) throw new DestinationError('set-up', problem);
    return list.listId;
  }

  async #find(terms: HubspotTerms, signal: AbortSignal): Promise<HubspotList | undefined> {
    return readList(await this.#http.send(this.#requests.findList(terms), signal), this.#now());
  }

  async #create(terms: HubspotTerms, signal: AbortSignal): Promise<HubspotList> {
    const response = await this.#http.send(this.#requests.createList(terms.list ?? ''), signal);
    // Names are unique, so a refusal may mean that another worker created it a moment ago.
    const isRefused = response.status === 400 || response.status === 409;
    const list = isRefused ? await this.#find(terms, signal) : readList(response, this.#now());
    if (list === undefined) throw hubspotError(response, this.#now());
    return list;
  }
}

const named = ({ list, listId }: HubspotTerms): string =>
  list === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(list);

const missing = (terms: HubspotTerms): string =>
  `Failed to find the HubSpot list ${named(terms)}. Create it, or let the terms create it by name (createList: true).`;

function misfit({ objectTypeId, processingType }: HubspotList, terms: HubspotTerms): string | undefined {
  if (objectTypeId !== contactType) {
    return `Failed to use the HubSpot list ${named(terms)}: it does not hold contacts. Name a list of contacts.`;
  }
  if (processingType === 'DYNAMIC') {
    return `Failed to use the HubSpot list ${named(terms)}: HubSpot decides its members. Name a static (manual) list.`;
  }
  return undefined;
}
