import { identitiesBy, type Takes } from '@activation-hub/destination-kit';
import type { MetaOptions, MetaSettings } from './settings.ts';

const hashed = 'SHA-256 of it is sent, unless it is one already.';

/**
 * What Meta matches persons by ("Hashing and normalizing data" of customer file custom audiences).
 */
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

const scoped = 'as it is, not hashed. All are of the one';

export const metaTakes = ({ identifiers, pageId, appId }: MetaSettings, { valueBased }: MetaOptions): Takes => {
  const sometimes: Readonly<Record<string, readonly [isTaken: boolean, how: string, otherwise: string]>> = {
    PAGEUID: [
      pageId !== undefined,
      `The id of the person at a page, ${scoped} of pageId.`,
      'Write the setting pageId.',
    ],
    APPUID: [appId !== undefined, `The id of the person in an app, ${scoped} of appId.`, 'Write the setting appId.'],
    LOOKALIKE_VALUE: [
      valueBased,
      'What the person is worth, a number that is not negative. It finds nobody.',
      'Only a value-based audience takes it: write valueBased: true in the options.',
    ],
  };
  const rows = Object.entries(sometimes);
  const taken = {
    ...attributes,
    ...Object.fromEntries(rows.flatMap(([name, [isTaken, how]]) => (isTaken ? [[name, how]] : []))),
  };
  return {
    identities: identitiesBy(identifiers, (key) => `Sent as ${key}. ${taken[key] ?? ''}`.trim()),
    attributes: taken,
    refusedAttributes: Object.fromEntries(rows.flatMap(([name, [isTaken, , why]]) => (isTaken ? [] : [[name, why]]))),
  };
};
