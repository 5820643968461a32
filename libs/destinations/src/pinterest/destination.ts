import {
  afterPart,
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  formField,
  refused,
  type Verdict,
} from '@activation-hub/destination-kit';
import { pinterestLists } from './lists.ts';
import { pinterestRequests } from './request.ts';
import { judgeChanged } from './response.ts';
import { type PinterestOptions, pinterestOptions, pinterestSettings } from './settings.ts';
import { signedIn } from './sign-in.ts';
import { pinterestProfile, pinterestTakes } from './takes.ts';

/** Members of customer lists of Pinterest. README.md says what it does with each change. */
export const pinterest = defineDestination({
  type: 'pinterest',
  title: 'Pinterest',
  description: 'Keeps the members of customer lists of Pinterest, as hashes.',
  settings: pinterestSettings,
  options: pinterestOptions,
  // An app with Standard access may write 400 times in a minute
  // (developers.pinterest.com/docs/reference/rate-limits). How many records a request may have is
  // not published; Braze sends 1,900 (github.com/braze-inc/braze-docs/pull/4836).
  limits: () => ({ batchCount: 1_900, batchBytes: 1024 * 1024, requestsPerSecond: 6, concurrency: 4 }),
  batchBy: 'route',
  identity: ({ namespace, value }, { identifiers }) => {
    const kind = Object.hasOwn(identifiers, namespace) ? identifiers[namespace] : undefined;
    return kind === undefined
      ? refused('no identifier is set for this namespace')
      : formField(pinterestProfile[kind], value);
  },
  takes: pinterestTakes,
  comparison: {
    enters: 'joins a customer list',
    leaves: 'leaves it',
    // developers.pinterest.com/docs/api/v5/customer_lists-create names no end of a record.
    lasting: 'no page of Pinterest names an end, and none was found that rules one out',
    hashed: 'everything',
    shownAfter: 'up to 48 hours, once Pinterest has matched it',
    erasure: 'the identifier leaves the customer list',
    untried: 'a list that begins with a record of no person',
  },
  connect: (settings, { http, now }): Connector<PinterestOptions> => {
    http.check(settings.baseUrl);
    const sender = signedIn(http, settings, now);
    const requests = pinterestRequests(settings);
    const lists = pinterestLists(sender, requests, now);

    const tell = async (
      operation: 'ADD' | 'REMOVE',
      deliveries: readonly Delivery<PinterestOptions>[],
      signal: AbortSignal,
    ): Promise<Verdict[]> => {
      const [first] = deliveries;
      if (first === undefined) return [];
      const listId = await lists.get(first.options, signal);
      const records = deliveries.map(({ change }) => change.identity.value);
      const ids = deliveries.map(({ change }) => change.id);
      const change = async (id: string) =>
        judgeChanged(await sender.send(requests.changeMembers(id, operation, records), signal), ids, now());
      try {
        return await change(listId);
      } catch (error) {
        if (!(error instanceof DestinationError)) throw error;
        if (error.class === 'set-up') lists.forget(first.options);
        if (error.class !== 'invalid') throw error;
        // The list may be gone, which no row is at fault for: the look-up says so, or gives the
        // list that there is now.
        const current = await lists.getAnew(first.options, signal);
        if (current === listId) throw error;
        return await (error.doubt === undefined ? change(current) : afterPart(change(current)));
      }
    };
    const add: Connector<PinterestOptions>['enter'] = (deliveries, signal) => tell('ADD', deliveries, signal);

    return {
      enter: add,
      // A list keeps no attributes: who stays is added again.
      update: add,
      exit: (deliveries, signal) => tell('REMOVE', deliveries, signal),
      probe: (routes, signal) => lists.probe(routes, signal),
      prepare: (routes, signal) => lists.prepare(routes, signal),
    };
  },
});
