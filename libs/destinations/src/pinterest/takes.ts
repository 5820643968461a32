import { hashed, plainProfile, takesIn } from '@activation-hub/destination-kit';

/**
 * What a record of a customer list may be, in the form in which it is hashed: e-mail addresses in
 * lower case (customer_lists/update, api-description of Pinterest), advertising ids as 8-4-4-4-12
 * in lower case.
 */
export const pinterestProfile = {
  EMAIL: hashed(plainProfile.email, 'An e-mail address in lower case.'),
  MAID: hashed(plainProfile.mobileId, 'The advertising id of a mobile device in lower case.'),
};

/** A record of a customer list is one identifier and nothing else. */
export const pinterestTakes = takesIn(pinterestProfile);
