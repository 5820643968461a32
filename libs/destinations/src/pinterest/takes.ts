import {
  type DescribedField,
  identitiesBy,
  plainProfile,
  sentenceOf,
  type Takes,
} from '@activation-hub/destination-kit';
import type { PinterestSettings } from './settings.ts';

/**
 * What a record of a customer list may be, in the form in which it is hashed: e-mail addresses in
 * lower case (customer_lists/update, api-description of Pinterest), advertising ids as 8-4-4-4-12
 * in lower case.
 */
export const pinterestProfile: Readonly<Record<'EMAIL' | 'MAID', DescribedField>> = {
  EMAIL: { ...plainProfile.email, as: 'sha256', what: 'An e-mail address in lower case.' },
  MAID: { ...plainProfile.mobileId, as: 'sha256', what: 'The advertising id of a mobile device in lower case.' },
};

export const pinterestTakes = ({ identifiers }: PinterestSettings): Takes => ({
  identities: identitiesBy(identifiers, (kind) => sentenceOf(pinterestProfile[kind])),
  // A record of a customer list is one identifier and nothing else.
  attributes: {},
});
