import {
  type Connector,
  defineDestination,
  type Delivery,
  formed,
  formField,
  headerTextOf,
  plainProfile,
  refused,
  type Verdict,
  withHeaders,
} from '@activation-hub/destination-kit';
import { iterableLists } from './lists.ts';
import { iterableRequests } from './request.ts';
import { judgeTold } from './response.ts';
import { type IterableOptions, iterableOptions, iterableSettings } from './settings.ts';
import { iterableTakes } from './takes.ts';

/**
 * Users of Iterable, and their memberships in static lists. README.md says what it does with each
 * change.
 */
export const iterable = defineDestination({
  type: 'iterable',
  title: 'Iterable',
  description: 'Keeps users of Iterable and their memberships in static lists.',
  settings: iterableSettings,
  options: iterableOptions,
  // Lists take 1000 users in a request, and five requests in a second (api.iterable.com/api/docs).
  limits: () => ({ batchCount: 1000, batchBytes: 2 * 1024 * 1024, requestsPerSecond: 4, concurrency: 4 }),
  batchBy: 'route',
  identity: ({ namespace, value }, { identifiers }) => {
    const identifier = Object.hasOwn(identifiers, namespace) ? identifiers[namespace] : undefined;
    if (identifier === undefined) return refused('no identifier is set for this namespace');
    if (identifier === 'email') return formField(plainProfile.email, value);
    const id = value.trim();
    if (id === '') return refused('no value');
    return /^[\x20-\x7e]{1,52}$/.test(id) ? formed(id) : refused('a userId is at most 52 printable ASCII characters');
  },
  takes: iterableTakes,
  comparison: {
    enters: 'is created or updated, and joins a static list',
    leaves: 'leaves it; the user stays',
    // A static list does not change unless it is changed
    // (support.iterable.com/hc/en-us/articles/204780549, "Static lists").
    lasting: 'as Iterable says, a static list does not change unless it is changed',
    hashed: 'nothing',
    shownAfter: 'at once',
    erasure: 'the membership is taken back; the user stays',
    untried: 'what an unknown list is answered with',
  },
  connect: (settings, { http, now }): Connector<IterableOptions> => {
    http.check(settings.baseUrl);
    const sender = withHeaders(http, { 'api-key': headerTextOf('apiKey', settings.apiKey) });
    const requests = iterableRequests(settings);
    const lists = iterableLists(sender, requests, now);

    const tell = async (
      way: 'subscribe' | 'unsubscribe',
      deliveries: readonly Delivery<IterableOptions>[],
      signal: AbortSignal,
    ): Promise<Verdict[]> => {
      const [first] = deliveries;
      if (first === undefined) return [];
      const listId = await lists.get(first.options, signal);
      const changes = deliveries.map(({ change }) => change);
      const response = await sender.send(requests[way](listId, changes), signal);
      if (response.status !== 400 && response.status !== 404) return judgeTold(response, changes, now());
      // The list may be gone, which no row is at fault for: the look-up says so, or gives the list
      // that there is now.
      const current = await lists.getAnew(first.options, signal);
      const again = current === listId ? response : await sender.send(requests[way](current, changes), signal);
      return judgeTold(again, changes, now());
    };
    const add: Connector<IterableOptions>['enter'] = (deliveries, signal) => tell('subscribe', deliveries, signal);

    return {
      enter: add,
      update: add,
      exit: async (deliveries, signal) =>
        // Who is not there has left.
        (await tell('unsubscribe', deliveries, signal)).map((verdict) =>
          verdict.status === 'not-found' ? { id: verdict.id, status: 'delivered' } : verdict,
        ),
      probe: (routes, signal) => lists.probe(routes, signal),
      prepare: (routes, signal) => lists.prepare(routes, signal),
    };
  },
});
