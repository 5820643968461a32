import {
  type Connector,
  createReasonGuard,
  defineDestination,
  formedIdentities,
  formField,
  formId,
  headerTextOf,
  identityBy,
  plainProfile,
  reading,
  secretsIn,
  tellKnown,
  VendorApi,
  vendorError,
  withHeaders,
} from '@activation-hub/destination-kit';
import { customerIoRequests } from './request.ts';
import { customerIoAnswers, judgeBatch } from './response.ts';
import { type CustomerIoOptions, customerIoOptions, type CustomerIoSettings, customerIoSettings } from './settings.ts';
import { customerIoTakes } from './takes.ts';

const formIdentity = identityBy((identifier: CustomerIoSettings['identifiers'][string], value) =>
  identifier === 'email'
    ? formField(plainProfile.email, value)
    : formId(value, (id) => Buffer.byteLength(id) <= 150, 'an id has at most 150 bytes'),
);

/**
 * People of a workspace of Customer.io, with memberships as an attribute. README.md says what it
 * does with each change.
 */
export const customerIo = defineDestination({
  type: 'customer-io',
  title: 'Customer.io',
  description: 'Keeps people of Customer.io, with memberships as attributes of which segments are made.',
  settings: customerIoSettings,
  options: customerIoOptions,
  // A batch is smaller than 500 kB, with 32 kB for each person at most.
  limits: () => ({ batchCount: 500, batchBytes: 400_000, requestsPerSecond: 20, concurrency: 4 }),
  batchBy: 'destination',
  identity: formIdentity,
  takes: customerIoTakes,
  comparison: {
    enters: 'is added or updated, with an attribute that is true',
    leaves: 'the attribute is false; the person stays',
    // docs.customer.io/messaging/profiles/manage/attributes names no end of an attribute, and no
    // page was found that rules one out.
    lasting: 'no page of Customer.io names an end, and none was found that rules one out',
    hashed: 'nothing',
    shownAfter: 'seconds to minutes: Customer.io answers before it applies',
    erasure: 'the person is deleted from the workspace',
    untried: 'what a null does to an attribute',
  },
  connect: (settings, { http, now }): Connector<CustomerIoOptions> => {
    http.check(settings.baseUrl);
    const credentials = `${settings.siteId}:${headerTextOf('apiKey', settings.apiKey)}`;
    const sender = withHeaders(http, { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` });
    const api = new VendorApi(sender, customerIoAnswers, now);
    const requests = customerIoRequests(settings);
    const secrets = secretsIn(settings);
    const tell: Connector<CustomerIoOptions>['enter'] = (deliveries, signal) =>
      tellKnown(settings.identifiers, deliveries, async (known) => {
        const response = await api.send(requests.identify(known), signal);
        const ids = known.map(({ change }) => change.id);
        return judgeBatch(response, ids, createReasonGuard(deliveries, secrets));
      });

    return {
      enter: tell,
      update: tell,
      exit: tell,
      forget: async (identities, signal) => {
        const people = formedIdentities(identities, formIdentity, settings);
        if (people.length === 0) return;
        const response = await api.send(requests.deletePeople(people), signal);
        if (response.status === 207) throw vendorError(customerIoAnswers, response, now());
      },
      probe: async (_routes, signal) => {
        await reading(api.send(requests.readRegion(), signal));
        return [];
      },
    };
  },
});
