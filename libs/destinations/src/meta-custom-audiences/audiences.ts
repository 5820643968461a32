import { asking, DestinationError, type HttpSender, Remembered } from '@activation-hub/destination-kit';
import type { MetaRequests } from './request.ts';
import { type MetaAudience, readAudience, readAudiences, readCreated } from './response.ts';
import { type MetaTerms, metaTerms } from './settings.ts';

/** Pages of audiences that are looked through for a name; with 500 on each, more than an ad account may have. */
const pagesMax = 20;

/** The custom audiences that terms name. */
export class MetaAudiences {
  readonly #http: HttpSender;
  readonly #requests: MetaRequests;
  readonly #now: () => number;
  readonly #ids = new Remembered((key, signal) => this.#findOrCreate(metaTerms.parse(JSON.parse(key)), signal));

  constructor(http: HttpSender, requests: MetaRequests, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#now = now;
  }

  /**
   * Gives the id of the audience, which is created where the terms allow it. Throws `DestinationError`: class `set-up` when
   * there is none or it takes no members. Nobody was told anything then.
   */
  idOf(terms: MetaTerms, signal: AbortSignal): Promise<string> {
    return this.#ids.get(JSON.stringify(terms), signal);
  }

  /** Looks for the audience anew the next time: it turned out to be gone or closed. */
  forget(terms: MetaTerms): void {
    this.#ids.forget(JSON.stringify(terms));
  }

  /** Says what is wrong with the audience of these terms; creates nothing. */
  async problem(terms: MetaTerms, signal: AbortSignal): Promise<string | undefined> {
    const found = await asking(this.#find(terms, signal));
    const [audience] = found;
    if (audience === undefined) return terms.createAudience ? undefined : missing(terms);
    if (found.length > 1) {
      return `Found ${found.length} custom audiences called ${named(terms)}: the oldest is used. Name it by audienceId.`;
    }
    return misfit(audience, terms);
  }

  async #findOrCreate(terms: MetaTerms, signal: AbortSignal): Promise<string> {
    let [audience] = await asking(this.#find(terms, signal));
    if (audience === undefined && terms.createAudience) {
      const created = await asking(this.#create(terms, signal));
      // Names are not unique, so another worker may have created one at the same time: all take the oldest.
      [audience = { id: created }] = await asking(this.#find(terms, signal));
    }
    if (audience === undefined) throw new DestinationError('set-up', missing(terms));
    const problem = misfit(audience, terms);
    if (problem !== undefined) throw new DestinationError('set-up', problem);
    return audience.id;
  }

  /** The audiences that the terms may mean, the oldest first: ids grow. */
  async #find({ audience: name, audienceId }: MetaTerms, signal: AbortSignal): Promise<readonly MetaAudience[]> {
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

  async #create({ audience: name, customerFileSource }: MetaTerms, signal: AbortSignal): Promise<string> {
    const request = this.#requests.createAudience(name ?? '', customerFileSource ?? '');
    return readCreated(await this.#http.send(request, signal), this.#now());
  }
}

const named = ({ audience, audienceId }: MetaTerms): string =>
  audience === undefined ? `with the id ${audienceId ?? ''}` : JSON.stringify(audience);

const missing = (terms: MetaTerms): string =>
  `Failed to find the custom audience ${named(terms)}. Create it, or let the terms create it by name (createAudience: true), and check that the user of the token may use it.`;

/** `operation_status` of an audience that Meta has flagged, which takes no members until that is resolved. */
const flaggedStatus = 471;

function misfit(audience: MetaAudience, terms: MetaTerms): string | undefined {
  const { subtype = 'CUSTOM', operation_status: status, permission_for_actions: permission } = audience;
  const refuse = (why: string): string => `Failed to use the custom audience ${named(terms)}: ${why}`;
  if (subtype !== 'CUSTOM') return refuse('it is not made of customer data. Name one with the subtype CUSTOM.');
  if (status?.code === flaggedStatus) return refuse('Meta restricts it. Resolve that in the audience manager.');
  if (permission?.can_edit === false) return refuse('the user of the token may not edit it. Give that permission.');
  return undefined;
}
