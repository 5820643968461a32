import {
  defineDestination,
  delivered,
  identityIn,
  listConnector,
  personIds,
  removedFirst,
  VendorApi,
} from '@activation-hub/destination-kit';
import { tiktokAudiences } from './lists.ts';
import { type TiktokIds, tiktokRequests } from './request.ts';
import { envelope, tiktokAnswers } from './response.ts';
import { tiktokOptions, tiktokSettings } from './settings.ts';
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
  identity: identityIn(tiktokFields),
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
  connect: (settings, { http, now }) => {
    http.check(settings.baseUrl);
    const api = new VendorApi(http, tiktokAnswers, now);
    const requests = tiktokRequests(settings);
    return listConnector(
      tiktokAudiences(api, requests),
      async ({ list, changes, isExit }, signal) => {
        const map = (action: 'add' | 'delete', rows: readonly TiktokIds[]) =>
          api.ask(requests.mapIds(action, list, rows), envelope, signal);
        // TikTok keeps no attributes: the ids by which it finds the person are told.
        const persons = changes.map((change) => personIds(tiktokFields, change, settings));
        const rows = persons.map(({ ids }) => ids);
        const vanished = persons.map((each) => each.vanished).filter((ids) => Object.keys(ids).length > 0);
        if (isExit) await map('delete', rows);
        else
          await removedFirst(
            vanished,
            (part) => map('delete', part),
            () => map('add', rows),
          );
        return delivered(changes);
      },
      settings.identifiers,
    );
  },
});
