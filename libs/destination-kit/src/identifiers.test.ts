import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  formedIdentities,
  formId,
  identifierOf,
  identifiersAmong,
  identifiersSetting,
  identitiesBy,
  identityBy,
  identityIn,
  kindsOf,
} from './identifiers.ts';
import { plainProfile } from './personal-data.ts';

const setting = identifiersSetting(z.enum(['email', 'phone']));
const identifiers = { mail: 'email', tel: 'phone' } as const;

test('the setting takes namespaces in lower case, and at least one', () => {
  expect(setting.parse({ mail: 'email' })).toEqual({ mail: 'email' });
  expect(setting.safeParse({ Mail: 'email' }).error?.message).toContain('Write the namespace in lower case.');
  expect(setting.safeParse({}).error?.message).toContain('Name at least one namespace.');
  expect(setting.safeParse({ mail: 'fax' }).success).toBe(false);
});

test('of a closed set of kinds the first is that of e-mail addresses, and no other kind is taken', () => {
  const among = identifiersAmong(kindsOf({ MAIL: 1, TEL: 2 }), 'the kind.', { phone: 'TEL' });
  expect(among.parse(undefined)).toEqual({ email: 'MAIL' });
  expect(among.parse({ tel: 'TEL' })).toEqual({ tel: 'TEL' });
  expect(among.safeParse({ fax: 'FAX' }).success).toBe(false);
  expect(among.meta()).toEqual({
    description: 'For each identity namespace, the kind.',
    examples: [{ phone: 'TEL' }],
  });
});

test('a namespace that is a name of every object has no identifier', () => {
  expect(identifierOf(identifiers, 'mail')).toBe('email');
  expect(identifierOf(identifiers, 'constructor')).toBeUndefined();
});

test('an identity is formed by what is set for its namespace, and refused where nothing is', () => {
  const identity = identityIn(plainProfile);
  const settings = { identifiers, defaultCountry: 'NO' };
  expect(identity({ namespace: 'mail', value: 'Ann@Example.com' }, settings)).toEqual({
    status: 'formed',
    value: 'ann@example.com',
  });
  expect(identity({ namespace: 'tel', value: '22 12 34 56' }, settings)).toMatchObject({ value: '+4722123456' });
  for (const namespace of ['crmid', 'toString'])
    expect(identity({ namespace, value: 'x' }, settings)).toEqual({
      status: 'refused',
      reason: 'no identifier is set for this namespace',
    });
  const named = identityBy((kind: string, value, _settings, namespace) => formId(`${kind} ${value} ${namespace}`));
  expect(named({ namespace: 'a', value: 'b' }, { identifiers: { a: 'c' } })).toMatchObject({ value: 'c b a' });
});

test('an id of the user’s own loses the white space around it, and must have the form of one', () => {
  expect(formId(' Null ')).toEqual({ status: 'formed', value: 'Null' });
  expect(formId('  ')).toEqual({ status: 'refused', reason: 'no value' });
  expect(formId('a b', (id) => !id.includes(' '), 'an id has no spaces')).toEqual({
    status: 'refused',
    reason: 'an id has no spaces',
  });
});

test('of all that is known of a person, what has a form here is given once', () => {
  const known = ['Ann@example.com', 'ann@example.com', 'none'].map((value) => ({ namespace: 'mail', value }));
  const form = identityIn(plainProfile);
  expect(formedIdentities([...known, { namespace: 'crmid', value: '1' }], form, { identifiers })).toEqual([
    { namespace: 'mail', value: 'ann@example.com' },
  ]);
});

test('each namespace has a sentence', () => {
  expect(identitiesBy(identifiers, (kind) => `By ${kind}.`)).toEqual({ mail: 'By email.', tel: 'By phone.' });
});
