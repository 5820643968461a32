import { identitiesBy, type Takes } from '@activation-hub/destination-kit';
import type { IterableSettings } from './settings.ts';

export const iterableTakes = ({ identifiers }: IterableSettings): Takes => ({
  identities: identitiesBy(identifiers, (identifier) => `Finds the user by ${identifier}.`),
  attributes: {
    email: 'A field of the user, where the identity is the userId; else the identity says it.',
  },
  otherAttributes: 'A field of the user, as it is.',
  refusedAttributes: { userId: 'It would say whose profile is meant: the identity says that.' },
});
