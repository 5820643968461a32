import { DestinationError, type HttpSender, NamedLists, reading } from '@activation-hub/destination-kit';
import type { MetaRequests } from './request.ts';
import { type MetaAudience, readAudience, readAudiences, readCreated } from './response.ts';
import type { MetaOptions } from './settings.ts';

/**
 * Pages of audiences that are looked through for a name; with 500 on each, more than an ad account
 * may have.
 */
const pagesMax = 20;

/** The custom audiences that options name, each by its id. */
export interface MetaAudiences extends Pick<NamedLists<MetaOptions, MetaAudience, string>, 'get' | 'forget'> {
  /**
   * Says what is wrong with the audience of these options, and that there are several; creates
   * nothing.
   */
  problem(options: MetaOptions, signal: AbortSignal): Promise<string | undefined>;
}

export function metaAudiences(http: HttpSender, requests: MetaRequests, now: () => number): MetaAudiences {
  /** The audiences that the options may mean, the oldest first: ids grow. */
  const find = async ({ audience: name, audienceId }: MetaOptions, signal: AbortSignal): Promise<MetaAudience[]> => {
    if (audienceId !== undefined) {
      const audience = readAudience(await http.send(requests.readAudience(audienceId), signal), now());
      return audience === undefined ? [] : [audience];
    }
    const found: MetaAudience[] = [];
    let after: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const answer = readAudiences(await http.send(requests.listAudiences(after), signal), now());
      found.push(...answer.audiences.filter((audience) => audience.name === name));
      after = answer.after;
      if (after === undefined) return found.sort((left, right) => (BigInt(left.id) < BigInt(right.id) ? -1 : 1));
    }
    throw new DestinationError(
      'set-up',
      `Failed to look for the custom audience ${JSON.stringify(name)}: there are too many. Name it by audienceId.`,
    );
  };
  const audiences = new NamedLists<MetaOptions, MetaAudience, string>({
    find,
    mayCreate: ({ createAudience }) => createAudience,
    create: async ({ audience: name = '', customerFileSource = '', valueBased }, signal) => {
      const request = requests.createAudience(name, customerFileSource, valueBased);
      const created = readCreated(await http.send(request, signal), now());
      return [{ id: created, is_value_based: valueBased }];
    },
    choose: ([audience], options) => {
      const refusal = audience === undefined ? missing(options) : misfit(audience, options);
      return audience === undefined || refusal !== undefined ? { refuse: refusal ?? '' } : { use: audience.id };
    },
  });
  return {
    get: (options, signal) => audiences.get(options, signal),
    forget: (options) => audiences.forget(options),
    problem: async (options, signal) => {
      const found = options.audience === undefined ? [] : await reading(find(options, signal));
      if (found.length > 1) {
        return `Found ${found.length} custom audiences called ${named(options)}: the oldest is used. Name it by audienceId.`;
      }
      return await audiences.problem(options, signal);
    },
  };
}

const named = ({ audience, audienceId }: MetaOptions): string =>
  audience === undefined ? `with the id ${audienceId ?? ''}` : JSON.stringify(audience);

const missing = (options: MetaOptions): string =>
  `Failed to find the custom audience ${named(options)}. Create it, or let the options create it by name (createAudience: true), and check that the user of the token may use it.`;

/**
 * `operation_status` of an audience that Meta has flagged, which takes no members until that is
 * resolved.
 */
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
