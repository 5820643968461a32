import { identitiesBy, type Takes } from '@activation-hub/destination-kit';
import { memberTables } from './request.ts';
import type { Dynamics365Settings } from './settings.ts';

export const dynamics365Takes = ({ identifiers, memberType }: Dynamics365Settings): Takes => ({
  identities: identitiesBy(
    identifiers,
    ({ column, alternateKey }) =>
      `Finds the ${memberType} by the column ${column}${alternateKey ? ', an alternate key, under which one is made' : ''}.`,
  ),
  attributes: {},
  otherAttributes:
    'A column by its logical name, with the value as JSON; a reference as name@odata.bind. The column by which the person is known is not written.',
  refusedAttributes: { [memberTables[memberType].id]: 'Dataverse gives the ids of records itself.' },
});
