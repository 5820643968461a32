import {
  afterPart,
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  formField,
  type FormedValue,
  refused,
  type Verdict,
} from '@activation-hub/destination-kit';
import { snapchatLists } from './lists.ts';
import { snapchatRequests } from './request.ts';
import { requireTaken } from './response.ts';
import {
  lifetimeDays,
  type SnapchatOptions,
  snapchatOptions,
  type SnapchatSettings,
  snapchatSettings,
} from './settings.ts';
import { signedIn } from './sign-in.ts';
import { snapchatProfile, snapchatTakes } from './takes.ts';

interface Identity {
  readonly namespace: string;
  readonly value: string;
}

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
  connect: (settings, { http, now }): Connector<SnapchatOptions> => {
    http.check(settings.baseUrl);
    http.check(settings.signInUrl);
    const sender = signedIn(http, settings, now);
    const requests = snapchatRequests(settings);
    const lists = snapchatLists(sender, requests, now);

    /** One request is of one kind of identifiers. */
    const change = async (
      direction: 'add' | 'remove',
      listId: string,
      identities: readonly Identity[],
      signal: AbortSignal,
    ): Promise<void> => {
      const kinds = Map.groupBy(identities, ({ namespace }) => settings.identifiers[namespace]);
      let isFirst = true;
      for (const [kind, part] of kinds) {
        if (kind === undefined) continue;
        const values = [...new Set(part.map(({ value }) => value))];
        const ask = async () =>
          requireTaken(
            await sender.send(requests.changeMembers(direction, listId, kind, values), signal),
            identities.length,
            now(),
          );
        await (isFirst ? ask() : afterPart(ask()));
        isFirst = false;
      }
    };
    const tell = async (
      direction: 'add' | 'remove',
      deliveries: readonly Delivery<SnapchatOptions>[],
      signal: AbortSignal,
    ): Promise<Verdict[]> => {
      const [first] = deliveries;
      if (first === undefined) return [];
      const listId = await lists.get(first.options, signal);
      const identities = deliveries.map((delivery) => delivery.change.identity);
      try {
        await change(direction, listId, identities, signal);
      } catch (error) {
        if (!(error instanceof DestinationError)) throw error;
        if (error.class === 'set-up') lists.forget(first.options);
        if (error.class !== 'invalid') throw error;
        // The list may be gone, which no row is at fault for: the look-up says so, or gives the
        // list that there is now.
        const current = await lists.getAnew(first.options, signal);
        if (current === listId) throw error;
        const again = change(direction, current, identities, signal);
        await (error.doubt === undefined ? again : afterPart(again));
      }
      return deliveries.map((delivery) => ({ id: delivery.change.id, status: 'delivered' }));
    };
    const add: Connector<SnapchatOptions>['enter'] = (deliveries, signal) => tell('add', deliveries, signal);

    return {
      enter: add,
      // A list keeps no attributes: who stays is added again, which begins the days of the
      // membership anew.
      update: add,
      exit: (deliveries, signal) => tell('remove', deliveries, signal),
      forget: async (identities, signal) => {
        const formed = identities.flatMap(({ namespace, value }) => {
          const form = formIdentity({ namespace, value }, settings);
          return form.status === 'formed' ? [{ namespace, value: form.value }] : [];
        });
        if (formed.length === 0) return;
        for (const { id, source_type: source } of await lists.all(signal))
          if (source === 'FIRST_PARTY') await change('remove', id, formed, signal);
      },
      probe: (routes, signal) => lists.probe(routes, signal),
      prepare: (routes, signal) => lists.prepare(routes, signal),
    };
  },
});

function formIdentity({ namespace, value }: Identity, { identifiers, defaultCountry }: SnapchatSettings): FormedValue {
  const kind = Object.hasOwn(identifiers, namespace) ? identifiers[namespace] : undefined;
  if (kind === undefined) return refused('no identifier is set for this namespace');
  return formField(snapchatProfile[kind], value, defaultCountry === undefined ? {} : { defaultCountry });
}
