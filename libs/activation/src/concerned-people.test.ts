import type { JsonObject } from '@activation-hub/audience-events';
import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport, riderAlongId } from '../testing/index.ts';
import { concernedPeople } from './concerned-people.ts';
import { readEvents } from './read-events.ts';
import { resolveMemberships } from './resolve-memberships.ts';
import { routeExports } from './route-exports.ts';

type Identities = Readonly<Record<string, readonly string[]>>;

const toCrm = '{ destination: crm, identity: [crmid, email] }';
const fileOf = (fans: readonly string[], riders: readonly string[] = []): string => `
version: 1
destinations: { crm: { type: recording }, ads: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [${fans.join(', ')}] }
  riders: { id: ${riderAlongId}, activate: [${riders.join(', ')}] }
`;

/**
 * The places in the batch of the people who are concerned, and how many identities were brought
 * into the form of the destination to find them.
 */
function concernedIn(exports: readonly JsonObject[], file = fileOf([toCrm])) {
  const { context } = openActivation({ file });
  let formed = 0;
  const targets = new Map(
    [...context.targets].map(([key, target]) => {
      const formIdentity: typeof target.formIdentity = (identity) => {
        formed += 1;
        return target.formIdentity(identity);
      };
      return [key, { ...target, formIdentity }];
    }),
  );
  const { exports: read } = readEvents([eventOf(exports, 1)]);
  const resolved = resolveMemberships(routeExports(read, context.matcher).memberships, { ...context, targets });
  formed = 0;
  const people = [...concernedPeople(resolved)].map(({ profileExport, position }) => ({ profileExport, position }));
  return { positions: people.map(({ position }) => position), formed };
}

const of = (identities: Identities, over: Parameters<typeof personExport>[0] = {}): JsonObject =>
  personExport({ ...over, identities });

test.each<[string, readonly JsonObject[], readonly number[]]>([
  ['an identity of a lower namespace', [of({ email: ['a'] }), of({ crmid: ['p1'], email: ['a'] })], [1]],
  ['another value of the same namespace', [of({ crmid: ['p1', 'p2'], email: ['a'] }), of({ crmid: ['p2'] })], [0]],
  [
    'one of several other identities',
    [of({ crmid: ['p2'] }), of({ crmid: ['p1', 'p3', 'p2'] }), of({ crmid: ['p3'] }, { audienceId: riderAlongId })],
    [1],
  ],
  [
    'an identity that a person has whose own row a later export of the batch brings',
    [of({ crmid: ['p1'], email: ['a'] }), of({ crmid: ['p1'], email: ['b'] }, { at: 1 }), of({ email: ['a'] })],
    [0],
  ],
])('a person is concerned of whom the batch brings a row under %s', (_, exports, concerned) => {
  expect(concernedIn(exports).positions).toEqual(concerned);
});

test('a row under another identity in another audience, or at another destination, concerns no person', () => {
  const toAds = '{ destination: ads, identity: [email, crmid] }';
  const inRiders = of({ email: ['a'] }, { audienceId: riderAlongId });
  const exports = [inRiders, of({ crmid: ['p1'], email: ['a'] })];
  expect(concernedIn(exports, fileOf([toCrm], [])).positions).toEqual([]);
  expect(concernedIn(exports.slice(1), fileOf([toCrm, toAds])).positions).toEqual([]);
});

test('a person who has nothing in a namespace in which the batch chose an identity is not concerned by it', () => {
  expect(concernedIn([of({ email: ['a'] }), of({ crmid: ['p1', 'p2'] })]).positions).toEqual([]);
});

test.each<[string, readonly JsonObject[]]>([
  ['of one row', [of({ crmid: ['p1', 'p2'], email: ['a'] })]],
  [
    'whose people have other identities only in namespaces in which the batch chose none',
    [of({ crmid: ['p1'], email: ['a'] }), of({ crmid: ['p2'], email: ['b'] })],
  ],
])('no identity of a batch is looked for %s', (_, exports) => {
  expect(concernedIn(exports)).toEqual({ positions: [], formed: 0 });
});

test('what the routes of an export look for is looked for once', () => {
  const exports = [of({ email: ['a'] }), of({ crmid: ['p1'], email: ['a'] })];
  const alone = concernedIn(exports);
  const several = concernedIn(exports, fileOf([toCrm], [toCrm]));
  expect(alone.formed).toBeGreaterThan(0);
  expect(several.formed).toBe(alone.formed);
});
