import { expect, test } from 'vitest';
import { exampleState } from '../testing/index.ts';
import { began, ended, endedLate, historyCharactersMax, historyOf, type Ending } from './history.ts';
import { lease, note, settle, settleLate } from './lease.ts';

const member = exampleState({ enqueuedAtMs: Date.UTC(2026, 0, 1, 12) });
const exit = exampleState({ status: 'exited', enqueuedAtMs: member.enqueuedAtMs + 60_000 });
const at = (seconds: number): number => member.enqueuedAtMs + seconds * 1_000;
const enqueued = member.enqueuedAtMs.toString(36);
const by = { holder: 'me', expiresAtMs: 1 };
const noted = (history: string | undefined, state = member, seconds = 1): string =>
  began(history, state, 'noted', { atMs: at(seconds), because: 'export' });
const refused = (history: string | undefined, how: Partial<Ending> = {}, seconds = 1): string =>
  ended(began(history, member, 'entered', { atMs: at(seconds), because: 'export' }), member, {
    outcome: 'deferred',
    atMs: at(seconds + 1),
    inDoubt: false,
    ...how,
  });

test('a transition is a few characters: account, deed and flag, the export, the wait, how it ended, why', () => {
  expect(noted(undefined)).toBe(`xn,${enqueued},rs`);
  expect(noted(undefined, { ...member, isMember: false })).toBe(`xnw,${enqueued},rs`);
  expect(refused(undefined)).toBe(`xe,${enqueued},rs,h,rs`);
  expect(refused(undefined, { class: 'transient', reason: '503' })).toBe(`xe,${enqueued},rs,h,rs,,transient,503`);
  expect(refused(undefined, { inDoubt: true })).toBe(`xe,${enqueued},rs,h?,rs`);
});

test('an exit is not withheld, and an attempt of which nothing is known was one of what the row knows', () => {
  expect(historyOf({ history: noted(undefined, exit, 61) }).transitions).toMatchObject([{ isWithheld: false }]);
  const left = settle(lease(undefined, { state: exit, attributes: {} }, by), 'delivered', false, { atMs: at(61) });
  expect(historyOf(left).transitions).toMatchObject([{ did: 'exited', outcome: 'delivered', isWithheld: false }]);
});

test('a transition has what is known of it, and nothing else', () => {
  const transition = { because: 'export', isWithheld: false, enqueuedAtMs: at(0), atMs: at(1), times: 1 };
  expect(historyOf({ history: noted(undefined) }).transitions).toStrictEqual([
    { ...transition, did: 'noted', lastAtMs: at(1), inDoubt: false },
  ]);
  const ending = { did: 'entered', lastAtMs: at(2), outcome: 'deferred' };
  expect(historyOf({ history: refused(undefined, { inDoubt: true, class: 'a,b|c' }) }).transitions).toStrictEqual([
    { ...transition, ...ending, inDoubt: true, class: 'a b c' },
  ]);
  expect(historyOf({ history: refused(undefined, { reason: 'x'.repeat(121) }) }).transitions).toStrictEqual([
    { ...transition, ...ending, inDoubt: false, reason: `${'x'.repeat(119)}…` },
  ]);
  const taken = refused(undefined, { outcome: 'delivered', class: 'transient', reason: 'before' });
  expect(historyOf({ history: taken }).transitions).toStrictEqual([
    { ...transition, ...ending, outcome: 'delivered', inDoubt: false },
  ]);
});

test('what is noted again is one transition, whichever export it comes from, but not what is withheld', () => {
  const twice = noted(noted(undefined), { ...member, enqueuedAtMs: at(5) }, 6);
  const often = noted(twice, { ...member, enqueuedAtMs: at(7) }, 8);
  expect(historyOf({ history: often })).toMatchObject({ transitions: [{ times: 3, lastAtMs: at(8) }], omitted: 0 });
  expect(historyOf({ history: noted(often, { ...member, isMember: false }) }).transitions).toHaveLength(2);
});

test('refusals with other endings are two transitions', () => {
  expect(historyOf({ history: refused(refused(undefined), { outcome: 'rejected' }) }).transitions).toHaveLength(2);
});

test('of transitions with long reasons as many of the newest are kept as the row has room for, to the last character', () => {
  const reasons = Array.from({ length: 8 }, (_, n) => String(n).repeat(120));
  let history: string | undefined;
  for (const [n, reason] of reasons.entries()) history = refused(history, { reason }, n);
  const { transitions, omitted } = historyOf({ history: history ?? '' });
  expect(transitions.map(({ reason }) => reason)).toEqual(reasons.slice(-transitions.length));
  expect(omitted).toBe(8 - transitions.length);
  // Whether another one had fitted: each takes as much as the last.
  const each = (history?.length ?? 0) / transitions.length;
  expect((history?.length ?? 0) + each).toBeGreaterThan(historyCharactersMax);
  expect(history?.length).toBeLessThanOrEqual(historyCharactersMax);
});

test('a row that is full to the last character is not cut', () => {
  const why = (letter: string, length: number) => ({ class: 'transient'.repeat(2), reason: letter.repeat(length) });
  const three = ['a', 'b', 'c'].reduce((history, letter) => refused(history, why(letter, 120)), '');
  const filled = (length: number): string => refused(three, why('d', length));
  const room = historyCharactersMax - filled(1).length + 1;
  expect(room).toBeLessThanOrEqual(120);
  expect(filled(room)).toHaveLength(historyCharactersMax);
  expect(historyOf({ history: filled(room) })).toMatchObject({ omitted: 0, transitions: { length: 4 } });
  expect(historyOf({ history: filled(room + 1) })).toMatchObject({ omitted: 1, transitions: { length: 3 } });
});

test('the late ending of an attempt leaves everything else as it was', () => {
  const ending = { outcome: 'delivered', atMs: at(3), inDoubt: false } as const;
  const attempt = began(undefined, member, 'entered', { atMs: at(1), because: 'export' });
  expect(endedLate(attempt, attempt, ending)).toBe(`xe,${enqueued},rs,d,1jk`);
  // An earlier process, which kept no history, or one whose last transition is no attempt, has
  // nothing to end.
  const row = note(undefined, { state: member, attributes: {} }, 'noted', { atMs: at(1), because: 'export' });
  for (const leased of [
    lease(undefined, { state: member, attributes: {} }, by),
    lease(row, { state: member, attributes: {} }, by),
  ])
    expect(settleLate(row, leased, 'delivered', false, { atMs: at(3) })).toEqual(row);
});

test('an attempt that has ended does not end again, nor does what this version cannot read', () => {
  for (const history of [refused(undefined), 'xe', 'xe,1']) {
    const { transitions } = historyOf({
      history: ended(history, member, { outcome: 'rejected', atMs: at(9), inDoubt: false }),
    });
    expect(transitions.at(-1)).toMatchObject({ did: 'entered', because: 'retry', outcome: 'rejected', atMs: at(9) });
  }
});

test('what this version cannot read is not merged with what it writes', () => {
  expect(historyOf({ history: noted('xn,!,2') })).toMatchObject({
    omitted: 1,
    transitions: [{ did: 'noted', times: 1 }],
  });
  for (const history of ['?e,1,2', 'xe,1']) expect(historyOf({ history })).toEqual({ transitions: [], omitted: 1 });
  expect(historyOf({ history: '' })).toEqual({ transitions: [], omitted: 0 });
});

test('a reason that is too long is cut after a word, and says that it is', () => {
  const words =
    'Failed to deliver: the destination answered 503 Service Unavailable. It is tried again. Look at its page of status first.';
  expect(words).toHaveLength(121);
  const reasonOf = (reason: string) =>
    historyOf({ history: refused(undefined, { class: 'transient', reason }) }).transitions[0]?.reason;
  expect(reasonOf(words)).toBe(words.replace(' first.', '…'));
  expect(reasonOf(words.slice(0, 120))).toBe(words.slice(0, 120));
  expect(reasonOf(`${'x'.repeat(100)}  ${'y'.repeat(30)}`)).toBe(`${'x'.repeat(100)}…`);
  // A word that is longer than a reason may be is cut itself.
  expect(reasonOf('x'.repeat(121))).toBe(`${'x'.repeat(119)}…`);
});
