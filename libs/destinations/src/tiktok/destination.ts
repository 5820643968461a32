import {
  afterPart,
  type Connector,
  defineDestination,
  type Delivery,
  formField,
  refused,
  type Verdict,
} from '@activation-hub/destination-kit';
import { tiktokAudiences } from './lists.ts';
import { rowOf, tiktokRequests, type TiktokRow, vanishedRowsOf } from './request.ts';
import { isRefusal, requireTaken } from './response.ts';
import { type TiktokOptions, tiktokOptions, tiktokSettings } from './settings.ts';
import { tiktokFields, tiktokTakes } from './takes.ts';
import { tiktokVersions } from './versions.ts';

/** Memberships in custom audiences of TikTok. README.md says what it does with each change. */
export const tiktok = defineDestination({
  type: 'tiktok',
  title: 'TikTok',
  description: 'Keeps the members of custom audiences of TikTok, as hashes.',
  settings: tiktokSettings,
  options: tiktokOptions,
  // An app of the level Basic has 10 requests in a second for all that has no limit of its own;
  // segment mappings have one that is far higher
  // (business-api.tiktok.com/portal/docs/rate-limits/v1.3). How many rows a request may have was
  // not found: 1,000 is what others tell.
  limits: () => ({ batchCount: 1_000, batchBytes: 1024 * 1024, requestsPerSecond: 10, concurrency: 10 }),
  batchBy: 'route',
  identity: ({ namespace, value }, { keys, defaultCountry }) => {
    const key = Object.hasOwn(keys, namespace) ? keys[namespace] : undefined;
    if (key === undefined) return refused('no key is set for this namespace');
    return formField(tiktokFields[key], value, defaultCountry === undefined ? {} : { defaultCountry });
  },
  takes: tiktokTakes,
  versions: tiktokVersions,
  // An audience that is neither changed nor used in an ad group for 12 months expires ("Audience
  // Expiration Policy" of the help of TikTok Ads Manager).
  membershipDays: () => 365,
  comparison: {
    enters: 'joins a custom audience',
    leaves: 'leaves it',
    keeps: 'for 12 months after the audience was changed or used last',
    hashed: 'e-mail, phone, advertising ids',
    shownAfter: 'after 24 to 48 hours',
    erasure: 'the ids leave the audience',
    untried: 'what a single bad id or an unknown audience is answered with',
  },
  connect: (settings, { http, now }): Connector<TiktokOptions> => {
    http.check(settings.baseUrl);
    const requests = tiktokRequests(settings);
    const audiences = tiktokAudiences(http, requests, now);

    const map = async (
      action: 'add' | 'delete',
      options: TiktokOptions,
      rows: readonly TiktokRow[],
      signal: AbortSignal,
    ): Promise<void> => {
      const id = await audiences.get(options, signal);
      const response = await http.send(requests.mapIds(action, id, rows), signal);
      if (!isRefusal(response, now())) {
        requireTaken(response, now());
        return;
      }
      // The audience may be gone, which no row is at fault for: the look-up says so, or gives the
      // one that there is now.
      const current = await audiences.getAnew(options, signal);
      requireTaken(current === id ? response : await http.send(requests.mapIds(action, current, rows), signal), now());
    };
    const tell = async (
      action: 'add' | 'delete',
      deliveries: readonly Delivery<TiktokOptions>[],
      signal: AbortSignal,
    ): Promise<Verdict[]> => {
      const rows: TiktokRow[] = [];
      const vanished: TiktokRow[] = [];
      const verdicts = deliveries.map(({ change }): Verdict => {
        const { id } = change;
        const row = rowOf(change, settings);
        if (row === undefined) return { id, status: 'rejected', reason: 'no key is set for this namespace' };
        rows.push(row);
        vanished.push(...vanishedRowsOf(change, row, settings));
        return { id, status: 'delivered' };
      });
      const options = deliveries[0]?.options;
      if (options === undefined || rows.length === 0) return verdicts;
      if (action === 'delete' || vanished.length === 0) await map(action, options, rows, signal);
      else {
        // What is no longer theirs leaves first: TikTok gives no order to what comes at the same
        // time.
        await map('delete', options, vanished, signal);
        await afterPart(map('add', options, rows, signal));
      }
      return verdicts;
    };
    const add: Connector<TiktokOptions>['enter'] = (deliveries, signal) => tell('add', deliveries, signal);

    return {
      enter: add,
      // TikTok keeps no attributes: the ids by which it finds the person are told.
      update: add,
      exit: (deliveries, signal) => tell('delete', deliveries, signal),
      probe: (routes, signal) => audiences.probe(routes, signal),
      prepare: (routes, signal) => audiences.prepare(routes, signal),
    };
  },
});
