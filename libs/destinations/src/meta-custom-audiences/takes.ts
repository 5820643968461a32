import type { Takes } from '@activation-hub/destination-kit';
import type { MetaSettings } from './settings.ts';

const hashed = 'SHA-256 of it is sent, unless it is one already.';

/** What Meta matches persons by ("Hashing and normalizing data" of customer file custom audiences). */
const attributes: Takes['attributes'] = {
  EMAIL: `An e-mail address, trimmed and in lower case. ${hashed}`,
  PHONE: `A phone number with its country code, digits only. ${hashed}`,
  FN: `The first name, in lower case, letters only. ${hashed}`,
  LN: `The last name, in lower case, letters only. ${hashed}`,
  FI: `The initial of the first name; a whole name is cut. ${hashed}`,
  CT: `The city, in lower case, a to z only. ${hashed}`,
  ST: `The state: of the US its code of two letters, also from its name; of others its name, a to z only. ${hashed}`,
  ZIP: `The postal code, in lower case; what stands after a hyphen is dropped. ${hashed}`,
  COUNTRY: `The country, by its code of two or three letters or its English name; sent as two letters. ${hashed}`,
  GEN: `The gender: m, f, male or female. ${hashed}`,
  DOBY: `The year of birth, or a date from which it is taken. ${hashed}`,
  DOBM: `The month of birth, or a date from which it is taken. ${hashed}`,
  DOBD: `The day of birth, or a date from which it is taken. ${hashed}`,
  MADID: 'The advertising id of a mobile device, in lower case, not hashed; zeros are dropped.',
  EXTERN_ID: 'An id of your own, as it is, not hashed. Meta keeps it for 90 days.',
};

export const metaTakes = ({ keys }: MetaSettings): Takes => ({
  identities: Object.fromEntries(
    Object.entries(keys).map(([namespace, key]) => [namespace, `Sent as ${key}. ${attributes[key] ?? ''}`]),
  ),
  attributes,
  refusedAttributes: {
    LOOKALIKE_VALUE: 'Value-based audiences are not supported.',
    PAGEUID: 'Audiences of page-scoped ids are not supported.',
    APPUID: 'Audiences of app-scoped ids are not supported.',
  },
});
