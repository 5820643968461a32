import { expect, test } from 'vitest';
import { z } from 'zod';
import { attributesOf } from './described-field.ts';
import { plainProfile } from './personal-data.ts';
import { defaultCountry, digits, mayCreate, storedSecret, vendorUrl } from './settings-pieces.ts';

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
  expect(attributesOf({ mail, hashed: { ...mail, as: 'sha256' } })).toEqual({
    mail: 'An address.',
    hashed: 'An address. SHA-256 of it is sent, unless it is one already.',
  });
});
