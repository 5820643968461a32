import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveIdentities } from './identity.ts';

const profile = new Map([
  ['ecid', ['36281682065771928820739672071812000001']],
  ['email', ['zoe@example.com', 'ada@example.com']],
  ['phone', []],
]);

test('the first namespace that the profile has decides', () => {
  expect(resolveIdentities(profile, { namespaces: ['crmid', 'phone', 'email', 'ecid'], identities: 'first' })).toEqual([
    { namespace: 'email', value: 'ada@example.com' },
  ]);
});

test('all identities of that namespace are given when the route says so', () => {
  expect(resolveIdentities(profile, { namespaces: ['email', 'ecid'], identities: 'all' })).toEqual([
    { namespace: 'email', value: 'ada@example.com' },
    { namespace: 'email', value: 'zoe@example.com' },
  ]);
});

test('a profile without any of the namespaces has none', () => {
  expect(resolveIdentities(profile, { namespaces: ['crmid'], identities: 'first' })).toEqual([]);
  expect(resolveIdentities(new Map(), { namespaces: ['email'], identities: 'all' })).toEqual([]);
});

test('the choice does not depend on the order in which AEP sends the identities', () => {
  fc.assert(
    fc.property(
      fc
        .uniqueArray(fc.string(), { minLength: 1 })
        .chain((ids) => fc.tuple(fc.constant(ids), fc.shuffledSubarray(ids, { minLength: ids.length }))),
      ([ids, shuffled]) => {
        for (const identities of ['first', 'all'] as const) {
          const choice = { namespaces: ['email'], identities };
          expect(resolveIdentities(new Map([['email', ids]]), choice)).toEqual(
            resolveIdentities(new Map([['email', shuffled]]), choice),
          );
        }
      },
    ),
  );
});
