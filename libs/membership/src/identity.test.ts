import fc from 'fast-check';
import { expect, test } from 'vitest';
import { identityText, linkDigest, otherIdentities, resolveIdentities, type FormIdentity } from './identity.ts';

const asItIs: FormIdentity = ({ value }) => value;

const profile = new Map([
  ['ecid', ['36281682065771928820739672071812000001']],
  ['email', ['zoe@example.com', 'ada@example.com']],
  ['phone', []],
]);

test('the first namespace that the profile has decides', () => {
  expect(
    resolveIdentities(profile, { namespaces: ['crmid', 'phone', 'email', 'ecid'], identities: 'first' }, asItIs),
  ).toEqual([{ namespace: 'email', value: 'ada@example.com' }]);
});

test('all identities of that namespace are given when the route says so', () => {
  expect(resolveIdentities(profile, { namespaces: ['email', 'ecid'], identities: 'all' }, asItIs)).toEqual([
    { namespace: 'email', value: 'ada@example.com' },
    { namespace: 'email', value: 'zoe@example.com' },
  ]);
});

test('a profile without any of the namespaces has none', () => {
  expect(resolveIdentities(profile, { namespaces: ['crmid'], identities: 'first' }, asItIs)).toEqual([]);
  expect(resolveIdentities(new Map(), { namespaces: ['email'], identities: 'all' }, asItIs)).toEqual([]);
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
          expect(resolveIdentities(new Map([['email', ids]]), choice, asItIs)).toEqual(
            resolveIdentities(new Map([['email', shuffled]]), choice, asItIs),
          );
        }
      },
    ),
  );
});

test('an identity is given in the form of the destination, and one without such a form is passed over', () => {
  const form: FormIdentity = ({ namespace, value }) =>
    namespace === 'email' && value.includes('@') ? value.trim().toLowerCase() : undefined;
  const bad = new Map([
    ['email', ['no address', 'ZOE@example.com', 'zoe@example.com ', 'ada@example.com']],
    ['crmid', ['p1']],
  ]);
  expect(resolveIdentities(bad, { namespaces: ['crmid', 'email'], identities: 'first' }, form)).toEqual([
    { namespace: 'email', value: 'zoe@example.com' },
  ]);
  expect(resolveIdentities(bad, { namespaces: ['email'], identities: 'all' }, form)).toEqual([
    { namespace: 'email', value: 'zoe@example.com' },
    { namespace: 'email', value: 'ada@example.com' },
  ]);
  expect(resolveIdentities(bad, { namespaces: ['crmid'], identities: 'all' }, form)).toEqual([]);
});

test('the other identities are those that the route would accept too, each once and in its form', () => {
  const form: FormIdentity = ({ value }) => (value.includes('?') ? undefined : value.toLowerCase());
  const identities = new Map([
    ['crmid', ['p1']],
    ['email', ['ADA@example.com', 'ada@example.com', 'not?', 'zoe@example.com']],
    ['ecid', ['36']],
  ]);
  const choice = { namespaces: ['phone', 'crmid', 'email'], identities: 'first' } as const;
  const chosen = resolveIdentities(identities, choice, form);
  expect(chosen).toEqual([{ namespace: 'crmid', value: 'p1' }]);
  expect(otherIdentities(identities, choice, form, chosen)).toEqual([
    { namespace: 'email', value: 'ada@example.com' },
    { namespace: 'email', value: 'zoe@example.com' },
  ]);
});

test('the same value in two namespaces is two identities', () => {
  const identities = new Map([
    ['crmid', ['a']],
    ['email', ['a']],
  ]);
  const choice = { namespaces: ['crmid', 'email'], identities: 'first' } as const;
  const chosen = resolveIdentities(identities, choice, asItIs);
  expect(otherIdentities(identities, choice, asItIs, chosen)).toEqual([{ namespace: 'email', value: 'a' }]);
});

test('of many identities too each is given once, beside the chosen ones', () => {
  const values = Array.from({ length: 20 }, (_, n) => `P${n}`);
  const identities = new Map([['crmid', [...values, ...values.map((value) => value.toLowerCase())]]]);
  const choice = { namespaces: ['crmid'], identities: 'first' } as const;
  const form: FormIdentity = ({ value }) => value.toLowerCase();
  const chosen = resolveIdentities(identities, choice, form);
  const formed = values.map((value) => ({ namespace: 'crmid', value: value.toLowerCase() }));
  expect(chosen).toEqual([formed[0]]);
  expect(otherIdentities(identities, choice, form, chosen)).toEqual(formed.slice(1));
});

test('a person whom a single identity links to nothing has no digest', () => {
  const digest = (values: Record<string, readonly string[]>, follow: readonly string[] = []): string =>
    linkDigest(new Map(Object.entries(values)), { namespaces: ['crmid', 'email'], identities: 'first' }, follow);
  expect(digest({})).toBe('');
  expect(digest({ email: ['a'] })).toBe('');
  expect(digest({ email: ['a'], ecid: ['1', '2'] })).toBe('');
  // The same in every version, for rows hold it; what has several identities was another one
  // before rows remembered whose they were.
  expect(digest({ email: ['a'] }, ['ecid'])).toBe('cX9ilYRk19048DRZ');
  expect(digest({ crmid: ['1'], email: ['a'] })).toBe('1gJLRn-Wzt3KJ6j_');
});

test('the digest of links tells apart what links a person, whatever the order of the values', () => {
  const digest = (values: Record<string, readonly string[]>): string =>
    linkDigest(new Map(Object.entries(values)), { namespaces: ['crmid', 'email'], identities: 'first' }, ['ecid']);
  expect(digest({ email: ['a', 'b'] })).toBe(digest({ email: ['b', 'a'] }));
  const people = [
    {},
    { email: ['a'] },
    { crmid: ['a'] },
    { ecid: ['a'] },
    { email: ['a', 'b'] },
    { email: ['a\nemail 1 b'] },
    { email: ['a'], ecid: ['b'] },
  ];
  expect(new Set(people.map(digest)).size).toBe(people.length);
});

test('of several identities a route that asks for all has another digest than one that asks for the first', () => {
  const digest = (identities: 'first' | 'all', values: readonly string[]): string =>
    linkDigest(new Map([['email', values]]), { namespaces: ['email'], identities }, ['ecid']);
  expect(digest('all', ['a', 'b'])).not.toBe(digest('first', ['a', 'b']));
  expect(digest('all', ['a'])).toBe(digest('first', ['a']));
});

test('the text of an identity is its own', () => {
  expect(identityText({ namespace: 'email', value: 'a' })).not.toBe(identityText({ namespace: 'phone', value: 'a' }));
  expect(identityText({ namespace: 'email', value: 'a' })).not.toBe(identityText({ namespace: 'email', value: 'b' }));
});
