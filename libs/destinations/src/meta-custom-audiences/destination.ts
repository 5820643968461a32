import {
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  formField,
  metaProfile,
  refused,
  type Verdict,
} from '@activation-hub/destination-kit';
import { MetaAudiences } from './audiences.ts';
import { metaRequests, rowOf } from './request.ts';
import { judgeUsers } from './response.ts';
import { metaSettings, type MetaOptions, metaOptions } from './settings.ts';

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
  identity: ({ namespace, value }, { keys, defaultCountry }) => {
    const key = Object.hasOwn(keys, namespace) ? keys[namespace] : undefined;
    if (key === undefined) return refused('no key is set for this namespace');
    return formField(metaProfile[key], value, defaultCountry === undefined ? {} : { defaultCountry });
  },
  connect: (settings, { http, now }): Connector<MetaOptions> => {
    http.check(settings.baseUrl);
    const requests = metaRequests(settings);
    const audiences = new MetaAudiences(http, requests, now);
    let attempts = 0;

    const tell = async (
      direction: 'add' | 'remove',
      deliveries: readonly Delivery<MetaOptions>[],
      signal: AbortSignal,
    ): Promise<Verdict[]> => {
      const rows = deliveries.map(({ change }) => ({ id: change.id, row: rowOf(change, settings) }));
      const unknown = rows.flatMap(({ id, row }): Verdict[] =>
        'refusal' in row ? [{ id, status: 'rejected', reason: row.refusal }] : [],
      );
      const told = rows.flatMap(({ row }) => ('refusal' in row ? [] : [row]));
      const options = deliveries[0]?.options;
      if (options === undefined || told.length === 0) return unknown;
      const audienceId = await audiences.idOf(options, signal);
      attempts = (attempts + 1) % Number.MAX_SAFE_INTEGER;
      const request = requests.changeUsers(direction, audienceId, told, `${now()}-${attempts}`);
      const response = await http.send(request, signal);
      try {
        return [...unknown, ...judgeUsers(response, told, now())];
      } catch (error) {
        if (error instanceof DestinationError && error.class === 'set-up') audiences.forget(options);
        throw error;
      }
    };
    return {
      enter: (deliveries, signal) => tell('add', deliveries, signal),
      // There are no attributes to be changed: what finds the person better is added to what is there.
      update: (deliveries, signal) => tell('add', deliveries, signal),
      exit: (deliveries, signal) => tell('remove', deliveries, signal),
      probe: async (routes, signal) => {
        const problems: string[] = [];
        for (const options of routes) {
          const problem = await audiences.problem(options, signal);
          if (problem !== undefined) problems.push(problem);
        }
        return problems;
      },
      prepare: async (routes, signal) => {
        for (const options of routes) await audiences.idOf(options, signal);
      },
    };
  },
});
