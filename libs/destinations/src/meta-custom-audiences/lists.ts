import { reading, DestinationError, type HttpSender, CachedLookup } from '@activation-hub/destination-kit';
import type { MetaRequests } from './request.ts';
import { type MetaAudience, readAudience, readAudiences, readCreated } from './response.ts';
import { type MetaOptions, metaOptions } from './settings.ts';

/** Pages of audiences that are looked through for a name; with 500 on each, more than an ad account may have. */
const pagesMax = 20;

/** The custom audiences that options name. */
export class MetaAudiences {
  readonly #http: HttpSender;
  readonly #requests: MetaRequests;
  readonly #now: () => number;
  readonly #ids = new CachedLookup((key, signal) => this.#findOrCreate(metaOptions.parse(JSON.parse(key)), signal));

  constructor(http: HttpSender, requests: MetaRequests, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#now = now;
  }

  /**
   * Gives the id of the audience, which is created where the options allow it. Throws `DestinationError`: class `set-up` when
   * there is none or it takes no members. Nobody was told anything then.
   */
  idOf(options: MetaOptions, signal: AbortSignal): Promise<string> {
    return this.#ids.get(JSON.stringify(options), signal);
  }

  /** Looks for the audience anew the next time: it turned out to be gone or closed. */
  forget(options: MetaOptions): void {
    this.#ids.forget(JSON.stringify(options));
  }

  /** Says what is wrong with the audience of these options; creates nothing. */
  async problem(options: MetaOptions, signal: AbortSignal): Promise<string | undefined> {
    const found = await reading(this.#find(options, signal));
    const [audience] = found;
    if (audience === undefined) return options.createAudience ? undefined : missing(options);
    if (found.length > 1) {
      return `Found ${found.length} custom audiences called ${named(options)}: the oldest is used. Name it by audienceId.`;
    }
    return misfit(audience, options);
  }

  async #findOrCreate(options: MetaOptions, signal: AbortSignal): Promise<string> {
    let [audience] = await reading(this.#find(options, signal));
    if (audience === undefined && options.createAudience) {
      const created = await reading(this.#create(options, signal));
      // Names are not unique, so another worker may have created one at the same time: all take the oldest.
      [audience = { id: created, is_value_based: options.valueBased }] = await reading(this.#find(options, signal));
    }
    if (audience === undefined) throw new DestinationError('set-up', missing(options));
    const problem = misfit(audience, options);
    if (problem !== undefined) throw new DestinationError('set-up', problem);
    return audience.id;
  }

  /** The audiences that the options may mean, the oldest first: ids grow. */
  async #find({ audience: name, audienceId }: MetaOptions, signal: AbortSignal): Promise<readonly MetaAudience[]> {
    if (audienceId !== undefined) {
      const response = await this.#http.send(this.#requests.readAudience(audienceId), signal);
      const audience = readAudience(response, this.#now());
      return audience === undefined ? [] : [audience];
    }
    const found: MetaAudience[] = [];
    let after: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const response = await this.#http.send(this.#requests.listAudiences(after), signal);
      const answer = readAudiences(response, this.#now());
      found.push(...answer.audiences.filter((audience) => audience.name === name));
      after = answer.after;
      if (after === undefined) return found.sort((left, right) => (BigInt(left.id) < BigInt(right.id) ? -1 : 1));
    }
    throw new DestinationError(
      'set-up',
      `Failed to look for the custom audience ${JSON.stringify(name)}: there are too many. Name it by audienceId.`,
    );
  }

  async #create({ audience: name, customerFileSource, valueBased }: MetaOptions, signal: AbortSignal): Promise<string> {
    const request = this.#requests.createAudience(name ?? '', customerFileSource ?? '', valueBased);
    return readCreated(await this.#http.send(request, signal), this.#now());
  }
}

const named = ({ audience, audienceId }: MetaOptions): string =>
  audience === undefined ? `with the id ${audienceId ?? ''}` : JSON.stringify(audience);

const missing = (options: MetaOptions): string =>
  `Failed to find the custom audience ${named(options)}. Create it, or let the options create it by name (createAudience: true), and check that the user of the token may use it.`;

/** `operation_status` of an audience that Meta has flagged, which takes no members until that is resolved. */
const flaggedStatus = 471;

function misfit(audience: MetaAudience, options: MetaOptions): string | undefined {
  const { subtype = 'CUSTOM', operation_status: status, permission_for_actions: permission } = audience;
  const { is_value_based: isValueBased = false } = audience;
  const refuse = (why: string): string => `Failed to use the custom audience ${named(options)}: ${why}`;
  if (subtype !== 'CUSTOM') return refuse('it is not made of customer data. Name one with the subtype CUSTOM.');
  if (status?.code === flaggedStatus) return refuse('Meta restricts it. Resolve that in the audience manager.');
  if (options.valueBased !== isValueBased) {
    return refuse(
      `it is ${isValueBased ? 'a' : 'no'} value-based one. Write valueBased: ${isValueBased}, or name another.`,
    );
  }
  if (permission?.can_edit === false) return refuse('the user of the token may not edit it. Give that permission.');
  return undefined;
}
