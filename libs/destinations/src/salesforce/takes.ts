import { identitiesBy, type Takes } from '@activation-hub/destination-kit';
import type { SalesforceSettings } from './settings.ts';

export const salesforceTakes = ({ identifiers, personType }: SalesforceSettings): Takes => {
  const reserved = 'Salesforce gives the ids of records itself.';
  return {
    identities: identitiesBy(identifiers, (field) => `Finds the ${personType} by the field ${field}.`),
    attributes: {},
    otherAttributes:
      'A field by its API name, with the value as JSON. The field by which the person is known is not written.',
    refusedAttributes: {
      ...(personType === 'person-account' && { Name: 'A person account is called by its FirstName and LastName.' }),
      Id: reserved,
      id: reserved,
      attributes: 'Salesforce reads the type of a record there.',
    },
  };
};
