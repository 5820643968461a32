import type { Takes } from '@activation-hub/destination-kit';
import type { GoogleSettings } from './settings.ts';

const hashed = 'SHA-256 of it is sent, unless it is one already.';
const address = 'Only sent together with givenName, familyName, regionCode and postalCode.';

/** What Google matches persons by ("Formatting guide" of the Data Manager API). */
const attributes: Takes['attributes'] = {
  emailAddress: `An e-mail address, or a list of them. ${hashed}`,
  phoneNumber: `A phone number with its country code, or a list of them. ${hashed}`,
  givenName: `The given name, in lower case, without a title. ${hashed} ${address}`,
  familyName: `The family name, in lower case, without suffixes. ${hashed} ${address}`,
  regionCode: `The country, two letters, not hashed. ${address}`,
  adUserData:
    'Whether the person agreed that the data is sent for advertising: y, dy, yes, true or granted; anything else is a no. In place of the option.',
  adPersonalization: 'Whether the person agreed to personalised advertising, likewise.',
  postalCode: `The postal code, as it is, not hashed. ${address}`,
};

export const googleTakes = ({ identifiers }: GoogleSettings): Takes => ({
  identities: Object.fromEntries(
    Object.entries(identifiers).map(([namespace, name]) => [namespace, `Sent as ${name}. ${attributes[name] ?? ''}`]),
  ),
  attributes,
});
