import { identitiesBy, type Takes } from '@activation-hub/destination-kit';
import { type CustomerIoOptions, type CustomerIoSettings, reservedNames } from './settings.ts';

const whose = 'It would say who is meant: the identity says that.';

export const customerIoTakes = ({ identifiers }: CustomerIoSettings, options: CustomerIoOptions): Takes => ({
  identities: identitiesBy(identifiers, (identifier) => `Finds the person by ${identifier}.`),
  attributes: {
    email: 'An attribute of the person, where the identity is another identifier; else the identity says it.',
  },
  otherAttributes: 'An attribute of the person, as it is.',
  refusedAttributes: {
    ...Object.fromEntries([...reservedNames].filter((name) => name !== 'email').map((name) => [name, whose])),
    [options.booleanAttribute]: 'The option of the route writes the membership there.',
  },
});
