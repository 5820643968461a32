import { canary, canaryLedgerKey, createMatcher, withCanary } from '@activation-hub/activation-file';
import type { Target } from '@activation-hub/delivery';
import { identityCharactersMax } from '@activation-hub/membership';
import type { JsonObject } from '@activation-hub/audience-events';
import { expect, test } from 'vitest';
import {
  defaultFile,
  eventOf,
  fansId,
  memberAt,
  openActivation,
  parseTestFile,
  personExport,
  travellersId,
} from '../testing/index.ts';
import type { ActivationContext } from './activation-context.ts';
import { readEvents } from './read-events.ts';
import { comparePeople, outcomeOf, resolveMemberships, unknownPosition, type Resolved } from './resolve-memberships.ts';
import { routeExports } from './route-exports.ts';

const audienceIds = [fansId, travellersId];

/** The export as a member of every audience, where there are several. */
function inAll(body: JsonObject): JsonObject {
  const { ups = {} } = body.segmentMembership as { readonly ups?: JsonObject };
  const { [fansId]: membership = null } = ups;
  return { ...body, segmentMembership: { ups: { ...ups, [travellersId]: membership } } };
}

/**
 * What these exports of one event resolve to, on routes to one destination that ask for these
 * identities, each of an audience of its own.
 */
function resolve(exports: readonly JsonObject[], routes: readonly string[], over: Partial<ActivationContext> = {}) {
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
${routes.map((route, n) => `  audience-${n}: { id: ${audienceIds[n] ?? ''}, activate: [{ destination: crm, ${route} }] }`).join('\n')}
`;
  const { context } = openActivation({ file });
  const read = readEvents([eventOf(routes.length > 1 ? exports.map(inAll) : exports, 1)]);
  const { memberships } = routeExports(read.exports, context.matcher);
  return resolveMemberships(memberships, { ...context, ...over });
}

const identitiesOf = ({ desired }: Resolved): readonly string[] =>
  desired.map(({ route, key }) => `${route.destination} ${key.identity.namespace}:${key.identity.value}`);
const linksOf = ({ desired }: Resolved): readonly string[] => desired.map(({ person }) => person.linkDigest);

test('of two exports that came together with the same times the later one counts', () => {
  const exports = [personExport({ firstName: 'Ada' }), personExport({ firstName: 'Eve' })];
  const { desired, superseded } = resolve(exports, ['identity: [crmid], attributes: { name: person.name.firstName }']);
  expect(desired.map(({ attributes }) => attributes)).toEqual([{ name: 'Eve' }]);
  expect(superseded.map(({ attributes }) => attributes)).toEqual([{ name: 'Ada' }]);
});

test('an identity is taken when it is as long as a row of the ledger takes, and no longer one', () => {
  const ofLength = (length: number) => personExport({ identities: { crmid: ['x'.repeat(length)] } });
  const longest = resolve([ofLength(identityCharactersMax)], ['identity: [crmid]']);
  expect(longest.desired).toHaveLength(1);
  const tooLong = resolve([ofLength(identityCharactersMax + 1)], ['identity: [crmid]']);
  expect([tooLong.desired, tooLong.unresolved.length]).toEqual([[], 1]);
});

test('where destinations are not set up, as in a dry run, identities are as they are', () => {
  const resolved = resolve([personExport({ person: 'p1' })], ['identity: [crmid]'], { targets: new Map() });
  expect(identitiesOf(resolved)).toEqual(['crm crmid:p1']);
});

test.each([
  ['other identities', 'identity: [crmid, email]', 'identity: [crmid, phone]'],
  [
    'other identities and the same that are followed',
    'identity: [crmid, email], follow: ecid',
    'identity: [crmid, phone], follow: ecid',
  ],
  ['more identities and more that are followed', 'identity: [crmid]', 'identity: [crmid, email], follow: ecid'],
  ['fewer identities', 'identity: [crmid, email]', 'identity: [crmid]'],
  ['all identities instead of the first', 'identity: [crmid, email]', 'identity: [crmid, email], identities: all'],
  ['more identities', 'identity: [crmid]', 'identity: [crmid, email]'],
  ['another identity', 'identity: [crmid]', 'identity: [email]'],
  ['other namespaces that are followed', 'identity: [email], follow: [crmid]', 'identity: [email], follow: [ecid]'],
])('each of two routes with %s has the digest of its own', (_, ...routes) => {
  const person = personExport({
    identities: { crmid: ['p1', 'p2'], email: ['a@example.com', 'b@example.com'], ecid: ['1', '2'], phone: ['3', '4'] },
  });
  const alone = routes.flatMap((route) => linksOf(resolve([person], [route])));
  expect(new Set(alone).size).toBe(2);
  expect(linksOf(resolve([person], routes))).toEqual(alone);
});

test.each([
  ['another path', '{ a: person.name.firstName }', '{ a: person.name.lastName }'],
  ['another name', '{ a: person.name.firstName }', '{ b: person.name.firstName }'],
  ['more of them', '{ a: person.name.firstName }', '{ a: person.name.firstName, b: person.name.lastName }'],
  ['none', '{ a: person.name.firstName }', '{ }'],
  [
    'another path for one of two',
    '{ a: person.name.firstName, b: person.name.firstName }',
    '{ a: person.name.firstName, b: person.name.lastName }',
  ],
])('each of two routes that map attributes with %s has its own', (_, ...mappings) => {
  const person = { ...personExport({ firstName: 'Ada' }), person: { name: { firstName: 'Ada', lastName: 'Byron' } } };
  const routes = mappings.map((mapping) => `identity: [crmid], attributes: ${mapping}`);
  const attributesOf = ({ desired }: Resolved) => desired.map(({ attributes }) => attributes);
  const alone = routes.flatMap((route) => attributesOf(resolve([person], [route])));
  expect(alone[0]).not.toEqual(alone[1]);
  expect(attributesOf(resolve([person], routes))).toEqual(alone);
});

test('what several routes of a destination ask of an export in the same way is computed once', () => {
  const route = 'identity: [crmid, email], follow: ecid, attributes: { name: person.name.firstName }';
  const target = openActivation().context.targets.get('crm');
  if (target === undefined) return expect.unreachable();
  let formed = 0;
  const formIdentity: Target['formIdentity'] = ({ value }) => {
    formed += 1;
    return value;
  };
  const targets = new Map([['crm', { ...target, formIdentity }]]);
  const { desired } = resolve([personExport()], [route, route], { targets });
  expect(desired).toHaveLength(2);
  expect(formed).toBe(1);
  expect(desired[0]?.attributes).toBe(desired[1]?.attributes);
});

test('each of two people on one route has the digest of their own', () => {
  const people = ['p1', 'p2'].map((person) => personExport({ person }));
  const links = linksOf(resolve(people, ['identity: [crmid, email]']));
  expect(new Set(links).size).toBe(2);
});

test('an identity after one that cannot be read is not taken in its place', () => {
  const written = personExport({ identities: { ecid: ['1'], phone: ['2'] } });
  const body: JsonObject = { ...written, identityMap: { ...(written.identityMap as JsonObject), email: [{ id: 7 }] } };
  expect(identitiesOf(resolve([body], ['identity: [crmid, email, ecid]']))).toEqual([]);
  expect(identitiesOf(resolve([body], ['identity: [crmid, ecid, email]']))).toEqual(['crm ecid:1']);
  expect(identitiesOf(resolve([body], ['identity: [crmid, phone]']))).toEqual(['crm phone:2']);
});

test('of two people of one state the one whose place in the batch is not known comes first, and two of them are equal', () => {
  const unknown = { state: memberAt(), position: unknownPosition };
  expect(comparePeople(unknown, unknown)).toBe(0);
  expect(comparePeople(unknown, { state: memberAt(), position: 0 })).toBeLessThan(0);
  expect(comparePeople(unknown, { state: memberAt(-1), position: 1 })).toBeGreaterThan(0);
});

test('the rows of a destination that was renamed are kept under its first name', () => {
  const file = defaultFile
    .replace('crm: { type', 'crm: { formerly: [pilot, customers], type')
    .replace('identity: [crmid, email]', 'identity: crmid');
  const { context } = openActivation({ file });
  const { memberships } = routeExports(readEvents([eventOf(personExport())]).exports, context.matcher);
  const { desired } = resolveMemberships(memberships, context);
  expect(desired.map(({ key, route }) => [key.destination, route.destination])).toEqual([['customers', 'crm']]);
});

test('the row of a canary is kept under its own name, for the file has no destination of it', () => {
  const { namespace, value } = canary.identity;
  const written = personExport({ identities: { [namespace]: [value] } });
  const { ups } = written.segmentMembership as { readonly ups: JsonObject };
  const { [fansId]: membership = null } = ups;
  const body = { ...written, segmentMembership: { [canary.audience.namespace]: { [canary.audience.id]: membership } } };
  const { context } = openActivation();
  const matcher = createMatcher(withCanary(parseTestFile(defaultFile)));
  const { memberships } = routeExports(readEvents([eventOf(body)]).exports, matcher);
  const { desired } = resolveMemberships(memberships, { ...context, matcher });
  expect(desired.map(({ key }) => key)).toEqual([canaryLedgerKey]);
});

test.each<[string, 'unchanged' | 'superseded', string, boolean, string]>([
  ['a member who is withheld', 'unchanged', 'realized', false, 'withheld'],
  ['a member who is told of', 'unchanged', 'realized', true, 'unchanged'],
  ['a person who has left', 'unchanged', 'exited', false, 'unchanged'],
  ['a state that a newer one has superseded', 'superseded', 'realized', false, 'superseded'],
])('the outcome of %s that is %s', (_, outcome, status, isMember, expected) => {
  const desired = { state: { status, isMember }, route: { mode: 'live' } } as Parameters<typeof outcomeOf>[0];
  expect(outcomeOf(desired, outcome)).toBe(expected);
  const retired = { ...desired, route: { mode: 'retired' } } as typeof desired;
  expect(outcomeOf(retired, outcome)).toBe(expected === 'withheld' ? 'retired' : expected);
});
