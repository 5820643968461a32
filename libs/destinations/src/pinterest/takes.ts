import { googleProfile, type PersonalField, plainProfile, type Takes } from '@activation-hub/destination-kit';
import type { PinterestSettings } from './settings.ts';

/**
 * What a record of a customer list may be, in the form in which it is hashed: e-mail addresses in
 * lower case (customer_lists/update, api-description of Pinterest), advertising ids as 8-4-4-4-12
 * in lower case.
 */
export const pinterestProfile: Readonly<Record<'EMAIL' | 'MAID', PersonalField>> = {
  EMAIL: { normalise: plainProfile.email.normalise, as: 'sha256' },
  MAID: { normalise: (text) => googleProfile.mobileId.normalise(text.toLowerCase()), as: 'sha256' },
};

const hows = {
  EMAIL: 'An e-mail address in lower case. SHA-256 of it is sent, unless it is one already.',
  MAID: 'The advertising id of a mobile device in lower case. SHA-256 of it is sent, unless it is one already.',
};

export const pinterestTakes = ({ identifiers }: PinterestSettings): Takes => ({
  identities: Object.fromEntries(Object.entries(identifiers).map(([namespace, kind]) => [namespace, hows[kind]])),
  // A record of a customer list is one identifier and nothing else.
  attributes: {},
});
