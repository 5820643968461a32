import { expect, test } from 'vitest';
import { personIds } from './person-ids.ts';
import { plainProfile } from './personal-data.ts';

const { email, phone } = plainProfile;
const profile = { MAIL: email, OTHER: email, TEL: phone };
const settings = { identifiers: { email: 'MAIL' }, defaultCountry: 'NO' } as const;
const of = (attributes: Record<string, string>, previousAttributes?: Record<string, string>, namespace = 'email') =>
  personIds(
    profile,
    {
      identity: { namespace, value: 'ann@example.com' },
      attributes,
      ...(previousAttributes === undefined ? {} : { previousAttributes }),
    },
    settings,
  );

test('the identity goes before an attribute of its kind, and what has no form is left out', () => {
  const { ids, vanished } = of({ MAIL: 'x@example.com', TEL: '22 12 34 56', OTHER: 'none', city: 'Oslo' });
  expect(ids).toEqual({ MAIL: 'ann@example.com', TEL: '+4722123456' });
  expect(vanished).toEqual({});
});

test('an earlier id is theirs no longer, unless they have it under another name', () => {
  const { vanished } = of(
    { OTHER: 'moved@example.com', TEL: '+4722123456' },
    { OTHER: 'old@example.com', TEL: '22 12 34 56', MAIL: 'never-told@example.com' },
  );
  expect(vanished).toEqual({ OTHER: 'old@example.com' });
  expect(of({ TEL: '+4722123456' }, { TEL: '+4722999999' }).vanished).toEqual({ TEL: '+4722999999' });
});

test('an identity whose namespace is not set is no id', () => {
  expect(of({ TEL: '+4722123456' }, undefined, 'constructor').ids).toEqual({ TEL: '+4722123456' });
});
