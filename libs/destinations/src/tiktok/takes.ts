import { hashed, kindsOf, metaProfile, plainProfile, takesIn } from '@activation-hub/destination-kit';

/**
 * Fields of a person in TikTok's form, under the kinds of ids of a segment mapping ("List of
 * supported IDs and formats for a customer file" of the help of TikTok Ads Manager). An older
 * edition of that page takes away what stands between + and @ in an address, the newer one does
 * not: it is followed. Of phone numbers it wants the plus sign or takes them without, and the one
 * hash that it publishes is of digits alone: these are told.
 */
export const tiktokFields = {
  EMAIL_SHA256: hashed(
    { normalise: (text) => plainProfile.email.normalise(text.replaceAll(/\s/gu, '')) },
    'An e-mail address, in lower case.',
  ),
  PHONE_SHA256: hashed(metaProfile.PHONE, 'A phone number with its country code, digits only.'),
  IDFA_SHA256: hashed(
    plainProfile.mobileId,
    'The advertising id of an Apple device, in lower case; zeros are dropped.',
  ),
  AAID_SHA256: hashed(
    plainProfile.mobileId,
    'The advertising id of an Android device, in lower case; zeros are dropped.',
  ),
};

export type TiktokKind = keyof typeof tiktokFields;
export const tiktokKinds = kindsOf(tiktokFields);

export const tiktokTakes = takesIn(tiktokFields, tiktokFields, 'TikTok');
