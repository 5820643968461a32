import { identitiesBy, type Takes } from '@activation-hub/destination-kit';
import type { HubspotSettings } from './settings.ts';

export const hubspotTakes = ({ identifiers }: HubspotSettings): Takes => ({
  identities: identitiesBy(identifiers, (name) => `Finds the contact by its property ${name}.`),
  attributes: {},
  otherAttributes:
    'A property of the contact by its internal name, as text. One by which the person is known is not written: the identity says it.',
  refusedAttributes: { hs_object_id: 'HubSpot gives the ids of records itself.' },
});
