import { formed, refused, type FormedValue } from './formed-value.ts';
import { birthDate, countryCode, emailAddress, phoneNumber, reduced } from './normalise.ts';
import { countryByThreeLetters, stateByName } from './places.ts';
import type { FieldContext, PersonalField } from './personal-field.ts';

/**
 * Values as they are, only in one spelling: for systems that keep the person's own data (CRM,
 * Braze).
 */
export const plainProfile = {
  email: { normalise: emailAddress, as: 'plain' },
  phone: { normalise: phoneNumber, as: 'plain' },
  country: { normalise: countryCode, as: 'plain' },
  birthDate: { normalise: birthDate, as: 'plain' },
  mobileId: { normalise: lowerCaseAdvertisingId, as: 'opaque' },
} as const satisfies Readonly<Record<string, PersonalField>>;

/**
 * Google's "Formatting guide" of the Data Manager API. Its page says that names lose punctuation,
 * while its library keeps an inner hyphen: the library is followed. White space inside an address
 * is removed, as the page says.
 */
export const googleProfile = {
  emailAddress: { normalise: googleEmail, as: 'sha256' },
  phoneNumber: { normalise: phoneNumber, as: 'sha256' },
  givenName: { normalise: reduced(withoutTitle, 'a title without a name'), as: 'sha256' },
  familyName: { normalise: reduced(withoutSuffixes, 'a suffix without a name'), as: 'sha256' },
  regionCode: { normalise: countryCode, as: 'plain' },
  postalCode: { normalise: formed, as: 'plain' },
  mobileId: { normalise: advertisingId, as: 'opaque' },
} as const satisfies Readonly<Record<string, PersonalField>>;

/**
 * Meta's "Hashing and normalizing data" of customer file custom audiences, under the keys of an
 * audience's schema; where that page is silent, what the vendor's own library does
 * (facebook-nodejs-business-sdk, src/objects/serverside/utils.js).
 */
export const metaProfile = {
  EMAIL: { normalise: metaEmail, as: 'sha256' },
  PHONE: { normalise: digitsOfPhone, as: 'sha256' },
  FN: { normalise: reduced(lettersOnly, 'no letters'), as: 'sha256' },
  LN: { normalise: reduced(lettersOnly, 'no letters'), as: 'sha256' },
  FI: { normalise: reduced((text) => /^./u.exec(lettersOnly(text))?.[0] ?? '', 'no letters'), as: 'sha256' },
  CT: { normalise: reduced(latinOnly, 'no letters from a to z'), as: 'sha256' },
  ST: { normalise: reduced(stateCode, 'no letters from a to z'), as: 'sha256' },
  ZIP: { normalise: zipCode, as: 'sha256' },
  COUNTRY: { normalise: lowerCaseCountry, as: 'sha256' },
  GEN: { normalise: gender, as: 'sha256' },
  DOBY: { normalise: partOfBirthDate(/^(?:19|20)\d{2}$/, 0), as: 'sha256' },
  DOBM: { normalise: partOfBirthDate(/^(?:0?[1-9]|1[0-2])$/, 1), as: 'sha256' },
  DOBD: { normalise: partOfBirthDate(/^(?:0?[1-9]|[12]\d|3[01])$/, 2), as: 'sha256' },
  MADID: { normalise: mobileId, as: 'opaque' },
  EXTERN_ID: { normalise: formed, as: 'opaque' },
  PAGEUID: { normalise: scopedId, as: 'opaque' },
  APPUID: { normalise: scopedId, as: 'opaque' },
} as const satisfies Readonly<Record<string, PersonalField>>;

function googleEmail(text: string): FormedValue {
  const address = emailAddress(text.replaceAll(/\s/gu, ''));
  if (address.status === 'refused') return address;
  const [local = '', domain = ''] = address.value.split('@');
  if (domain !== 'gmail.com' && domain !== 'googlemail.com') return address;
  const mailbox = local.replace(/\+.*$/, '').replaceAll('.', '');
  return mailbox === '' ? refused('not an e-mail address') : formed(`${mailbox}@${domain}`);
}

function withoutTitle(text: string): string {
  return text.replace(/^(mr|mrs|ms|dr)\.(\s+|$)/, '').trim();
}

const suffix = /(,\s*|\s+)(jr\.?|sr\.?|2nd|3rd|ii|iii|iv|v|vi|cpa|dc|dds|vm|jd|md|phd)$/;

function withoutSuffixes(text: string): string {
  let name = text;
  while (suffix.test(name)) name = name.replace(suffix, '').trimEnd();
  return name;
}

/** The vendor's library takes no mailbox that begins or ends with a dot, or has two in a row. */
function metaEmail(text: string): FormedValue {
  const address = emailAddress(text);
  const [local = ''] = address.status === 'formed' ? address.value.split('@') : [];
  return /^\.|\.\.|\.$/.test(local) ? refused('not an e-mail address') : address;
}

/** Letters of any alphabet, and the marks on them. */
function lettersOnly(text: string): string {
  return text.replaceAll(/[^\p{L}\p{M}]/gu, '');
}

function latinOnly(text: string): string {
  return text.replaceAll(/[^a-z]/g, '');
}

function stateCode(text: string): string {
  const letters = latinOnly(text);
  return stateByName.get(letters) ?? letters;
}

/** Devices whose owner refuses advertising report zeros: the id of no person. */
function mobileId(text: string): FormedValue {
  return /^[0-]*$/.test(text) ? refused('the id of a device that tells none') : formed(text.toLowerCase());
}

/**
 * An IDFA of iOS or an advertising id of Android, both of which are UUIDs; in the case in which the
 * system tells it.
 */
function advertisingId(text: string): FormedValue {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text))
    return refused('not the advertising id of a mobile device');
  return /^[0-]*$/.test(text) ? refused('the id of a device that tells none') : formed(text);
}

function lowerCaseAdvertisingId(text: string): FormedValue {
  return advertisingId(text.toLowerCase());
}

/** The id of a person for one page or app of Meta. */
function scopedId(text: string): FormedValue {
  return /^[1-9]\d{0,19}$/.test(text) ? formed(text) : refused('not the digits of an id of Meta');
}

function digitsOfPhone(text: string, context: FieldContext): FormedValue {
  const number = phoneNumber(text, context);
  return number.status === 'formed' ? formed(number.value.slice(1)) : number;
}

function zipCode(text: string): FormedValue {
  const code = text.toLowerCase().replaceAll(/\s/gu, '').replace(/-.*$/, '');
  return code.length < 2 ? refused('not a postal code') : formed(code);
}

function lowerCaseCountry(text: string): FormedValue {
  const code = countryCode(countryByThreeLetters.get(text.toUpperCase()) ?? text);
  return code.status === 'formed' ? formed(code.value.toLowerCase()) : code;
}

const genders: ReadonlyMap<string, string> = new Map([
  ['m', 'm'],
  ['male', 'm'],
  ['f', 'f'],
  ['female', 'f'],
]);

function gender(text: string): FormedValue {
  const value = genders.get(text.toLowerCase());
  return value === undefined
    ? refused('neither male nor female, which is all that there is a code for')
    : formed(value);
}

/**
 * From the part itself, or from a whole date; the time of a date-time is left out, for it may be
 * any place's.
 */
function partOfBirthDate(part: RegExp, place: number): (text: string) => FormedValue {
  return (text) => {
    if (part.test(text)) return formed(text.padStart(2, '0'));
    const date = birthDate(text.replace(/[T ]\d{2}:\d{2}.*$/, ''));
    return date.status === 'formed' ? formed(date.value.split('-')[place] ?? '') : date;
  };
}
