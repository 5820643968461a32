import type { Takes } from '@activation-hub/destination-kit';
import type { GoogleOptions, GoogleSettings } from './settings.ts';

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

const mobileId =
  'The advertising id of a mobile device (IDFA, or of Android), or a list of them, not hashed; zeros are dropped.';

/** A user list takes one kind of data: contact data, or mobile ids. */
export const googleTakes = ({ identifiers }: GoogleSettings, { holds }: GoogleOptions): Takes => {
  const { adUserData = '', adPersonalization = '', ...contactData } = attributes;
  const isOfMobileIds = holds === 'mobile-ids';
  const data: Takes['attributes'] = isOfMobileIds ? { mobileId } : contactData;
  const otherwise = isOfMobileIds
    ? Object.keys(contactData).map((name) => [name, 'A user list of mobile ids takes no contact data.'])
    : [['mobileId', 'Only a user list of mobile ids takes it: write holds: mobile-ids in the options.']];
  return {
    identities: Object.fromEntries(
      Object.entries(identifiers).flatMap(([namespace, name]) =>
        data[name] === undefined ? [] : [[namespace, `Sent as ${name}. ${data[name]}`]],
      ),
    ),
    attributes: { ...data, adUserData, adPersonalization },
    refusedAttributes: Object.fromEntries(otherwise) as Takes['attributes'],
  };
};
