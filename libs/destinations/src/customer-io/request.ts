import { type Change, type Delivery, type HttpRequest, jsonRequest } from '@activation-hub/destination-kit';
import type { CustomerIoOptions, CustomerIoSettings } from './settings.ts';

/** Describes the requests to the Track API; the credentials are added on their way. */
export function customerIoRequests({ baseUrl, identifiers, createPeople, timeoutMs }: CustomerIoSettings) {
  const root = baseUrl.replace(/\/+$/, '');
  const who = ({ namespace, value }: Change['identity']) => ({ [identifiers[namespace] ?? '']: value });
  const batch = (operations: readonly object[]): HttpRequest =>
    jsonRequest('POST', `${root}/api/v2/batch`, timeoutMs, { batch: operations });

  return {
    /**
     * Says of each person whether they are a member, and writes the attributes. Only an entry may
     * add a person.
     */
    identify: (deliveries: readonly Delivery<CustomerIoOptions>[]): HttpRequest =>
      batch(
        deliveries.map(({ change, options: { booleanAttribute } }) => ({
          type: 'person',
          identifiers: who(change.identity),
          action: 'identify',
          attributes: {
            ...(change.kind === 'exited' ? {} : attributesOf(change, identifiers[change.identity.namespace])),
            [booleanAttribute]: change.kind !== 'exited',
            _update: !(createPeople && change.kind === 'entered'),
          },
        })),
      ),
    deletePeople: (identities: readonly Change['identity'][]): HttpRequest =>
      batch(identities.map((identity) => ({ type: 'person', identifiers: who(identity), action: 'delete' }))),
    readRegion: (): HttpRequest => jsonRequest('GET', `${root}/api/v1/accounts/region`, timeoutMs),
  };
}

/** The identity says who it is; an attribute must not say otherwise. */
const attributesOf = ({ attributes }: Change, identifier: string | undefined): object =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== identifier));
