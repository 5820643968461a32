import {
  afterPart,
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  identityIn,
  metaProfile,
  type Verdict,
  withinQuota,
} from '@activation-hub/destination-kit';
import { metaAudiences } from './lists.ts';
import { metaQuota } from './quota.ts';
import { earlierRowOf, metaRequests, type MetaRow, rowOf, rowsOfIdentities } from './request.ts';
import { judgeUsers, requireForgotten } from './response.ts';
import { metaSettings, type MetaOptions, metaOptions } from './settings.ts';
import { metaTakes } from './takes.ts';
import { metaVersions } from './versions.ts';

/** How long Meta knows a person by an id of one's own. */
const externIdDays = 90;

/** Memberships in Meta's custom audiences. */
export const metaCustomAudiences = defineDestination({
  type: 'meta-custom-audiences',
  title: 'Meta Custom Audiences',
  description: 'Keeps the members of custom audiences of Meta (Facebook, Instagram), as hashes.',
  settings: metaSettings,
  options: metaOptions,
  // An ad account of the limited tier may make 5,000 calls in an hour, which is 1.4 in a second.
  limits: () => ({ batchCount: 10_000, batchBytes: 4 * 1024 * 1024, requestsPerSecond: 1, concurrency: 4 }),
  batchBy: 'route',
  identity: identityIn(metaProfile),
  takes: metaTakes,
  // Meta keeps an id of one's own for 90 days
  // (developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences); who is known by
  // another key stays.
  membershipDays: ({ identifiers }, _options, namespace) =>
    identifiers[namespace] === 'EXTERN_ID' ? externIdDays : undefined,
  versions: metaVersions,
  comparison: {
    enters: 'joins a custom audience',
    leaves: 'leaves it',
    keeps: 'by EXTERN_ID 90 days, else until the exit',
    hashed: 'all but MADID, EXTERN_ID, PAGEUID and APPUID',
    shownAfter: 'up to 24 hours',
    erasure: 'the keys leave all custom audiences of the ad account',
    untried: 'the token in a header of a GET',
  },
  connect: (settings, { http: client, now }): Connector<MetaOptions> => {
    client.check(settings.baseUrl);
    const http = withinQuota(client, settings.quotaShare, metaQuota, now);
    const requests = metaRequests(settings);
    const audiences = metaAudiences(http, requests, now);
    let attempts = 0;

    const tell = async (
      direction: 'add' | 'remove',
      deliveries: readonly Delivery<MetaOptions>[],
      signal: AbortSignal,
    ): Promise<Verdict[]> => {
      const rows = deliveries.map(({ change }) => ({ change, row: rowOf(change, settings) }));
      const verdicts = rows.flatMap(({ change: { id }, row }): Verdict[] =>
        'refusal' in row ? [{ id, status: 'rejected', reason: row.refusal }] : [],
      );
      const told = rows.flatMap(({ change, row }) => ('refusal' in row ? [] : [{ change, row }]));
      const options = deliveries[0]?.options;
      if (options === undefined || told.length === 0) return verdicts;
      const audienceId = await audiences.get(options, signal);
      const send = async (to: 'add' | 'remove', part: readonly MetaRow[]): Promise<readonly Verdict[]> => {
        attempts = (attempts + 1) % Number.MAX_SAFE_INTEGER;
        const audience = { audienceId, valueBased: options.valueBased };
        const response = await http.send(requests.changeUsers(to, audience, part, `${now()}-${attempts}`), signal);
        try {
          return judgeUsers(response, part, now());
        } catch (error) {
          if (error instanceof DestinationError && error.class === 'set-up') audiences.forget(options);
          throw error;
        }
      };
      const current = told.map(({ row }) => row);
      const earlier = told.flatMap(({ change, row }) =>
        direction === 'add' ? (earlierRowOf(change, row, settings) ?? []) : [],
      );
      if (earlier.length === 0) return [...verdicts, ...(await send(direction, current))];
      // One after the other: Meta gives no order to what comes at the same time.
      const removed = await send('remove', earlier);
      const kept = new Set(removed.flatMap(({ id, status }) => (status === 'delivered' ? [] : [id])));
      const reason = 'Meta did not take the person out under the earlier keys';
      for (const id of kept) verdicts.push({ id, status: 'retry', reason, doubt: 'answered' });
      const others = current.filter(({ id }) => !kept.has(id));
      return others.length === 0 ? verdicts : [...verdicts, ...(await afterPart(send('add', others)))];
    };
    return {
      enter: (deliveries, signal) => tell('add', deliveries, signal),
      // There are no attributes to be changed: what finds the person is added, once what does no
      // longer was taken out.
      update: (deliveries, signal) => tell('add', deliveries, signal),
      exit: (deliveries, signal) => tell('remove', deliveries, signal),
      forget: async (identities, signal) => {
        const rows = rowsOfIdentities(identities, settings);
        if (rows.length > 0) requireForgotten(await http.send(requests.forgetUsers(rows), signal), now());
      },
      probe: async (routes, signal) => {
        const problems: string[] = [];
        for (const options of routes) {
          const problem = await audiences.problem(options, signal);
          if (problem !== undefined) problems.push(problem);
        }
        return problems;
      },
    };
  },
});
