import {
  formed,
  type FormedValue,
  googleProfile,
  type PersonalField,
  plainProfile,
  refused,
  type Takes,
} from '@activation-hub/destination-kit';
import type { LinkedinSettings } from './settings.ts';

/**
 * Ids of a person in LinkedIn's form ("DMP Segment Users"), which publishes no example of a hash.
 */
export const linkedinIds: Readonly<Record<'SHA256_EMAIL' | 'GOOGLE_AID' | 'APPLE_IDFA', PersonalField>> = {
  SHA256_EMAIL: { normalise: plainProfile.email.normalise, as: 'sha256' },
  GOOGLE_AID: { normalise: googleProfile.mobileId.normalise, as: 'opaque' },
  APPLE_IDFA: { normalise: googleProfile.mobileId.normalise, as: 'opaque' },
};

export type LinkedinKey = keyof typeof linkedinIds;
export const linkedinKeys = Object.keys(linkedinIds) as LinkedinKey[];

/** What else helps to find the person, with the longest that LinkedIn takes. */
export const linkedinFields: Readonly<
  Record<'firstName' | 'lastName' | 'title' | 'company' | 'country', PersonalField>
> = {
  firstName: { normalise: atMost(35), as: 'plain' },
  lastName: { normalise: atMost(35), as: 'plain' },
  title: { normalise: atMost(50), as: 'plain' },
  company: { normalise: atMost(50), as: 'plain' },
  country: { normalise: plainProfile.country.normalise, as: 'plain' },
};

function atMost(length: number): (text: string) => FormedValue {
  return (text) => (text.length <= length ? formed(text) : refused('longer than LinkedIn takes'));
}

const asItIs = 'as it is, not hashed';
const attributes: Readonly<Record<LinkedinKey | keyof typeof linkedinFields, string>> = {
  SHA256_EMAIL: 'An e-mail address, in lower case. SHA-256 of it is sent, unless it is one already.',
  GOOGLE_AID: `The advertising id of an Android device, ${asItIs}; zeros are dropped.`,
  APPLE_IDFA: `The advertising id of an Apple device, ${asItIs}; zeros are dropped.`,
  firstName: `The first name, ${asItIs}, at most 35 characters.`,
  lastName: `The last name, ${asItIs}, at most 35 characters.`,
  title: `The job title, ${asItIs}, at most 50 characters.`,
  company: `The name of the company, ${asItIs}, at most 50 characters.`,
  country: 'The country, by its code of two letters or its English name; sent as two letters.',
};

export const linkedinTakes = ({ keys }: LinkedinSettings): Takes => ({
  identities: Object.fromEntries(
    Object.entries(keys).map(([namespace, key]) => [namespace, `LinkedIn matches it as ${key}. ${attributes[key]}`]),
  ),
  attributes,
});
