import { parsePhoneNumberFromString, type CountryCode, type MetadataJson } from 'libphonenumber-js/core';
// The smallest metadata: it knows every numbering plan, and does not tell mobile numbers from
// others, which no connector needs.
import phoneMetadata from 'libphonenumber-js/min/metadata';
import { formed, refused, type FormedValue } from './formed-value.ts';
import type { FieldContext } from './personal-field.ts';

/** An address in lower case, as long as it has the form of one. */
export function emailAddress(text: string): FormedValue {
  const address = text.toLowerCase();
  if (address.length > 254 || !/^[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/u.test(address)) {
    return refused('not an e-mail address');
  }
  return formed(address);
}

/**
 * E.164 with the plus sign; an extension is left out. A number without a country code needs
 * `defaultCountry`.
 */
export function phoneNumber(text: string, { defaultCountry }: FieldContext): FormedValue {
  const metadata: MetadataJson = phoneMetadata;
  const country = defaultCountry?.toUpperCase();
  const isKnown = (code: string): code is CountryCode => Object.hasOwn(metadata.countries, code);
  if (country !== undefined && !isKnown(country)) return refused('a default country that has no phone numbers');
  const options = { extract: false, ...(country === undefined ? {} : { defaultCountry: country }) };
  const number = parsePhoneNumberFromString(text, options, metadata);
  if (!number?.isValid()) {
    return refused(country === undefined ? 'not a phone number with its country code' : 'not a phone number');
  }
  return formed(number.number);
}

/** ISO 3166-1 alpha-2 in upper case, from the code or from the English name of the country. */
export function countryCode(text: string): FormedValue {
  const upperCase = text.toUpperCase();
  if (countries.has(upperCase)) return formed(upperCase);
  const code = countriesByName().get(text.toLowerCase());
  return code === undefined ? refused('not a country') : formed(code);
}

/**
 * A day of the calendar as `YYYY-MM-DD`, from 1900 to 2099. Other spellings are refused: 01/02/1990
 * is two days.
 */
export function birthDate(text: string): FormedValue {
  if (!/^(19|20)\d{2}-\d{2}-\d{2}$/.test(text)) return refused('not a date as YYYY-MM-DD');
  const day = new Date(`${text}T00:00:00Z`);
  const isDay = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
  return isDay ? formed(text) : refused('not a day of the calendar');
}

/** Gives what `change` makes of the text, or a refusal when it makes nothing of it. */
export function reduced(change: (lowerCase: string) => string, why: string): (text: string) => FormedValue {
  return (text) => {
    const value = change(text.toLowerCase());
    return value === '' ? refused(why) : formed(value);
  };
}

/**
 * All that have phone numbers, but the ones that are no countries of ISO 3166-1, and those without
 * any phone.
 */
const countries: ReadonlySet<string> = new Set([
  ...Object.keys(phoneMetadata.countries).filter((code) => /^[A-Z]{2}$/.test(code) && code !== 'AC' && code !== 'TA'),
  ...['AQ', 'BV', 'GS', 'HM', 'PN', 'TF', 'UM'],
]);

let names: ReadonlyMap<string, string> | undefined;

/** Made when the first name comes: most data holds codes. */
function countriesByName(): ReadonlyMap<string, string> {
  const display = new Intl.DisplayNames('en', { type: 'region' });
  names ??= new Map([...countries].map((code) => [(display.of(code) ?? code).toLowerCase(), code]));
  return names;
}
