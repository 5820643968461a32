import {
  type Change,
  defineDestination,
  delivered,
  formedIdentities,
  identityIn,
  inParts,
  listConnector,
  VendorApi,
  withRefreshToken,
} from '@activation-hub/destination-kit';
import { isCustomerList, snapchatLists } from './lists.ts';
import { snapchatRequests } from './request.ts';
import { requireTaken, snapchatAnswers, usersSchema } from './response.ts';
import { lifetimeDays, snapchatOptions, snapchatSettings } from './settings.ts';
import { snapchatProfile, snapchatTakes } from './takes.ts';

const formIdentity = identityIn(snapchatProfile);

/** Members of customer lists of Snapchat. README.md says what it does with each change. */
export const snapchat = defineDestination({
  type: 'snapchat',
  title: 'Snapchat',
  description: 'Keeps the members of customer lists of Snapchat, as hashes.',
  settings: snapchatSettings,
  options: snapchatOptions,
  // A token may make ten requests in a second, with 100,000 identifiers each; five are made here,
  // and a batch is one for each kind of identifiers.
  limits: ({ identifiers }) => ({
    batchCount: 10_000,
    batchBytes: 4 * 1024 * 1024,
    requestsPerSecond: 5 / new Set(Object.values(identifiers)).size,
    concurrency: 4,
  }),
  batchBy: 'route',
  identity: formIdentity,
  takes: snapchatTakes,
  membershipDays: (_settings, { membershipDays }) => (membershipDays < lifetimeDays ? membershipDays : undefined),
  comparison: {
    enters: 'joins a customer list',
    leaves: 'leaves it',
    keeps: 'as long as the list says, else until the exit',
    hashed: 'everything',
    shownAfter: 'once Snapchat has matched it',
    erasure: 'the identifiers leave all customer lists of the ad account',
    untried: 'what is said of an identifier at fault',
  },
  connect: (settings, { http, now }) => {
    http.check(settings.baseUrl);
    http.check(settings.signInUrl);
    // "Authentication": an access token lives for an hour at most.
    const tokenUrl = `${new URL(settings.signInUrl).origin}/login/oauth2/access_token`;
    const advice = 'Check clientId and clientSecret, and store a new refresh token of the user.';
    const api = new VendorApi(withRefreshToken(http, { ...settings, tokenUrl, advice }, now), snapchatAnswers, now);
    const requests = snapchatRequests(settings);
    const lists = snapchatLists(api, requests);

    /** One request is of one kind of identifiers. */
    const change = async (
      isExit: boolean,
      list: string,
      identities: readonly Change['identity'][],
      signal: AbortSignal,
    ): Promise<void> => {
      const kinds = Map.groupBy(identities, ({ namespace }) => settings.identifiers[namespace] ?? 'EMAIL');
      await inParts(kinds, async ([kind, part]) => {
        const values = [...new Set(part.map(({ value }) => value))];
        const request = requests.changeMembers(isExit, list, kind, values);
        requireTaken(await api.ask(request, usersSchema, signal), identities.length);
      });
    };
    const connector = listConnector(
      lists,
      async ({ list, changes, isExit }, signal) => {
        const identities = changes.map(({ identity }) => identity);
        await change(isExit, list, identities, signal);
        return delivered(changes);
      },
      settings.identifiers,
    );
    return {
      ...connector,
      forget: async (identities, signal) => {
        const formed = formedIdentities(identities, formIdentity, settings);
        if (formed.length === 0) return;
        for (const list of await lists.all(signal))
          if (isCustomerList(list)) await change(true, list.id, formed, signal);
      },
    };
  },
});
