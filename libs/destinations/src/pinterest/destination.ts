import {
  defineDestination,
  delivered,
  identityIn,
  listConnector,
  VendorApi,
  withoutSlash,
  withRefreshToken,
} from '@activation-hub/destination-kit';
import { pinterestAudiences, pinterestLists } from './lists.ts';
import { pinterestRequests } from './request.ts';
import { changedSchema, pinterestAnswers, requireTaken } from './response.ts';
import { pinterestOptions, pinterestSettings } from './settings.ts';
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
  identity: identityIn(pinterestProfile),
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
  connect: (settings, { http, now }) => {
    http.check(settings.baseUrl);
    // An access token lives for 30 days (oauth/token, grant `refresh_token`). Each answer has a new
    // refresh token, which nothing here keeps: the one of the settings is good for 60 days.
    const advice = 'Check clientId and clientSecret, and store a new refresh token: Pinterest ends one after 60 days.';
    const tokenUrl = `${withoutSlash(settings.baseUrl)}/oauth/token`;
    const sender = withRefreshToken(http, { ...settings, tokenUrl, isBasic: true, advice }, now);
    const api = new VendorApi(sender, pinterestAnswers, now);
    const requests = pinterestRequests(settings);
    const lists = pinterestLists(api, requests);
    const audiences = pinterestAudiences(api, requests, lists, now);
    const connector = listConnector(lists, async ({ list, options, changes, isExit }, signal) => {
      await audiences.make(options, list, signal);
      const records = changes.map(({ identity }) => identity.value);
      const request = requests.changeMembers(list, isExit ? 'REMOVE' : 'ADD', records);
      requireTaken(await api.ask(request, changedSchema, signal));
      return delivered(changes);
    });
    return {
      ...connector,
      probe: async (routes, signal) => [
        ...(await lists.probe(routes, signal)),
        ...(await audiences.problems(routes, signal)),
      ],
    };
  },
});
