import { expect, test } from 'vitest';
import { z } from 'zod';
import { attributesOf, hashed, takesIn } from './described-field.ts';
import { plainProfile } from './personal-data.ts';
import { defaultCountry, digits, mayCreate, membershipDays, storedSecret, vendorUrl } from './settings-pieces.ts';

const settings = z.strictObject({
  token: storedSecret('acme-token', 'A token.'),
  account: digits(5),
  defaultCountry: defaultCountry(),
  createPersons: mayCreate('Creates who enters.'),
  baseUrl: vendorUrl('https://api.acme.example'),
});

test('what most settings have in common has a default, a description and an example', () => {
  const parsed = settings.parse({ token: { secret: 'acme-token' }, account: '123' });
  expect(parsed).toMatchObject({ createPersons: true, baseUrl: 'https://api.acme.example' });
  expect(settings.shape.token.meta()).toEqual({ description: 'A token.', examples: [{ secret: 'acme-token' }] });
  expect(settings.shape.baseUrl.meta()).toMatchObject({ description: 'Where the API is.' });
});

test.each([
  [{ account: '123456' }, 'Write the digits of the id'],
  [{ account: 123 }, 'string'],
  [{ defaultCountry: 'no' }, 'two capital letters'],
  [{ baseUrl: 'ftp://acme.example' }, 'Write an https URL'],
])('%j is refused', (wrong, sentence) => {
  const written = { token: { secret: 'acme-token' }, account: '123', ...wrong };
  expect(settings.safeParse(written).error?.message).toContain(sentence);
});

test('a field that is hashed says so', () => {
  const mail = { ...plainProfile.email, what: 'An address.' };
  expect(attributesOf({ mail, secret: hashed(mail, 'An address.') })).toEqual({
    mail: 'An address.',
    secret: 'An address. SHA-256 of it is sent, unless it is one already.',
  });
});

test('what a connector takes is said by its profile', () => {
  const profile = {
    MAIL: { ...plainProfile.email, what: 'An address.' },
    TEL: hashed(plainProfile.phone, 'A number.'),
  };
  const settings = { identifiers: { email: 'MAIL', tel: 'TEL' } } as const;
  expect(takesIn(profile)(settings)).toEqual({
    identities: { email: 'An address.', tel: 'A number. SHA-256 of it is sent, unless it is one already.' },
    attributes: {},
  });
  expect(takesIn(profile, { MAIL: profile.MAIL }, 'Acme')({ identifiers: { email: 'MAIL' } })).toEqual({
    identities: { email: 'Acme matches it as MAIL. An address.' },
    attributes: { MAIL: 'An address.' },
  });
});

test('members stay for as long as the vendor allows, unless the option says less', () => {
  const days = membershipDays('user list', 540, '540 at most', 90);
  expect([days.parse(undefined), days.parse(1)]).toEqual([540, 1]);
  for (const wrong of [0, 541, 1.5]) expect(days.safeParse(wrong).success).toBe(false);
  expect(days.meta()?.examples).toEqual([90]);
  expect(days.meta()?.description).toContain('stays in the user list, in days, unless told again');
  expect(days.meta()?.description).toContain('; 540 at most. A list');
});
