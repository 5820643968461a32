import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { googleProfile, metaProfile, plainProfile } from './personal-data.ts';
import { formField, formFields, type PersonalField } from './personal-field.ts';

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const g = googleProfile;
const m = metaProfile;

/** One line of a file of vectors: what a value becomes, and where that is published. */
interface Vector {
  readonly field: string;
  readonly value: string;
  /** Published as a hash. */
  readonly hash?: string;
  /** Published as a text, of which the hash is sent. */
  readonly hashOf?: string;
  readonly plain?: string;
  readonly refused?: true;
  readonly source: string;
}

const vectorsOf = (vendor: string): readonly Vector[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../fixtures/vectors/${vendor}.json`), 'utf8')) as Vector[];
const profiles: Readonly<Record<string, Readonly<Record<string, PersonalField>>>> = {
  google: g,
  meta: m,
  plain: plainProfile,
};
const vectors = Object.entries(profiles).flatMap(([vendor, profile]) =>
  vectorsOf(vendor).map((vector) => ({ vendor, ...vector, of: profile[vector.field] })),
);

test.each(vectors)('$vendor: $field, $value becomes what is published', (vector) => {
  const { of, value, hash, hashOf, plain, refused, source } = vector;
  expect(source).toMatch(/^[a-z.]+\.com\//);
  const form = of && formField(of, value);
  if (refused) expect(form).toMatchObject({ status: 'refused' });
  else expect(form).toEqual({ status: 'formed', value: hash ?? plain ?? sha256(hashOf ?? '') });
});

test.each(Object.entries(profiles))('every field of %s has a vector', (vendor, profile) => {
  expect(new Set(vectorsOf(vendor).map(({ field }) => field))).toEqual(new Set(Object.keys(profile)));
});

test.each<[string, PersonalField, string, string]>([
  ['e-mail', plainProfile.email, '\u200b Ann@Example.COM ', 'ann@example.com'],
  ['phone with an extension', plainProfile.phone, '+47 22 12 34 56 ext. 9', '+4722123456'],
  ['country', plainProfile.country, 'norway', 'NO'],
])('a plain %s: %s is not hashed', (_what, field, input, value) => {
  expect(formField(field, input)).toEqual({ status: 'formed', value });
});

test.each<[string, PersonalField, string]>([
  ['an empty text', m.EMAIL, ''],
  ['white space', m.FN, ' \t\u00a0\u200b'],
  ['what stands for nothing', m.FN, 'N/A'],
  ['the hash of nothing', m.EMAIL, sha256('')],
  ['a hash where the value is wanted', plainProfile.email, sha256('mary@example.com')],
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
  const fields = [googleProfile, metaProfile, plainProfile].flatMap((profile: Record<string, PersonalField>) =>
    Object.values(profile),
  );
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress(), fc.double(), fc.constant(null));
  fc.assert(
    fc.property(fc.constantFrom(...fields), value, (field, input) => {
      const form = formField(field, input);
      const text = String(input).trim();
      if (form.status === 'refused') expect(text.length > 12 && form.reason.includes(text)).toBe(false);
      else expect(form.value).not.toBe('');
    }),
  );
});
