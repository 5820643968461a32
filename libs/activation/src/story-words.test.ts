import type { LedgerRecord, Transition } from '@activation-hub/membership';
import { exampleRecord, exampleState } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { storyStates } from './person-story.ts';
import { standingOf, transitionWords, unknownStanding } from './story-words.ts';

const nowMs = Date.UTC(2026, 5, 1);
const member = exampleState();
const exit = exampleState({ status: 'exited' });
const withheld = exampleState({ isMember: false, content: '' });

const transition = (over: Partial<Transition> = {}): Transition => ({
  did: 'entered',
  because: 'export',
  isWithheld: false,
  enqueuedAtMs: nowMs,
  atMs: nowMs,
  lastAtMs: nowMs,
  times: 1,
  inDoubt: false,
  ...over,
});
const says = (over: Partial<Transition>, isShadow = false): string => transitionWords(transition(over), isShadow);

test('an attempt says of what it told, and how that ended', () => {
  expect(says({})).toBe('Told that the person entered: no answer is known.');
  expect(says({ did: 'updated', outcome: 'delivered' })).toBe('Told that attributes changed: the destination took it.');
  expect(says({ did: 'exited', outcome: 'not-found' })).toBe(
    'Told that the person left: the destination does not know the person.',
  );
  expect(says({ outcome: 'deferred', class: 'transient', reason: '503', times: 3 })).toBe(
    'Told that the person entered: not taken, to be tried again (transient: 503) (3 times).',
  );
  expect(says({ outcome: 'given-up', class: 'transient' })).toBe(
    'Told that the person entered: not taken, and given up (transient).',
  );
  expect(says({ outcome: 'rejected', reason: 'no such list', inDoubt: true })).toBe(
    'Told that the person entered: the destination rejected it, or perhaps taken (no such list).',
  );
});

test('an exit of a person who is a member says that consent is missing, where an export brought it', () => {
  const exited = (because: Transition['because'], isWithheld = true): string =>
    says({ did: 'exited', because, isWithheld, outcome: 'delivered' });
  expect(exited('export')).toBe(
    'Told that the person left, because consent does not say yes: the destination took it.',
  );
  expect(exited('retry')).toBe(
    'Told that the person left by a retry, because consent does not say yes: the destination took it.',
  );
  expect(exited('export', false)).toBe('Told that the person left: the destination took it.');
  expect(exited('erasure')).toBe(
    'Told that the person left because the person was to be erased: the destination took it.',
  );
  // An entry is none of consent, whatever the row says of the person.
  expect(says({ isWithheld: true, outcome: 'delivered' })).toBe(
    'Told that the person entered: the destination took it.',
  );
});

test.each([
  ['export', ''],
  ['retry', ' by a retry'],
  ['replay', ' by a replay of dead letters'],
  ['resync', ' by a resync'],
  ['renewal', ' again, before the membership lapses'],
  ['fill', ' to fill the route'],
  ['repair', ' again, because another process wrote the row meanwhile'],
  ['retirement', ' because the route is retired'],
  ['erasure', ' because the person was to be erased'],
  ['former-identity', ' because the identity is the person’s no more'],
] as const)('what happened on account of %s says so', (because, account) => {
  expect(says({ because })).toBe(`Told that the person entered${account}: no answer is known.`);
  expect(says({ because, did: 'paused' })).toBe(`Not told${account}: the route is paused.`);
});

test('what was not sent says why', () => {
  const twice = { times: 2 };
  expect(says({ did: 'delivered', ...twice })).toBe(
    'Nothing to tell: the destination has this state already (2 times).',
  );
  expect(says({ did: 'noted', ...twice })).toBe('Nothing to tell: the destination never knew the person (2 times).');
  expect(says({ did: 'noted', isWithheld: true, ...twice })).toBe(
    'Not told: consent does not say yes, and the destination never knew the person (2 times).',
  );
  expect(says({ did: 'noted', because: 'former-identity', isWithheld: true, ...twice })).toBe(
    'Not told: the route knows the person by another identity (2 times).',
  );
  expect(says({ did: 'paused', ...twice })).toBe('Not told: the route is paused (2 times).');
  expect(says({ did: 'deferred', class: 'transient', reason: '503', ...twice })).toBe(
    'Not sent, to be tried by a retry (transient: 503) (2 times).',
  );
  expect(says({ did: 'given-up', because: 'retry', class: 'route-gone', ...twice })).toBe(
    'Given up without another attempt (route-gone) (2 times).',
  );
  expect(says({ did: 'overtaken', ...twice })).toBe(
    'A newer state came while a process was telling the destination, which tells it then (2 times).',
  );
});

test('in shadow mode an attempt would have told, and everything else is as it is', () => {
  expect(says({ did: 'updated', because: 'resync', outcome: 'delivered' }, true)).toBe(
    'Would have told that attributes changed by a resync; the route was in shadow mode.',
  );
  expect(says({ did: 'noted' }, true)).toBe(says({ did: 'noted' }));
});

const standing = (
  record: LedgerRecord,
  of: Partial<Parameters<typeof standingOf>[1]> = {},
  last?: Partial<Transition>,
): readonly [string, string] => {
  const about = { mode: 'live', isShadow: false, hasRetry: false, nowMs, ...of } as const;
  const { state, says: words } = standingOf(record, about, last === undefined ? undefined : transition(last));
  expect(storyStates).toContain(state);
  return [state, words];
};

test('a row that was told says whether the destination has the person, and if not, why', () => {
  const told = (known: LedgerRecord['known'], over: Partial<LedgerRecord> = {}): LedgerRecord =>
    exampleRecord({ known, rowState: { is: 'delivered' }, ...over });
  expect(standing(told(member), {}, {})).toEqual(['told', 'The destination has the person.']);
  expect(standing(told(member, { inDoubt: true }))).toEqual([
    'perhaps-told',
    'The destination was perhaps told: no certain answer came.',
  ]);
  const left = 'The destination was told that the person left';
  expect(standing(told(exit))).toEqual(['told', `${left}.`]);
  for (const known of [exit, withheld]) {
    expect(standing(told(known), {}, { because: 'former-identity' })).toEqual([
      'told',
      `${left} under this identity: the route knows the person by another one.`,
    ]);
    expect(standing(told(known), {}, { because: 'erasure' })).toEqual([
      'told',
      `${left}, because the person was to be erased.`,
    ]);
  }
  const retired = ['retired', `${left}, because the route is retired.`];
  expect(standing(told(withheld), { mode: 'retired' })).toEqual(retired);
  expect(standing(told(withheld), {}, { because: 'retirement' })).toEqual(retired);
  expect(standing(told(exit), { mode: 'retired' })).toEqual(['told', `${left}.`]);
  expect(standing(told(withheld))).toEqual([
    'withheld',
    `${left}, although AEP says member: consent does not say yes.`,
  ]);
});

test('a row of a person whom the destination never knew says why', () => {
  const noted = (known: LedgerRecord['known']): LedgerRecord => exampleRecord({ known, rowState: { is: 'noted' } });
  expect(standing(noted(exit))).toEqual([
    'nothing-to-tell',
    'Nothing to tell: the destination never knew the person, who is no member.',
  ]);
  for (const known of [exit, withheld])
    expect(standing(noted(known), {}, { because: 'former-identity' })).toEqual([
      'nothing-to-tell',
      'Never told under this identity: the route knows the person by another one.',
    ]);
  expect(standing(noted(withheld), { mode: 'retired' })).toEqual([
    'retired',
    'Never told, because the route is retired.',
  ]);
  expect(standing(noted(withheld), {}, {})).toEqual([
    'withheld',
    'Never told: the consent attribute does not say yes.',
  ]);
});

test('a row whose state is open says what becomes of it, and why it was not taken', () => {
  const of = (rowState: LedgerRecord['rowState']): LedgerRecord => exampleRecord({ known: member, rowState });
  const lease = (expiresAtMs: number): LedgerRecord => of({ is: 'leased', holder: 'other', expiresAtMs });
  const perhaps = ['perhaps-told', 'The destination was perhaps told: no certain answer came.'];
  expect(standing(lease(nowMs + 1))).toEqual(['being-told', 'A process is telling the destination.']);
  expect(standing(lease(nowMs))).toEqual(perhaps);
  const deferred = of({ is: 'deferred', chainId: 'c' });
  const last = { class: 'transient', reason: '503' };
  expect(standing(deferred, { hasRetry: true }, last)).toEqual([
    'waiting',
    'Not taken yet; a retry tells it (transient: 503).',
  ]);
  expect(standing(deferred, {}, last)).toEqual([
    'waiting-for-nothing',
    'Not taken yet, and no retry of it is in the queue (transient: 503).',
  ]);
  expect(standing(of({ is: 'paused' }), {}, last)).toEqual(['paused', 'Not told, because the route was paused.']);
  expect(standing(of({ is: 'rejected' }), {}, last)).toEqual([
    'rejected',
    'The destination rejected it (transient: 503).',
  ]);
  expect(standing(of({ is: 'not-found' }), {}, {})).toEqual(['not-found', 'The destination does not know the person.']);
  expect(standing(of({ is: 'given-up' }), {}, { reason: '503' })).toEqual(['given-up', 'Given up (503).']);
  expect(standing(of({ is: 'given-up' }))).toEqual(['given-up', 'Given up.']);
  expect(standing(of({ is: 'given-up' }), { isShadow: true })).toEqual([
    'shadowed',
    'The route was in shadow mode: decided and recorded, and not sent.',
  ]);
});

test('a route without a row says by which identities to ask, or what its mode makes of that', () => {
  const unknown = (mode: 'live' | 'paused' | 'shadow' | 'retired', ...namespaces: readonly string[]): unknown => {
    const { state, says: words } = unknownStanding(
      { mode, identityNamespaces: ['crmid', 'email'] },
      new Set(namespaces),
    );
    expect(storyStates).toContain(state);
    return [state, words];
  };
  expect(unknown('live', 'phone')).toEqual([
    'unknown',
    'No identity that this route accepts was given or is linked: ask by crmid or email too.',
  ]);
  for (const mode of ['live', 'paused'] as const)
    expect(unknown(mode, 'phone', 'email')).toEqual([
      'unknown',
      'No export with this audience and identity has been decided, or its row was swept.',
    ]);
  expect(unknown('shadow', 'email')).toEqual(['unknown', 'No row: the route is in shadow mode.']);
  expect(unknown('retired', 'email')).toEqual(['unknown', 'No row: the route is retired.']);
});
