import { expect, test } from 'vitest';
import {
  eventOf,
  exitedAt,
  fansId,
  memberAt,
  openActivation,
  personExport,
  rowOf,
  type PersonContent,
} from '../testing/index.ts';
import { readEvents } from './read-events.ts';
import { resolveMemberships } from './resolve-memberships.ts';
import { routeExports } from './route-exports.ts';
import { contestedKeys, isMovedBy, isPausedAlready } from './unchanged-rows.ts';

/** What a batch of exports of one person, the older first, resolves to. */
function resolvedOf(attributes: string, ...contents: readonly PersonContent[]) {
  const { context } = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email]${attributes} }] }
`,
  });
  const { exports } = readEvents(contents.map((content, n) => eventOf(personExport(content), n + 1)));
  return resolveMemberships(routeExports(exports, context.matcher).memberships, context);
}

const name = ', attributes: { name: person.name.firstName }';
const known = { crmid: ['C-1'] };
const linked = { crmid: ['C-1'], email: ['p'] };
const keyText = resolvedOf(name, { identities: known }).desired[0]?.keyText;

test.each<[string, PersonContent, boolean, string?]>([
  ['says the same', { identities: known }, false],
  ['has other identities', { identities: linked }, true],
  ['has another attribute', { identities: known, firstName: 'Grace' }, true],
  ['says that the person has left', { identities: known, status: 'exited' }, true],
  ['of a route without attributes says that the person has left', { identities: known, status: 'exited' }, true, ''],
])('a key of which an older export of the batch %s', (_, older, isContested, attributes = name) => {
  const contested = contestedKeys(resolvedOf(attributes, { at: 0, ...older }, { at: 60, identities: known }));
  expect([...contested]).toEqual(isContested ? [keyText] : []);
});

test('a key of which the batch brings one export is not contested', () => {
  expect(contestedKeys(resolvedOf(name, { identities: linked })).size).toBe(0);
});

test.each<[string, string | undefined, boolean, number, boolean]>([
  ['of the same identities', 'mine', false, 60, false],
  ['of the same identities, where the key is contested', 'mine', true, 60, true],
  ['of other identities', 'other', false, 60, true],
  ['of other identities that is as new', 'other', true, 0, false],
  ['of no other identities', undefined, false, 60, true],
])('whether an export that changes nothing moves a row %s', (_, linkDigest, isContested, at, isMoved) => {
  const desired = { keyText: 'k', state: memberAt(at), person: { linkDigest: 'mine' } };
  const contested = new Set(isContested ? ['k'] : ['another']);
  const record = rowOf(memberAt(0), linkDigest === undefined ? {} : { linkDigest });
  expect(isMovedBy(desired, record, contested)).toBe(isMoved);
});

test('a row in question is of the identities that put it there', () => {
  const [desired] = resolvedOf(name, { at: 60, identities: linked }).desired;
  if (desired === undefined) throw new Error('The export resolves to no row.');
  const { linkDigest } = desired.person;
  expect(isMovedBy(desired, rowOf(memberAt(0), { knownDigest: linkDigest }), new Set())).toBe(false);
  expect(isMovedBy(desired, rowOf(memberAt(0), { knownDigest: 'other' }), new Set())).toBe(true);
});

test.each<['paused' | 'live', 'paused' | 'noted', 'the same' | 'another', boolean]>([
  ['paused', 'paused', 'the same', true],
  ['live', 'paused', 'the same', false],
  ['paused', 'noted', 'the same', false],
  ['paused', 'paused', 'another', false],
])('on a route that is %s, a row that is %s and wishes %s is paused already', (mode, is, wish, isPaused) => {
  const desired = { route: { mode } } as Parameters<typeof isPausedAlready>[0];
  const state = wish === 'the same' ? memberAt(0) : exitedAt(0);
  expect(isPausedAlready(desired, state, rowOf(memberAt(0), { rowState: { is } }))).toBe(isPaused);
});
