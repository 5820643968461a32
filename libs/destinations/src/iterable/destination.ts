import {
  defineDestination,
  exitsOf,
  formField,
  formId,
  headerTextOf,
  identityBy,
  listConnector,
  plainProfile,
  VendorApi,
  withHeaders,
} from '@activation-hub/destination-kit';
import { iterableLists } from './lists.ts';
import { iterableRequests } from './request.ts';
import { iterableAnswers, judgeTold, toldSchema } from './response.ts';
import { iterableOptions, type IterableSettings, iterableSettings } from './settings.ts';
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
  identity: identityBy((identifier: IterableSettings['identifiers'][string], value) =>
    identifier === 'email'
      ? formField(plainProfile.email, value)
      : formId(value, (id) => /^[\x20-\x7e]{1,52}$/.test(id), 'a userId is at most 52 printable ASCII characters'),
  ),
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
  connect: (settings, { http, now }) => {
    http.check(settings.baseUrl);
    const sender = withHeaders(http, { 'api-key': headerTextOf('apiKey', settings.apiKey) });
    const api = new VendorApi(sender, iterableAnswers, now);
    const requests = iterableRequests(settings);
    return listConnector(
      iterableLists(api, requests),
      async ({ list, changes, isExit }, signal) => {
        const request = isExit ? requests.unsubscribe(list, changes) : requests.subscribe(list, changes);
        const verdicts = judgeTold(await api.ask(request, toldSchema, signal), changes);
        return isExit ? exitsOf(verdicts) : verdicts;
      },
      settings.identifiers,
    );
  },
});
