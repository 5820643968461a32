import {
  type Connector,
  defineDestination,
  formed,
  formField,
  identityBy,
  plainProfile,
  refused,
  VendorApi,
} from '@activation-hub/destination-kit';
import { marketoLists } from './lists.ts';
import { marketoMembers } from './members.ts';
import { marketoRequests } from './request.ts';
import { marketoAnswers } from './response.ts';
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
  identity: identityBy((field: string, value) => {
    const form = field === 'email' ? formField(plainProfile.email, value) : formed(value.trim());
    if (form.status === 'refused') return form;
    if (form.value === '' || form.value.length > 255) return refused('no value, or one of more than 255 characters');
    return field === 'email' && !/^[\x21-\x7e]+$/.test(form.value) ? refused('an address that is not ASCII') : form;
  }),
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
    const api = new VendorApi(signedIn(http, settings, now), marketoAnswers, now);
    const requests = marketoRequests(settings);
    const lists = marketoLists(api, requests, settings);
    const tell = marketoMembers(api, requests, lists, settings);
    return { enter: tell, update: tell, exit: tell, probe: (routes, signal) => lists.probe(routes, signal) };
  },
});
