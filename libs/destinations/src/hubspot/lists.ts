import { reading, DestinationError, type HttpSender, CachedLookup } from '@activation-hub/destination-kit';
import { contactType, type HubspotRequests } from './request.ts';
import { type HubspotList, hubspotError, readList } from './response.ts';
import { type HubspotOptions, hubspotOptions } from './settings.ts';

/** The lists that options name. */
export class HubspotLists {
  readonly #http: HttpSender;
  readonly #requests: HubspotRequests;
  readonly #now: () => number;
  readonly #ids = new CachedLookup((key, signal) => this.#findOrCreate(hubspotOptions.parse(JSON.parse(key)), signal));

  constructor(http: HttpSender, requests: HubspotRequests, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#now = now;
  }

  /**
   * Gives the id of the list, which is created where the options allow it. Throws `DestinationError`: class `set-up` when there is
   * no such list or it takes no members. Nobody was told anything then.
   */
  idOf(options: HubspotOptions, signal: AbortSignal): Promise<string> {
    return this.#ids.get(JSON.stringify(options), signal);
  }

  /** Looks for the list anew the next time: it turned out to be gone. */
  forget(options: HubspotOptions): void {
    this.#ids.forget(JSON.stringify(options));
  }

  /** Says what is wrong with the list of these options; creates nothing. */
  async problem(options: HubspotOptions, signal: AbortSignal): Promise<string | undefined> {
    const list = await reading(this.#find(options, signal));
    if (list === undefined) return options.createList ? undefined : missing(options);
    return misfit(list, options);
  }

  async #findOrCreate(options: HubspotOptions, signal: AbortSignal): Promise<string> {
    const list =
      (await reading(this.#find(options, signal))) ??
      (options.createList ? await reading(this.#create(options, signal)) : undefined);
    if (list === undefined) throw new DestinationError('set-up', missing(options));
    const problem = misfit(list, options);
    if (problem !== undefined) throw new DestinationError('set-up', problem);
    return list.listId;
  }

  async #find(options: HubspotOptions, signal: AbortSignal): Promise<HubspotList | undefined> {
    return readList(await this.#http.send(this.#requests.findList(options), signal), this.#now());
  }

  async #create(options: HubspotOptions, signal: AbortSignal): Promise<HubspotList> {
    const response = await this.#http.send(this.#requests.createList(options.list ?? ''), signal);
    // Names are unique, so a refusal may mean that another worker created it a moment ago.
    const isRefused = response.status === 400 || response.status === 409;
    const list = isRefused ? await this.#find(options, signal) : readList(response, this.#now());
    if (list === undefined) throw hubspotError(response, this.#now());
    return list;
  }
}

const named = ({ list, listId }: HubspotOptions): string =>
  list === undefined ? `with the id ${listId ?? ''}` : JSON.stringify(list);

const missing = (options: HubspotOptions): string =>
  `Failed to find the HubSpot list ${named(options)}. Create it, or let the options create it by name (createList: true).`;

function misfit({ objectTypeId, processingType }: HubspotList, options: HubspotOptions): string | undefined {
  if (objectTypeId !== contactType) {
    return `Failed to use the HubSpot list ${named(options)}: it does not hold contacts. Name a list of contacts.`;
  }
  if (processingType === 'DYNAMIC') {
    return `Failed to use the HubSpot list ${named(options)}: HubSpot decides its members. Name a static (manual) list.`;
  }
  return undefined;
}
