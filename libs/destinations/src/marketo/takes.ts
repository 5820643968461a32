import { identitiesBy, type Takes } from '@activation-hub/destination-kit';
import type { MarketoSettings } from './settings.ts';

export const marketoTakes = ({ identifiers }: MarketoSettings): Takes => ({
  identities: identitiesBy(identifiers, (field) => `Finds the person by ${field}.`),
  attributes: { email: 'A field of the person, where another finds it; else the identity says it.' },
  otherAttributes: 'A field of the person, by its REST API name, as it is.',
  refusedAttributes: { id: 'It would say whose field is meant: the identity says that.' },
});
