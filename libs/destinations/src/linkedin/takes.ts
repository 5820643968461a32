import {
  type DescribedField,
  formed,
  googleProfile,
  hashed,
  kindsOf,
  plainProfile,
  refused,
  takesIn,
} from '@activation-hub/destination-kit';

export type LinkedinKind = 'SHA256_EMAIL' | 'GOOGLE_AID' | 'APPLE_IDFA';

/**
 * Ids of a person in LinkedIn's form ("DMP Segment Users"), which publishes no example of a hash.
 */
export const linkedinIds: Readonly<Record<LinkedinKind, DescribedField>> = {
  SHA256_EMAIL: hashed(plainProfile.email, 'An e-mail address, in lower case.'),
  GOOGLE_AID: {
    ...googleProfile.mobileId,
    what: 'The advertising id of an Android device, as it is, not hashed; zeros are dropped.',
  },
  APPLE_IDFA: {
    ...googleProfile.mobileId,
    what: 'The advertising id of an Apple device, as it is, not hashed; zeros are dropped.',
  },
};

export const linkedinKinds = kindsOf(linkedinIds);

/** A text of which LinkedIn takes no more characters than these. */
const atMost = (length: number, what: string): DescribedField => ({
  normalise: (text) => (text.length <= length ? formed(text) : refused('longer than LinkedIn takes')),
  as: 'plain',
  what: `${what}, as it is, not hashed, at most ${length} characters.`,
});

/** What else helps to find the person. */
export const linkedinFields: Readonly<Record<string, DescribedField>> = {
  firstName: atMost(35, 'The first name'),
  lastName: atMost(35, 'The last name'),
  title: atMost(50, 'The job title'),
  company: atMost(50, 'The name of the company'),
  country: {
    ...plainProfile.country,
    what: 'The country, by its code of two letters or its English name; sent as two letters.',
  },
};

export const linkedinTakes = takesIn(linkedinIds, { ...linkedinIds, ...linkedinFields }, 'LinkedIn');
