import {
  type Connector,
  createReasonGuard,
  defineDestination,
  formField,
  refused,
  secretsIn,
  type Verdict,
  withSignIn,
} from '@activation-hub/destination-kit';
import { linkedinSegments } from './lists.ts';
import { elementsOf, linkedinRequests, removalsFirst } from './request.ts';
import { judgeUsers } from './response.ts';
import { type LinkedinOptions, linkedinOptions, linkedinSettings } from './settings.ts';
import { linkedinSignIn } from './sign-in.ts';
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
  identity: ({ namespace, value }, { keys }) => {
    const key = Object.hasOwn(keys, namespace) ? keys[namespace] : undefined;
    return key === undefined ? refused('no key is set for this namespace') : formField(linkedinIds[key], value);
  },
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
  connect: (settings, { http, now }): Connector<LinkedinOptions> => {
    http.check(settings.baseUrl);
    http.check(settings.tokenUrl);
    const sender = withSignIn(http, linkedinSignIn(settings), now);
    const requests = linkedinRequests(settings);
    const segments = linkedinSegments(sender, requests, now);
    const secrets = secretsIn(settings);
    const tell: Connector<LinkedinOptions>['enter'] = async (deliveries, signal) => {
      const elements = removalsFirst(deliveries.flatMap(({ change }) => elementsOf(change, settings)));
      const options = deliveries[0]?.options;
      let judged: ReadonlyMap<string, Verdict> = new Map();
      if (options !== undefined && elements.length > 0) {
        const segment = await segments.get(options, signal);
        let response = await sender.send(requests.tellUsers(segment, elements), signal);
        if (response.status === 400 || response.status === 404) {
          // The segment may be gone, which no row is at fault for: the look-up says so, or gives
          // the one that there is now.
          const current = await segments.getAnew(options, signal);
          if (current !== segment) response = await sender.send(requests.tellUsers(current, elements), signal);
        }
        judged = judgeUsers(response, elements, createReasonGuard(deliveries, secrets), now());
      }
      return deliveries.map(
        ({ change: { id } }) =>
          judged.get(id) ?? { id, status: 'rejected', reason: 'no key is set for this namespace' },
      );
    };

    return {
      enter: tell,
      // LinkedIn keeps no attributes to be changed: what finds the person is told, and what finds
      // them no longer is taken out.
      update: tell,
      exit: tell,
      probe: (routes, signal) => segments.probe(routes, signal),
      prepare: (routes, signal) => segments.prepare(routes, signal),
    };
  },
});
