import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { googleProfile, metaProfile, plainProfile } from './personal-data.ts';
import { formField, formFields, type PersonalField } from './personal-field.ts';

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const g = googleProfile;
const m = metaProfile;

/** Published by the vendors, with the hash: Google's formatting guide and its library's tests, Meta's audience guide. */
test.each<[string, PersonalField, string, string]>([
  [
    'Google e-mail',
    g.emailAddress,
    '  ALEXZ@example.com   ',
    '509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a',
  ],
  [
    'Google phone',
    g.phoneNumber,
    '   +1-800-555-0100',
    'fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30',
  ],
  ['Meta e-mail', m.EMAIL, 'mary@example.com', 'f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79'],
  ['Meta first name', m.FN, 'Mary', '6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec'],
  ['Meta country', m.COUNTRY, 'United States', '79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621'],
])('%s gives the hash that the vendor publishes', (_what, field, input, hash) => {
  expect(formField(field, input)).toEqual({ status: 'formed', value: hash });
});

/** Published as normalised text, or following from a published rule. */
test.each<[string, PersonalField, string, string]>([
  ['Google e-mail', g.emailAddress, 'QuinnY@EXAMPLE.com', 'quinny@example.com'],
  ['Google e-mail, white space inside', g.emailAddress, 'quinn y@example.com', 'quinny@example.com'],
  ['Google, dots and plus of Gmail', g.emailAddress, 'A.B.c+News@gmail.com', 'abc@gmail.com'],
  ['Google, the domain of Gmail stays', g.emailAddress, 'a.b.c@GoogleMail.com', 'abc@googlemail.com'],
  ['Google, dots and plus of others', g.emailAddress, 'A.B+c@example.com', 'a.b+c@example.com'],
  ['Meta, dots and plus of Gmail', m.EMAIL, 'A.B.c+News@gmail.com', 'a.b.c+news@gmail.com'],
  ['Google given name', g.givenName, ' Mr. Alex   ', 'alex'],
  ['Google given name that begins like a title', g.givenName, ' Mralex   ', 'mralex'],
  ['Google double name', g.givenName, 'Anne-Marie', 'anne-marie'],
  ['Google family name', g.familyName, 'quinn, jr., dds', 'quinn'],
  ['Google family name that ends like a suffix', g.familyName, 'Boardds', 'boardds'],
  ['Meta phone', m.PHONE, '+1 (212) 555-0100', '12125550100'],
  ['Meta name with an apostrophe', m.LN, "O'Connor", 'oconnor'],
  ['Meta name of several words', m.LN, 'Van Der Berg', 'vanderberg'],
  ['Meta name beyond a to z', m.FN, 'José', 'josé'],
  ['Meta name in decomposed letters', m.FN, 'Jose\u0301', 'josé'],
  ['Meta first letter', m.FI, '  Élodie', 'é'],
  ['Meta city', m.CT, "St. John's", 'stjohns'],
  ['Meta state', m.ST, 'CA', 'ca'],
  ['Meta ZIP of the US', m.ZIP, '94045-1234', '94045'],
  ['Meta ZIP of the UK', m.ZIP, 'SW1A 1AA', 'sw1a1aa'],
  ['Meta gender', m.GEN, 'Female', 'f'],
  ['Meta year of birth', m.DOBY, '1990-02-01', '1990'],
  ['Meta month of birth', m.DOBM, '1990-02-01', '02'],
  ['Meta day of birth', m.DOBD, '1990-02-01', '01'],
])('%s: %s is hashed after normalising', (_what, field, input, normalised) => {
  expect(formField(field, input)).toEqual({ status: 'formed', value: sha256(normalised) });
});

test.each<[string, PersonalField, string, string]>([
  ['Google region', g.regionCode, '  us  ', 'US'],
  ['Google postal code', g.postalCode, '  1229-076  ', '1229-076'],
  ['Meta mobile id', m.MADID, 'AB12CD34-12AB-34CD-56EF-123456789012', 'ab12cd34-12ab-34cd-56ef-123456789012'],
  ['Meta own id', m.EXTERN_ID, 'Cust-0042', 'Cust-0042'],
  ['plain e-mail', plainProfile.email, '\u200b Ann@Example.COM ', 'ann@example.com'],
  ['plain phone with an extension', plainProfile.phone, '+47 22 12 34 56 ext. 9', '+4722123456'],
  ['plain country', plainProfile.country, 'norway', 'NO'],
])('%s: %s is not hashed', (_what, field, input, value) => {
  expect(formField(field, input)).toEqual({ status: 'formed', value });
});

test.each<[string, PersonalField, string]>([
  ['an address without a mailbox', g.emailAddress, '@example.com'],
  ['a word', g.emailAddress, 'quinn'],
  ['a title alone', g.givenName, ' Mr. '],
  ['suffixes alone', g.familyName, ',Jr.,DDS '],
  ['three letters of a country', g.regionCode, ' usa '],
  ['a code of no country', g.regionCode, 'UK'],
  ['plus signs', g.phoneNumber, '++++'],
  ['zeros', g.phoneNumber, '+000'],
  ['a number that names no country', m.PHONE, '22 12 34 56'],
  ['a number too short for its country', g.phoneNumber, '+47 22'],
  ['an empty text', m.EMAIL, ''],
  ['white space', m.FN, ' \t\u00a0\u200b'],
  ['what stands for nothing', m.FN, 'N/A'],
  ['the hash of nothing', m.EMAIL, sha256('')],
  ['an MD5', m.EMAIL, 'd41d8cd98f00b204e9800998ecf8427e'],
  ['a hash where the value is wanted', plainProfile.email, sha256('mary@example.com')],
  ['a gender without a code', m.GEN, 'x'],
  ['a date that may be two days', m.DOBD, '01/02/1990'],
  ['a day that does not exist', m.DOBD, '1990-02-30'],
  ['punctuation alone', m.CT, '---'],
])('%s is refused', (_what, field, input) => {
  expect(formField(field, input)).toMatchObject({ status: 'refused' });
});

test('what is hashed already is never hashed again', () => {
  const hash = sha256('mary@example.com');
  expect(formField(m.EMAIL, ` ${hash.toUpperCase()} `)).toEqual({ status: 'formed', value: hash });
});

test('a number without a country code needs the country to be declared', () => {
  const spelled = '0151 23456789';
  expect(formField(plainProfile.phone, spelled)).toMatchObject({ status: 'refused' });
  expect(formField(plainProfile.phone, spelled, { defaultCountry: 'de' })).toEqual({
    status: 'formed',
    value: '+4915123456789',
  });
  expect(formField(plainProfile.phone, spelled, { defaultCountry: 'ZZ' })).toMatchObject({ status: 'refused' });
});

test('the example number of Meta has the form and the hash that it publishes, but no such number exists', () => {
  expect(sha256('15559876543')).toBe('1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e');
  expect(formField(m.PHONE, '15559876543', { defaultCountry: 'US' })).toMatchObject({ status: 'refused' });
  expect(formField(m.PHONE, '12125550100', { defaultCountry: 'US' })).toMatchObject({ value: sha256('12125550100') });
});

test('an own id may look like a hash', () => {
  const id = 'D41D8CD98F00B204E9800998ECF8427E';
  expect(formField(m.EXTERN_ID, id)).toEqual({ status: 'formed', value: id });
});

test('a value that cannot be normalised drops its field and no other', () => {
  const { fields, dropped } = formFields(metaProfile, { EMAIL: 'mary@example.com', PHONE: '+000', SHOE: '43' });
  expect(fields).toEqual({ EMAIL: sha256('mary@example.com') });
  expect(Object.keys(dropped)).toEqual(['PHONE', 'SHOE']);
});

test('whatever comes, nothing throws and no reason repeats it', () => {
  const profiles = [googleProfile, metaProfile, plainProfile].flatMap((profile: Record<string, PersonalField>) =>
    Object.values(profile),
  );
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress(), fc.double(), fc.constant(null));
  fc.assert(
    fc.property(fc.constantFrom(...profiles), value, (field, input) => {
      const form = formField(field, input);
      const text = String(input).trim();
      if (form.status === 'refused') expect(text.length > 12 && form.reason.includes(text)).toBe(false);
      else expect(form.value).not.toBe('');
    }),
  );
});
