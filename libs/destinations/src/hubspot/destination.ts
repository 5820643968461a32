import {
  reading,
  type Connector,
  createReasonGuard,
  defineDestination,
  type Delivery,
  formField,
  formId,
  identityBy,
  inParts,
  optionsOf,
  plainProfile,
  secretsIn,
  tellKnown,
  type Verdict,
  withBearerToken,
  withinQuota,
} from '@activation-hub/destination-kit';
import { hubspotLists } from './lists.ts';
import { hubspotQuota } from './quota.ts';
import { hubspotRequests, type Identified } from './request.ts';
import { type Contacts, readFound, readMissing, readWritten } from './response.ts';
import { type HubspotSettings, hubspotSettings, type HubspotOptions, hubspotOptions } from './settings.ts';
import { hubspotTakes } from './takes.ts';
import { hubspotVersions } from './versions.ts';

/** Contacts of HubSpot, and their memberships in static lists. */
export const hubspot = defineDestination({
  type: 'hubspot',
  title: 'HubSpot',
  description: 'Keeps contacts of HubSpot and their memberships in static lists.',
  settings: hubspotSettings,
  options: hubspotOptions,
  // A batch takes two or three requests; the smallest plan allows 100 of them in ten seconds.
  limits: () => ({ batchCount: 100, batchBytes: 1024 * 1024, requestsPerSecond: 3, concurrency: 4 }),
  batchBy: 'route',
  identity: identityBy((property: string, value) =>
    property === 'email' ? formField(plainProfile.email, value) : formId(value),
  ),
  takes: hubspotTakes,
  versions: hubspotVersions,
  comparison: {
    enters: 'is created or updated, and joins a static list',
    leaves: 'leaves it; the contact stays',
    // Of static lists HubSpot says that nothing but a user or a call changes who is in them
    // (developers.hubspot.com/docs/guides/api/crm/lists/overview, "List processing types").
    lasting: 'as HubSpot says, only a user or a call changes who is in a static list',
    hashed: 'nothing',
    shownAfter: 'at once',
    erasure: 'the membership is taken back; the contact stays',
    untried: 'what a partial upsert by e-mail does to other properties',
  },
  connect: (settings, { http, now }): Connector<HubspotOptions> => {
    http.check(settings.baseUrl);
    const signedIn = withBearerToken(http, 'accessToken', settings.accessToken);
    const sender = withinQuota(signedIn, settings.quotaShare, hubspotQuota, now);
    const requests = hubspotRequests(settings);
    const lists = hubspotLists(sender, requests, now);
    const secrets = secretsIn(settings);

    const upsert = (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Contacts> =>
      byProperty(deliveries, settings, async (rows) => {
        const response = await sender.send(requests.upsertContacts(rows), signal);
        return readWritten(response, rows, createReasonGuard(deliveries, secrets), now());
      });
    const search = (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Contacts> =>
      byProperty(deliveries, settings, async (rows, property) =>
        readFound(await sender.send(requests.readContacts(rows, property), signal), rows, now()),
      );
    /**
     * Updates existing contacts only: an upsert would bring back a person whom a user erased in
     * HubSpot.
     */
    const update = async (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Contacts> => {
      const contacts = new Map(await reading(search(deliveries, signal)));
      const rows = deliveries.flatMap(({ change }) => {
        const contact = contacts.get(change.id);
        const idProperty = settings.identifiers[change.identity.namespace] ?? '';
        return contact !== undefined && 'recordId' in contact
          ? [{ change, idProperty, recordId: contact.recordId }]
          : [];
      });
      if (rows.length === 0) return contacts;
      // Two addresses may be of one contact, which a batch must not name twice.
      const unique = [...new Map(rows.map((row) => [row.recordId, row])).values()];
      const guard = createReasonGuard(deliveries, secrets);
      const written = readWritten(await sender.send(requests.updateContacts(unique), signal), unique, guard, now());
      const byRecord = new Map(unique.map(({ change, recordId }) => [recordId, written.get(change.id)]));
      for (const { change, recordId } of rows) {
        const contact = byRecord.get(recordId);
        if (contact !== undefined && 'verdict' in contact) {
          contacts.set(change.id, { verdict: { ...contact.verdict, id: change.id } });
        }
      }
      return contacts;
    };
    /** Gives the record ids that HubSpot does not know. */
    const changeMembers = async (
      direction: 'add' | 'remove',
      contacts: Contacts,
      options: HubspotOptions,
      signal: AbortSignal,
    ): Promise<ReadonlySet<string>> => {
      const recordIds = new Set([...contacts.values()].flatMap((of) => ('recordId' in of ? [of.recordId] : [])));
      if (recordIds.size === 0) return new Set();
      const listId = await lists.get(options, signal);
      const response = await sender.send(requests.changeMembers(direction, listId, [...recordIds]), signal);
      if (response.status === 404) lists.forget(options);
      return readMissing(response, now());
    };

    return {
      enter: ofKnown(settings, async (deliveries, signal) => {
        const options = optionsOf(deliveries);
        // Before the contacts: without its list no request about them is of use.
        await lists.get(options, signal);
        const contacts = await upsert(deliveries, signal);
        return verdictsOf(contacts, await changeMembers('add', contacts, options, signal), 'retry');
      }),
      update: ofKnown(settings, async (deliveries, signal) =>
        verdictsOf(await update(deliveries, signal), new Set(), 'retry'),
      ),
      exit: ofKnown(settings, async (deliveries, signal) => {
        const contacts = await reading(search(deliveries, signal));
        const missing = await changeMembers('remove', contacts, optionsOf(deliveries), signal);
        return verdictsOf(contacts, missing, 'delivered');
      }),
      probe: (routes, signal) => lists.probe(routes, signal),
    };
  },
});

/** Makes a method that tells the persons whose namespace is set, and rejects the others. */
const ofKnown =
  (settings: HubspotSettings, tell: Connector<HubspotOptions>['enter']): Connector<HubspotOptions>['enter'] =>
  (deliveries, signal) =>
    tellKnown(settings.identifiers, deliveries, (known) => tell(known, signal));

/**
 * Runs `call` for the changes of each contact property, for one request knows persons by one
 * property.
 */
async function byProperty(
  deliveries: readonly Delivery[],
  { identifiers }: HubspotSettings,
  call: (rows: readonly Identified[], property: string) => Promise<Contacts>,
): Promise<Contacts> {
  const rows = deliveries.map(({ change }) => ({ change, idProperty: identifiers[change.identity.namespace] ?? '' }));
  const parts = Map.groupBy(rows, ({ idProperty }) => idProperty);
  const groups = await inParts(parts, ([idProperty, part]) => call(part, idProperty));
  return new Map(groups.flatMap((contacts) => [...contacts]));
}

function verdictsOf(contacts: Contacts, missing: ReadonlySet<string>, ofMissing: 'retry' | 'delivered'): Verdict[] {
  return [...contacts].map(([id, contact]): Verdict => {
    if ('verdict' in contact) {
      const { verdict } = contact;
      const hasLeft = ofMissing === 'delivered' && verdict.status === 'not-found';
      return hasLeft ? { id, status: 'delivered' } : verdict;
    }
    if (ofMissing === 'delivered' || !missing.has(contact.recordId)) return { id, status: 'delivered' };
    return { id, status: 'retry', reason: 'HubSpot does not find the contact that it gave', doubt: 'answered' };
  });
}
