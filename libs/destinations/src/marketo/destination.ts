import {
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  formed,
  formField,
  plainProfile,
  refused,
  secretsIn,
  type Verdict,
} from '@activation-hub/destination-kit';
import { marketoLists } from './lists.ts';
import { marketoMembers } from './members.ts';
import { marketoRequests } from './request.ts';
import { type MarketoOptions, marketoOptions, marketoSettings } from './settings.ts';
import { signedIn } from './sign-in.ts';
import { marketoTakes } from './takes.ts';

/**
 * Persons of Marketo Engage, and their memberships in static lists. README.md says what it does
 * with each change.
 */
export const marketo = defineDestination({
  type: 'marketo',
  title: 'Marketo Engage',
  description: 'Keeps persons of Marketo Engage and their memberships in static lists.',
  settings: marketoSettings,
  options: marketoOptions,
  // A subscription may call 100 times in 20 seconds, ten at once, with 300 persons and 1 MB each; a
  // batch is a call for each field that finds persons, and one for the list.
  limits: ({ identifiers }) => ({
    batchCount: 300,
    batchBytes: 768 * 1024,
    requestsPerSecond: 4 / (new Set(Object.values(identifiers)).size + 1),
    concurrency: 4,
  }),
  batchBy: 'route',
  identity: ({ namespace, value }, { identifiers }) => {
    const field = Object.hasOwn(identifiers, namespace) ? identifiers[namespace] : undefined;
    if (field === undefined) return refused('no field is set for this namespace');
    const form = field === 'email' ? formField(plainProfile.email, value) : formed(value.trim());
    if (form.status === 'refused') return form;
    if (form.value === '' || form.value.length > 255) return refused('no value, or one of more than 255 characters');
    return field === 'email' && !/^[\x21-\x7e]+$/.test(form.value) ? refused('an address that is not ASCII') : form;
  },
  takes: marketoTakes,
  comparison: {
    enters: 'is created or updated, and joins a static list',
    leaves: 'leaves it; the person stays',
    // experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/list-membership
    // names no end of a membership.
    lasting: 'no page of Marketo names an end, and none was found that rules one out',
    hashed: 'nothing',
    shownAfter: 'at once',
    erasure: 'the membership is taken back; the person stays',
    untried: 'the removal of members by ids in a body',
  },
  connect: (settings, { http, now }): Connector<MarketoOptions> => {
    http.check(settings.baseUrl);
    const sender = signedIn(http, settings, now);
    const requests = marketoRequests(settings);
    const lists = marketoLists(sender, requests, settings, now);
    const tell = marketoMembers(sender, requests, settings, secretsIn(settings), now);

    const changeList = async (
      direction: 'add' | 'remove',
      deliveries: readonly Delivery<MarketoOptions>[],
      signal: AbortSignal,
    ): Promise<Verdict[]> => {
      const [first] = deliveries;
      if (first === undefined) return [];
      // Before the persons are told: without its list there is nothing to be told.
      const id = await lists.get(first.options, signal);
      try {
        return await tell(deliveries, { direction, id }, signal);
      } catch (error) {
        // The list may be gone.
        if (error instanceof DestinationError && error.class === 'set-up') lists.forget(first.options);
        throw error;
      }
    };

    return {
      enter: (deliveries, signal) => changeList('add', deliveries, signal),
      update: (deliveries, signal) => tell(deliveries, undefined, signal),
      exit: (deliveries, signal) => changeList('remove', deliveries, signal),
      probe: (routes, signal) => lists.probe(routes, signal),
      prepare: (routes, signal) => lists.prepare(routes, signal),
    };
  },
});
