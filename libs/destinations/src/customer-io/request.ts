import {
  attributesBeside,
  type Change,
  type Delivery,
  type HttpRequest,
  jsonRequests,
} from '@activation-hub/destination-kit';
import type { CustomerIoOptions, CustomerIoSettings } from './settings.ts';

/** Describes the requests to the Track API; the credentials are added on their way. */
export function customerIoRequests(settings: CustomerIoSettings) {
  const { identifiers, createPeople } = settings;
  const request = jsonRequests(settings);
  const who = ({ namespace, value }: Change['identity']) => ({ [identifiers[namespace] ?? '']: value });
  const batch = (operations: readonly object[]): HttpRequest =>
    request('POST', '/api/v2/batch', { body: { batch: operations } });

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
            ...(change.kind === 'exited' ? {} : attributesBeside(change, identifiers[change.identity.namespace])),
            [booleanAttribute]: change.kind !== 'exited',
            _update: !(createPeople && change.kind === 'entered'),
          },
        })),
      ),
    deletePeople: (identities: readonly Change['identity'][]): HttpRequest =>
      batch(identities.map((identity) => ({ type: 'person', identifiers: who(identity), action: 'delete' }))),
    readRegion: (): HttpRequest => request('GET', '/api/v1/accounts/region'),
  };
}
