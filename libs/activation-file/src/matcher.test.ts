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

test('an audience that the file does not have is not found, ids being case-sensitive', () => {
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
