import {
  afterPart,
  reading,
  type Connector,
  createReasonGuard,
  defineDestination,
  type Delivery,
  googleProfile,
  identityIn,
  secretsIn,
  type Verdict,
  withSignIn,
} from '@activation-hub/destination-kit';
import { googleRequests, type GoogleRow, rowOf, vanishedRowsOf } from './request.ts';
import { judgeStatus, readRequestId, readStatus, refusedRows } from './response.ts';
import { serviceAccountSignIn } from './sign-in.ts';
import { googleSettings, type GoogleOptions, googleOptions } from './settings.ts';
import { googleTakes } from './takes.ts';
import { userLists } from './lists.ts';

/** Memberships in Google's user lists of Customer Match. */
export const googleCustomerMatch = defineDestination({
  type: 'google-customer-match',
  title: 'Google Customer Match',
  description: 'Keeps the members of user lists of Google Ads and Display & Video 360, as hashes.',
  settings: googleSettings,
  options: googleOptions,
  // A project may make 100,000 calls in a day, which is 1.16 in a second, and is advised to have no
  // more than ten under way. Its 300 in a minute are never reached so
  // (developers.google.com/data-manager/api/devguides/limits).
  limits: () => ({ batchCount: 10_000, batchBytes: 4 * 1024 * 1024, requestsPerSecond: 1, concurrency: 10 }),
  batchBy: 'route',
  // Google may take a day to report the result of a request, and a batch with a bad row needs
  // several rounds.
  giveUpAfterMs: 3 * 86_400_000,
  identity: identityIn(googleProfile),
  takes: googleTakes,
  // Members lapse when the duration of their list ends, and uploading them again renews it
  // (developers.google.com/ads/blog, "Update to Customer Match membership expiration starting April
  // 7, 2025").
  membershipDays: (_settings, { membershipDays }) => membershipDays,
  comparison: {
    enters: 'joins a user list',
    leaves: 'leaves it',
    keeps: 'as long as the list says, 540 days at most',
    hashed: 'e-mail, phone, names',
    shownAfter: 'up to 48 hours; asked for after half an hour',
    erasure: 'the identifiers leave the list',
    untried: 'the order of an entry and an exit at the same time',
  },
  connect: (settings, { http, now }): Connector<GoogleOptions> => {
    const { baseUrl, tokenUrl, serviceAccountKey, timeoutMs, askAfterMs } = settings;
    http.check(baseUrl);
    http.check(tokenUrl);
    const sender = withSignIn(http, serviceAccountSignIn(serviceAccountKey, tokenUrl, timeoutMs, now), now);
    const requests = googleRequests(settings);
    const lists = userLists(sender, requests, now);
    const secrets = secretsIn(settings);

    /**
     * Adds or removes rows; none need no request. Gives by change id why Google refused it, or the
     * receipt of what it took.
     */
    const send = async (
      direction: 'ingest' | 'remove',
      options: GoogleOptions,
      rows: readonly GoogleRow[],
      signal: AbortSignal,
    ): Promise<Told> => {
      const refused = new Map<string, string | undefined>();
      let taken = rows;
      const listId = options.userListId ?? (await lists.get(options, signal));
      while (taken.length > 0) {
        const response = await sender.send(requests.changeMembers(direction, listId, options, taken), signal);
        // One bad row fails them all: the others are told without it, once.
        const refusals = refused.size === 0 ? refusedRows(response, taken.length) : undefined;
        if (refusals === undefined) {
          if (response.status >= 400) lists.forget(options);
          const receipt = readRequestId(response, now());
          return { refused, receipts: new Map(taken.map(({ id }) => [id, receipt])) };
        }
        for (const [place, reason] of refusals) refused.set(taken[place]?.id ?? '', reason);
        taken = taken.filter((_row, place) => !refusals.has(place));
      }
      return { refused, receipts: new Map() };
    };
    const tell = async (
      direction: 'ingest' | 'remove',
      deliveries: readonly Delivery<GoogleOptions>[],
      signal: AbortSignal,
    ): Promise<Verdict[]> => {
      const verdicts: Verdict[] = [];
      const rows: GoogleRow[] = [];
      const vanished: GoogleRow[] = [];
      for (const { change, options: of } of deliveries) {
        const row = rowOf(change, settings, of);
        if ('refusal' in row) verdicts.push({ id: change.id, status: 'rejected', reason: row.refusal });
        else {
          rows.push(row);
          if (direction === 'ingest') vanished.push(...vanishedRowsOf(change, row, settings, of));
        }
      }
      const options = deliveries[0]?.options;
      if (options === undefined || rows.length === 0) return verdicts;
      const guard = createReasonGuard(deliveries, secrets);
      const removal = await send('remove', options, vanished, signal);
      for (const id of removal.refused.keys()) verdicts.push(notRemoved(id));
      const told = send(
        direction,
        options,
        rows.filter(({ id }) => !removal.refused.has(id)),
        signal,
      );
      const { refused, receipts } = vanished.length === 0 ? await told : await afterPart(told);
      for (const [id, reason] of refused) {
        verdicts.push({ id, status: 'rejected', reason: guard(reason, 'Google refuses this person') });
      }
      const askAtMs = now() + askAfterMs;
      for (const [id, receipt] of receipts) {
        const both = [removal.receipts.get(id), receipt].filter((each) => each !== undefined);
        verdicts.push({ id, status: 'accepted', receipt: both.join(','), askAtMs });
      }
      return verdicts;
    };

    return {
      enter: (deliveries, signal) => tell('ingest', deliveries, signal),
      // There are no attributes to be changed: what finds the person is added, once what does no
      // longer was removed.
      update: (deliveries, signal) => tell('ingest', deliveries, signal),
      exit: (deliveries, signal) => tell('remove', deliveries, signal),
      poll: async (receipt, deliveries, signal) => {
        const ids = deliveries.map(({ change }) => change.id);
        const accepted = { receipt, askAtMs: now() + askAfterMs };
        const judge = async (requestId: string) => {
          const read = async () => readStatus(await sender.send(requests.readStatus(requestId), signal), now());
          return judgeStatus(await reading(read()), ids, accepted, createReasonGuard(deliveries, secrets));
        };
        const [first = '', second] = receipt.split(',');
        const verdicts = await judge(first);
        if (second === undefined || verdicts.some(({ status }) => status === 'accepted')) return verdicts;
        // The first was the removal of earlier identifiers: without it, the change is not done.
        if (verdicts.some(({ status }) => status !== 'delivered' && status !== 'not-found')) return ids.map(notRemoved);
        return await judge(second);
      },
      probe: (routes, signal) => lists.probe(routes, signal),
    };
  },
});

/** The results of one request, by change id. */
interface Told {
  readonly refused: ReadonlyMap<string, string | undefined>;
  readonly receipts: ReadonlyMap<string, string>;
}

function notRemoved(id: string): Verdict {
  const reason = 'Google did not remove the earlier identifiers of the person';
  return { id, status: 'retry', reason, doubt: 'answered' };
}
