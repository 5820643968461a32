import {
  createReasonGuard,
  defineDestination,
  identityIn,
  listConnector,
  secretsIn,
  VendorApi,
  withRefreshToken,
} from '@activation-hub/destination-kit';
import { linkedinSegments } from './lists.ts';
import { elementsOf, linkedinRequests } from './request.ts';
import { judgeUsers, linkedinAnswers, segmentNotFound, toldSchema } from './response.ts';
import { linkedinOptions, linkedinSettings } from './settings.ts';
import { linkedinIds, linkedinTakes } from './takes.ts';
import { linkedinVersions } from './versions.ts';

/** Memberships in matched audiences of LinkedIn. README.md says what it does with each change. */
export const linkedin = defineDestination({
  type: 'linkedin',
  title: 'LinkedIn',
  description:
    'Keeps the members of matched audiences of LinkedIn, whose API is for developers whom LinkedIn approves.',
  settings: linkedinSettings,
  options: linkedinOptions,
  // 600 requests in a minute for each member ("DMP Segment Users"). 5,000 elements in a request are
  // what others tell, and a change has two at most.
  limits: () => ({ batchCount: 2_500, batchBytes: 2 * 1024 * 1024, requestsPerSecond: 8, concurrency: 4 }),
  batchBy: 'route',
  identity: identityIn(linkedinIds),
  takes: linkedinTakes,
  versions: linkedinVersions,
  // An audience that is neither edited nor used for 90 days expires, and its data with it
  // (linkedin.com/help/lms/answer/a795242).
  membershipDays: () => 90,
  comparison: {
    enters: 'joins a matched audience',
    leaves: 'leaves it',
    keeps: 'for 90 days after the audience was edited or used last',
    hashed: 'e-mail',
    shownAfter: 'up to 48 hours',
    erasure: 'the ids leave the audience',
    untried: 'how a removal finds a person; that telling again is an edit',
  },
  connect: (settings, { http, now }) => {
    http.check(settings.baseUrl);
    http.check(settings.tokenUrl);
    // "Refresh Tokens with OAuth 2.0": an access token lives 60 days.
    const advice =
      'Check the client id and secret, and let the member authorize the app again: a refresh token lives a year.';
    const api = new VendorApi(withRefreshToken(http, { ...settings, advice }, now), linkedinAnswers, now);
    const requests = linkedinRequests(settings);
    const secrets = secretsIn(settings);
    return listConnector(
      linkedinSegments(api, requests, now),
      async ({ list, deliveries, changes }, signal) => {
        // LinkedIn keeps no attributes to be changed: what finds the person is told, and what finds
        // them no longer is taken out.
        const elements = elementsOf(changes, settings);
        const told = await api.find(requests.tellUsers(list, elements), toldSchema, ['404'], signal);
        if (told === undefined) throw segmentNotFound();
        return judgeUsers(told, elements, createReasonGuard(deliveries, secrets), now());
      },
      settings.identifiers,
    );
  },
});
