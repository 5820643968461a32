import {
  type Connector,
  createReasonGuard,
  defineDestination,
  formed,
  formField,
  headerTextOf,
  plainProfile,
  reading,
  refused,
  secretsIn,
  withHeaders,
} from '@activation-hub/destination-kit';
import { customerIoRequests } from './request.ts';
import { customerIoError, judgeBatch } from './response.ts';
import { type CustomerIoOptions, customerIoOptions, type CustomerIoSettings, customerIoSettings } from './settings.ts';
import { customerIoTakes } from './takes.ts';

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
    const requests = customerIoRequests(settings);
    const secrets = secretsIn(settings);
    const tell: Connector<CustomerIoOptions>['enter'] = async (deliveries, signal) => {
      const response = await sender.send(requests.identify(deliveries), signal);
      const ids = deliveries.map(({ change }) => change.id);
      return judgeBatch(response, ids, createReasonGuard(deliveries, secrets), now());
    };

    return {
      enter: tell,
      update: tell,
      exit: tell,
      forget: async (identities, signal) => {
        const people = identities.flatMap(({ namespace, value }) => {
          const form = formIdentity({ namespace, value }, settings);
          return form.status === 'formed' ? [{ namespace, value: form.value }] : [];
        });
        if (people.length === 0) return;
        const response = await sender.send(requests.deletePeople(people), signal);
        if (response.status !== 200) throw customerIoError(response, now());
      },
      probe: async (_routes, signal) => {
        const response = await reading(sender.send(requests.readRegion(), signal));
        if (response.status !== 200) throw customerIoError(response, now());
        return [];
      },
    };
  },
});

function formIdentity(
  { namespace, value }: { readonly namespace: string; readonly value: string },
  { identifiers }: CustomerIoSettings,
) {
  const identifier = Object.hasOwn(identifiers, namespace) ? identifiers[namespace] : undefined;
  if (identifier === undefined) return refused('no identifier is set for this namespace');
  if (identifier === 'email') return formField(plainProfile.email, value);
  const id = value.trim();
  if (id === '') return refused('no value');
  return Buffer.byteLength(id) <= 150 ? formed(id) : refused('an id has at most 150 bytes');
}
