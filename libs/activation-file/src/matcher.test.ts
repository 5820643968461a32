import { expect, test } from 'vitest';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { withCanary } from './canary.ts';
import { createMatcher } from './matcher.ts';
import { parseActivationFile } from './parse-activation-file.ts';

const matcher = createMatcher(
  parseActivationFile(
    `version: 1
destinations: { d: { type: log } }
audiences:
  own: { id: a, activate: [{ destination: d, identity: email }] }
  shouted: { id: b, namespace: UPS }
  other: { id: a, namespace: AEPSegments }
  odd: { id: __proto__, namespace: constructor }
`,
    { fileName: 'test.yaml', destinations: exampleDestinations },
  ),
);

test('an audience is found by its namespace, in any case, and its id', () => {
  expect(matcher.audience('ups', 'a')?.key).toBe('own');
  expect(matcher.audience('Ups', 'a')?.key).toBe('own');
  expect(matcher.audience('ups', 'b')?.key).toBe('shouted');
  expect(matcher.audience('UPS', 'b')?.key).toBe('shouted');
  expect(matcher.audience('UPS', 'a')?.key).toBe('own');
  expect(matcher.audience('aepsegments', 'a')?.key).toBe('other');
  expect(matcher.audience('AEPSegments', 'a')?.key).toBe('other');
  expect(matcher.audience('constructor', '__proto__')?.key).toBe('odd');
});

test('the entry that is found has its routes', () => {
  expect(matcher.audience('ups', 'a')?.routes.map(({ destination }) => destination)).toEqual(['d']);
});

test('an audience that the file does not have is not found, ids that are no UUIDs being case-sensitive', () => {
  expect(matcher.audience('ups', 'A')).toBeUndefined();
  expect(matcher.audience('ups', 'toString')).toBeUndefined();
  expect(matcher.audience('toString', 'a')).toBeUndefined();
  expect(matcher.audience('', '')).toBeUndefined();
});

const renamed = parseActivationFile(
  `version: 1
destinations:
  crm: { formerly: [customers, pilot], type: log }
  other: { type: log }
audiences:
  fans: { id: new, formerly: [newer, Old], namespace: Own, activate: [{ destination: crm, identity: email }] }
  readers: { id: r, activate: [{ destination: crm, identity: email }, { destination: other, identity: ecid }] }
`,
  { fileName: 'test.yaml', destinations: exampleDestinations },
);

test('a destination is found by its key and by each that it had before', () => {
  const renamedMatcher = createMatcher(renamed);
  expect(['crm', 'customers', 'pilot', 'other'].map((name) => renamedMatcher.destination(name)?.key)).toEqual([
    'crm',
    'crm',
    'crm',
    'other',
  ]);
  expect(['Crm', '', 'toString', 'canary'].map((name) => renamedMatcher.destination(name))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('a route is found by the key of its audience and by every name of its destination', () => {
  const routed = createMatcher(renamed);
  expect(routed.route('fans', 'crm')?.destination).toBe('crm');
  expect(routed.route('readers', 'pilot')?.destination).toBe('crm');
  expect(routed.route('readers', 'other')?.identityNamespaces).toEqual(['ecid']);
  for (const [audience, destination] of [
    ['fans', 'other'],
    ['Fans', 'crm'],
    ['newer', 'crm'],
    ['toString', 'crm'],
    ['fans', ''],
  ] as const)
    expect(routed.route(audience, destination)).toBeUndefined();
});

test('a route is found by the names that its rows have in the ledger, and by no others', () => {
  const withItsCanary = createMatcher(withCanary(renamed));
  const found = (destination: string, namespace: string, id: string) => {
    const { audience, route } = withItsCanary.routeOf({ destination, audience: { namespace, id } }) ?? {};
    return route === undefined ? undefined : [audience?.key, route.destination, route.identityNamespaces[0]];
  };
  expect(found('pilot', 'own', 'Old')).toEqual(['fans', 'crm', 'email']);
  expect(found('pilot', 'OWN', 'Old')).toEqual(['fans', 'crm', 'email']);
  expect(found('pilot', 'ups', 'r')).toEqual(['readers', 'crm', 'email']);
  expect(found('other', 'ups', 'r')).toEqual(['readers', 'other', 'ecid']);
  expect(found('canary', 'activation-hub', 'canary')).toEqual(['canary', 'canary', 'activation-hub-canary']);
  expect(found('crm', 'own', 'Old')).toBeUndefined();
  expect(found('customers', 'own', 'Old')).toBeUndefined();
  expect(found('pilot', 'own', 'new')).toBeUndefined();
  expect(found('pilot', 'ups', 'Old')).toBeUndefined();
  expect(found('other', 'own', 'Old')).toBeUndefined();
});

test('a UUID is the same audience in any case, in the file, in an export and in the ledger', () => {
  const id = '9d161bbb-c785-474a-965b-7d7bc2adf879';
  const former = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
  const fileWith = (written: string, formerly: string, namespace: string) =>
    parseActivationFile(
      `version: 1
destinations: { d: { type: log } }
audiences: { fans: { id: ${written}, formerly: ${formerly}, namespace: ${namespace}, activate: [{ destination: d, identity: email }] } }
`,
      { fileName: 'test.yaml', destinations: exampleDestinations },
    );
  const lower = fileWith(id, former, 'own');
  const upper = fileWith(id.toUpperCase(), former.toUpperCase(), 'OWN');
  expect(upper.audiences.get('fans')).toEqual(lower.audiences.get('fans'));
  expect(upper.audiences.get('fans')).toMatchObject({ namespace: 'own', id, ledgerId: former });
  for (const each of [lower, upper].map(createMatcher)) {
    for (const [namespace, given] of [
      ['own', id],
      ['OWN', id.toUpperCase()],
      ['Own', id.replace('bbb', 'BBB')],
    ] as const) {
      expect(each.audience(namespace, given)?.key).toBe('fans');
    }
    expect(each.audience('own', former)).toBeUndefined();
    const audience = { namespace: 'OWN', id: former.toUpperCase() };
    expect(each.routeOf({ destination: 'd', audience })?.audience.key).toBe('fans');
  }
});

test('the routes to a destination are found by its key and by those that it had before', () => {
  const found = createMatcher(renamed);
  for (const name of ['crm', 'customers', 'pilot'])
    expect(found.routesTo(name).map(({ audience }) => audience)).toEqual(['fans', 'readers']);
  expect(found.routesTo('other').map(({ audience }) => audience)).toEqual(['readers']);
  expect(found.routesTo('nobody')).toEqual([]);
});
