import { hashed, metaProfile, plainProfile, takesIn } from '@activation-hub/destination-kit';

/**
 * "How to Normalize Identifiers",
 * developers.snap.com/api/marketing-api/Conversions-API/BestPractices: numbers are digits with
 * their country code.
 */
export const snapchatProfile = {
  EMAIL: hashed(plainProfile.email, 'An e-mail address in lower case.'),
  PHONE: hashed(metaProfile.PHONE, 'A phone number with its country code, digits only.'),
  MAID: hashed(plainProfile.mobileId, 'The advertising id of a mobile device in lower case, with its hyphens.'),
};

export type SnapchatKind = keyof typeof snapchatProfile;

/** A customer list is of identifiers, and of nothing else. */
export const snapchatTakes = takesIn(snapchatProfile);
