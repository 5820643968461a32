import { exampleRetry } from '@activation-hub/delivery/testing';
import {
  identityCharactersMax,
  ledgerKeyText,
  linkKey,
  linkRecord,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type UndigestedState,
} from '@activation-hub/membership';
import { exampleRecord, exampleState } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, fansId, fansKey, openActivation } from '../testing/index.ts';
import type { DeferredChange } from './defer-changes.ts';
import { peopleToFollow, type Followed, type Outcome } from './people-to-follow.ts';
import type { DesiredMembership, RoutedPerson } from './resolve-memberships.ts';
import type { ToldRow } from './tell-rows.ts';
import type { Work } from './work.ts';

const fileWith = (follow: string): string => `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: crmid${follow} }] }
`;
const { context } = openActivation({ file: fileWith(', follow: ecid') });
const noon = Date.UTC(2026, 0, 1, 12);
const stateAt = (seconds: number): UndigestedState => exampleState({ qualifiedAtMs: noon + seconds * 1_000 });

/** The person of an export with this digest of identities. */
function personOf(linkDigest: string, seconds = 0, over: object = {}, { matcher } = context): RoutedPerson {
  const routed = matcher.routeOf(fansKey());
  if (routed === undefined) throw new Error('The fans are not routed.');
  const profileExport = { identities: new Map([['ecid', ['e1']]]) };
  const event = eventOf({}, seconds);
  return {
    ...routed,
    profileExport,
    event,
    identities: [],
    linkDigest,
    state: stateAt(seconds),
    ...over,
  } as unknown as RoutedPerson;
}

function desiredOf(person: RoutedPerson, key: LedgerKey = fansKey()): DesiredMembership {
  return { ...person, person, key, keyText: ledgerKeyText(key), attributes: {} };
}

function rowOf(over: Partial<LedgerRecord> = {}): LedgerRow {
  return { record: exampleRecord({ known: { ...exampleState(), ...stateAt(0) }, ...over }), version: '1' };
}

const settledOf = (desired: DesiredMembership, row: LedgerRow | undefined) => ({ desired, row });
const toldOf = ({ keyText }: DesiredMembership, fate: ToldRow['fate'], settled?: LedgerRow): ToldRow =>
  ({ keyText, fate, ...(settled === undefined ? {} : { settled }) }) as unknown as ToldRow;

/** Who is looked at now and who later, by the digests of their exports. */
function follow(outcome: Partial<Outcome>, work?: Work, of = context) {
  const { desired = [] } = outcome;
  const newest = new Map(desired.map((each) => [each.keyText, each]));
  const all = {
    desired,
    newest,
    undecided: desired,
    superseded: [],
    concerned: new Set<RoutedPerson>(),
    deferred: [],
    settled: [],
    told: [],
    unresolved: [],
  };
  const people = peopleToFollow({ ...all, ...outcome }, of, work);
  const digests = (followed: readonly Followed[]) => followed.map(({ person }) => person.linkDigest);
  return { ...people, digests: { now: digests(people.now), later: digests(people.later) } };
}

const [key, otherKey] = [fansKey('p1'), fansKey('p2')];
const leased = rowOf({ rowState: { is: 'leased', holder: 'other', expiresAtMs: Infinity }, linkDigest: 'other' });
const deferred = rowOf({ rowState: { is: 'deferred', chainId: 'r1' } });

test('a person is known when every row has the digest of these identities', () => {
  const person = personOf('mine');
  const [first, second] = [desiredOf(person, key), desiredOf(person, otherKey)];
  const known = settledOf(first, rowOf({ linkDigest: 'mine' }));
  const rows = [first, second];
  const unknown = follow({ desired: rows, settled: [known, settledOf(second, rowOf({ linkDigest: 'other' }))] });
  expect(unknown.digests).toEqual({ now: ['mine'], later: [] });
  const both = follow({ desired: rows, settled: [known, settledOf(second, rowOf({ linkDigest: 'mine' }))] });
  expect(both.digests).toEqual({ now: [], later: [] });
});

test('an older export of a batch is looked at when the row that a newer one has is settled, and has no row of its own', () => {
  const [older, newer] = [desiredOf(personOf('older', 0)), desiredOf(personOf('newer', 1))];
  const outcome = { desired: [newer], superseded: [older] };
  const { now, digests } = follow({ ...outcome, settled: [settledOf(newer, rowOf({ linkDigest: 'newer' }))] });
  expect(digests).toEqual({ now: ['older'], later: [] });
  expect(now[0]?.chosen).toEqual([]);
  const open = follow({ ...outcome, settled: [settledOf(newer, deferred)] });
  expect(open.digests).toEqual({ now: [], later: ['older', 'newer'] });
});

test('a person who entered under another identity does not wait for what a newer export has', () => {
  const person = personOf('older');
  const [mine, superseded] = [desiredOf(person, key), desiredOf(person, otherKey)];
  const newer = desiredOf(personOf('', 1), otherKey);
  for (const row of [rowOf(), rowOf({ linkDigest: 'older' })]) {
    const settled = [settledOf(mine, row), settledOf(newer, deferred)];
    expect(follow({ desired: [mine, newer], superseded: [superseded], settled }).digests.now).toEqual(['older']);
  }
});

test('under the lease of another process a person is looked at later, unless nothing links them', () => {
  const [linked, alone] = [desiredOf(personOf('mine')), desiredOf(personOf(''))];
  const waits = follow({ desired: [linked], settled: [settledOf(linked, leased)] });
  expect(waits.digests).toEqual({ now: [], later: ['mine'] });
  expect(follow({ desired: [alone], settled: [settledOf(alone, leased)] }).digests).toEqual({ now: [], later: [] });
});

test('a look that waits is announced once, by the first export with its identities, and by no retry', () => {
  const waitsWith = (linkDigest: string, more: Partial<LedgerRecord> = {}): LedgerRow =>
    rowOf({ rowState: { is: 'deferred', chainId: 'r1', linkDigest }, ...more });
  const first = desiredOf(personOf('mine', 0), key);
  const again = desiredOf(personOf('mine', 9), key);
  const postponedOf = (outcome: Partial<Outcome>, work?: Work) =>
    follow(outcome, work).postponed.map(({ person }) => person.linkDigest);
  const of = (desired: DesiredMembership, row: LedgerRow | undefined) => ({
    desired: [desired],
    settled: [settledOf(desired, row)],
  });
  expect(postponedOf(of(first, waitsWith('mine')))).toEqual(['mine']);
  expect(postponedOf(of(again, waitsWith('mine')))).toEqual([]);
  expect(postponedOf(of(again, waitsWith('other')))).toEqual(['mine']);
  expect(postponedOf(of(again, leased))).toEqual(['mine']);
  expect(postponedOf(of(first, waitsWith('mine')), { events: [], retry: exampleRetry() })).toEqual([]);
});

test.each([
  ['waits for its first retry', rowOf({ rowState: { is: 'deferred', chainId: 'r1' } })],
  ['was erased meanwhile', undefined],
])('a look that waits is announced also where one row repeats what waits, and another one %s', (_, row) => {
  const person = personOf('mine', 9);
  const [first, second] = [desiredOf(person, key), desiredOf(person, otherKey)];
  const repeated = rowOf({ rowState: { is: 'deferred', chainId: 'r1', linkDigest: 'mine' } });
  const settled = [settledOf(first, repeated), settledOf(second, row)];
  const { postponed } = follow({ desired: [first, second], settled });
  expect(postponed.map(({ chosen }) => chosen)).toEqual([settled]);
});

test('an export that has waited as long as a change that is given up is looked at all the same', () => {
  const each = desiredOf(personOf('mine'));
  const retry = exampleRetry({ firstDeferredAtMs: 0, events: [] });
  const outcome = { desired: [each], settled: [settledOf(each, leased)] };
  expect(follow(outcome, { events: [], retry }).digests).toEqual({ now: ['mine'], later: [] });
  const { now } = follow({ desired: [each], told: [toldOf(each, 'delivered')] }, { events: [], retry });
  expect(now.map(({ chosen }) => chosen)).toEqual([[]]);
});

test('a person whose row was erased meanwhile is looked at', () => {
  const each = desiredOf(personOf('mine'));
  expect(follow({ desired: [each], settled: [settledOf(each, undefined)] }).digests.now).toEqual(['mine']);
});

test.each([
  ['deferred', deferred],
  ['unanswered', undefined],
] as const)('a row that was told and is %s is looked at by its retry, which brings this export', (fate, row) => {
  const each = desiredOf(personOf('mine'));
  expect(follow({ desired: [each], told: [toldOf(each, fate, row)] }).digests).toEqual({ now: [], later: [] });
});

test.each([
  ['deferred', []],
  ['unanswered', []],
  ['delivered', ['older']],
] as const)(
  'an older export is brought again by the retry of another row of its event, where that is %s at the same destination',
  (fate, later) => {
    const { event } = personOf('');
    const [older, beside] = [
      desiredOf(personOf('older', 0, { event })),
      desiredOf(personOf('beside', 0, { event }), otherKey),
    ];
    const newer = desiredOf(personOf('newer', 1));
    const { route, audience } = beside;
    const told = [
      { ...toldOf(newer, 'deferred', deferred), event: newer.event, route, audience },
      {
        ...toldOf(beside, fate, fate === 'delivered' ? rowOf({ linkDigest: 'beside' }) : undefined),
        event,
        route,
        audience,
      },
    ];
    const outcome = { desired: [newer, beside], superseded: [older], told };
    expect(follow(outcome).digests).toEqual({ now: [], later });
  },
);

test('a retry of the event for another destination or another audience does not bring an older export again', () => {
  const { event } = personOf('');
  const older = desiredOf(personOf('older', 0, { event }));
  const newer = desiredOf(personOf('newer', 1));
  const { route, audience: entry } = newer;
  const laterWith = (destination: string, audience: string): readonly string[] => {
    const deferrals = [{ deferral: { event, destination, audience } as DeferredChange['deferral'] }];
    const told = [{ ...toldOf(newer, 'deferred', deferred), event: newer.event, route, audience: entry }];
    return follow({ desired: [newer], superseded: [older], told, deferred: deferrals }).digests.later;
  };
  expect(laterWith('crm', 'sports-fans')).toEqual([]);
  expect(laterWith('ads', 'sports-fans')).toEqual(['older']);
  expect(laterWith('crm', 'travellers')).toEqual(['older']);
});

test('a row of which the settling was lost is looked at later, for no retry brings the export', () => {
  const each = desiredOf(personOf('mine'));
  expect(follow({ desired: [each], told: [toldOf(each, 'delivered')] }).digests).toEqual({ now: [], later: ['mine'] });
});

test('a person is followed as of the newest of the export and of the rows with its identities', () => {
  const person = personOf('mine', 5);
  const each = desiredOf(person);
  const retry = exampleRetry({ isReplay: true, events: [{ event: person.event, audiences: [], rows: [] }] });
  const stateWith = (seconds: number, linkDigest: string): UndigestedState | undefined => {
    const row = rowOf({ known: { ...exampleState(), ...stateAt(seconds) }, linkDigest });
    return follow({ desired: [each], settled: [settledOf(each, row)] }, { events: [], retry }).now[0]?.person.state;
  };
  expect(stateWith(0, 'mine')).toEqual(stateAt(5));
  expect(stateWith(9, 'mine')).toMatchObject(stateAt(9));
  expect(stateWith(9, 'other')).toEqual(stateAt(5));
});

test('of the events of a retry those are looked at again that have a row to which they do not resolve, of a replay all', () => {
  const person = personOf('mine');
  const each = desiredOf(person, key);
  const outcome = { desired: [each], settled: [settledOf(each, rowOf({ linkDigest: 'mine' }))] };
  const nowOf = (rows: readonly LedgerKey[], isReplay = false) => {
    const retry = exampleRetry({ isReplay, events: [{ event: person.event, audiences: [], rows }] });
    return follow(outcome, { events: [], retry }).digests.now;
  };
  expect(nowOf([key])).toEqual([]);
  expect(nowOf([key, otherKey])).toEqual(['mine']);
  expect(nowOf([key], true)).toEqual(['mine']);
});

test('people are looked at from old to new, and of exports with the same identities only the newest', () => {
  const exports = [personOf('a', 3), personOf('b', 2), personOf('a', 1)].map((person, n) =>
    desiredOf(person, fansKey(`p${n}`)),
  );
  const { now, digests } = follow({ desired: exports, settled: exports.map((each) => settledOf(each, rowOf())) });
  expect(digests.now).toEqual(['b', 'a']);
  expect(now[1]?.person.state).toEqual(stateAt(3));
});

test('a person without an identity that the route accepts is looked at only where the route follows', () => {
  const { context: unfollowing } = openActivation({ file: fileWith('') });
  const person = personOf('', 0, {}, unfollowing);
  const retry = exampleRetry({ isReplay: true, events: [{ event: person.event, audiences: [], rows: [] }] });
  expect(follow({ unresolved: [person] }, { events: [], retry }, unfollowing).digests.now).toEqual([]);
  expect(follow({ unresolved: [personOf('')] }).digests.now).toEqual(['']);
});

test('an identity of as many characters as a row takes is followed, and a longer one is not', () => {
  const longest = 'x'.repeat(identityCharactersMax);
  const identities = new Map([['ecid', [longest, `${longest}x`]]]);
  const { now } = follow({ unresolved: [personOf('', 0, { profileExport: { identities } })] });
  expect(now[0]?.linkKeys.map(({ identity }) => identity.value)).toEqual([longest]);
});

test('a person without the identity by which the route follows has no link', () => {
  const identities = new Map([['loyalty', ['l1']]]);
  const each = desiredOf(personOf('mine', 0, { profileExport: { identities } }));
  const { now } = follow({ desired: [each], settled: [settledOf(each, rowOf())] });
  expect(now.map(({ linkKeys }) => linkKeys)).toEqual([[]]);
});

test('links are kept by the name that the destination has in the ledger', () => {
  const file = fileWith(', follow: ecid').replace('type: recording', 'type: recording, formerly: before');
  const { context: renamed } = openActivation({ file });
  const { now } = follow({ unresolved: [personOf('')] }, undefined, renamed);
  expect(now).toMatchObject([{ ledgerName: 'before', linkKeys: [{ destination: 'before~link' }] }]);
});

test('the cache knows a person without an identity when every link names no identity, present or former, as of this qualification', () => {
  const identities = new Map([['ecid', ['e1', 'e2']]]);
  const person = personOf('', 0, { profileExport: { identities } });
  const ada = { namespace: 'crmid', value: 'p1' };
  const nobody = { identities: [], leaving: [] };
  const nowWith = (...links: readonly Parameters<typeof linkRecord>[]) => {
    const opened = openActivation({ file: fileWith(', follow: ecid') });
    for (const [index, link] of links.entries()) {
      const linked = linkKey(key, { namespace: 'ecid', value: `e${index + 1}` });
      opened.context.ledgerCache.set(
        ledgerKeyText(linked),
        { record: linkRecord(...link), version: '1' },
        opened.clock.nowMs,
      );
    }
    return follow({ unresolved: [person] }, undefined, opened.context).now.length;
  };
  const [state, exited] = [stateAt(0), { ...stateAt(0), status: 'exited' as const }];
  expect(nowWith([state, nobody, ''], [state, nobody, ''])).toBe(0);
  expect(nowWith([state, nobody, ''])).toBe(1);
  expect(nowWith([state, nobody, ''], [state, { ...nobody, identities: [ada] }, ''])).toBe(1);
  expect(nowWith([state, nobody, ''], [state, { ...nobody, leaving: [ada] }, ''])).toBe(1);
  expect(nowWith([state, nobody, ''], [exited, nobody, ''])).toBe(1);
  expect(nowWith([state, nobody, ''], [stateAt(60), nobody, ''])).toBe(1);
});
