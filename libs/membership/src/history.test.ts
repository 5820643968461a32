import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleState } from '../testing/index.ts';
import { began, ended, historyCharactersMax, historyOf, type AttemptOutcome } from './history.ts';
import { capLease, lease, note, overtake, settle, settleLate } from './lease.ts';

const member = exampleState({ enqueuedAtMs: Date.UTC(2026, 0, 1, 12) });
const exit = exampleState({ status: 'exited', enqueuedAtMs: member.enqueuedAtMs + 60_000 });
const desired = { state: member, attributes: {} };
const by = { holder: 'me', expiresAtMs: 1 };
const at = (seconds: number): number => member.enqueuedAtMs + seconds * 1_000;
const deferred = { is: 'deferred', chainId: 'c1' } as const;

test('a row says when it was told, after which refusals, and of which export', () => {
  const first = lease(undefined, desired, by, { atMs: at(1), because: 'export', kind: 'entered' });
  const why = { class: 'throttled', reason: '429 Too Many Requests' };
  const waits = settle(first, deferred, false, { atMs: at(2), ...why });
  const second = lease(waits, desired, by, { atMs: at(30), because: 'retry', kind: 'entered' });
  const waitsAgain = settle(second, deferred, false, { atMs: at(31), ...why });
  const third = lease(waitsAgain, desired, by, { atMs: at(180), because: 'retry', kind: 'entered' });
  const of = { did: 'entered', isWithheld: false, enqueuedAtMs: at(0), inDoubt: false } as const;
  const refused = { ...of, because: 'export', atMs: at(1), lastAtMs: at(31), times: 2, outcome: 'deferred', ...why };
  const last = { ...of, because: 'retry', atMs: at(180), times: 1 } as const;
  // An attempt in flight has no result yet.
  expect(historyOf(third).transitions).toEqual([refused, { ...last, lastAtMs: at(180) }]);
  expect(historyOf(settle(third, 'delivered', false, { atMs: at(181) }))).toEqual({
    transitions: [refused, { ...last, lastAtMs: at(181), outcome: 'delivered' }],
    omitted: 0,
  });
});

test('what is written without asking the destination is a transition too, and the same again is one with its number', () => {
  const withheld = { ...member, isMember: false };
  const noted = note(undefined, { state: withheld, attributes: {} }, 'noted', { atMs: at(1), because: 'export' });
  expect(historyOf(noted).transitions).toMatchObject([{ did: 'noted', isWithheld: true, because: 'export' }]);
  const held = { atMs: at(2), because: 'export', class: 'transient', reason: 'open, after, failures | 503' } as const;
  const waiting = note(noted, desired, deferred, held);
  const newer = { ...member, enqueuedAtMs: at(5) };
  const still = note(waiting, { ...desired, state: newer }, deferred, { ...held, atMs: at(9) });
  expect(historyOf(still).transitions[1]).toEqual({
    did: 'deferred',
    because: 'export',
    isWithheld: false,
    enqueuedAtMs: at(5),
    atMs: at(2),
    lastAtMs: at(9),
    times: 2,
    inDoubt: false,
    class: 'transient',
    reason: 'open, after, failures   503',
  });
});

test('two attempts that were taken are two, and so are two of different states or with different reasons', () => {
  const told = (history: string | undefined, kind: 'entered' | 'updated', state = member): string =>
    ended(began(history, state, kind, { atMs: at(1), because: 'export' }), state, {
      outcome: 'delivered',
      atMs: at(2),
      inDoubt: false,
    });
  const refused = (history: string | undefined, reason: string, state = member): string =>
    ended(began(history, state, 'entered', { atMs: at(1), because: 'export' }), state, {
      outcome: 'deferred',
      atMs: at(2),
      inDoubt: false,
      reason,
    });
  const count = (history: string): number => historyOf({ history }).transitions.length;
  expect(count(told(told(undefined, 'updated'), 'updated'))).toBe(2);
  expect(count(refused(refused(undefined, '503'), '503'))).toBe(1);
  expect(count(refused(refused(undefined, '503'), '504'))).toBe(2);
  expect(count(refused(refused(undefined, '503'), '503', { ...member, enqueuedAtMs: at(7) }))).toBe(2);
});

test('a newer state that comes while a row is leased stands after the attempt, whose ending its holder adds when it repairs', () => {
  const leased = lease(undefined, desired, by, { atMs: at(1), because: 'export', kind: 'entered' });
  const overtaken = overtake(leased, { state: exit, attributes: {} }, { atMs: at(2), because: 'export' });
  const seen = settleLate(overtaken, leased, 'delivered', false, { atMs: at(3) });
  expect(historyOf(seen).transitions).toMatchObject([
    { did: 'entered', outcome: 'delivered', lastAtMs: at(3) },
    { did: 'overtaken', atMs: at(2), enqueuedAtMs: exit.enqueuedAtMs },
  ]);
  // Of a row that has the attempt no more, as after an erasure, nothing is changed.
  const bare = note(undefined, desired, 'noted');
  expect(settleLate(bare, leased, 'delivered', false, { atMs: at(3) })).toBe(bare);
});

test('a row that is given up without another attempt, or whose attempt is not known, says how it ended all the same', () => {
  const waits = note(undefined, desired, deferred, { atMs: at(1), because: 'export' });
  const over = settle(waits, 'given-up', true, { atMs: at(9), class: 'route-gone', reason: 'No route.' });
  expect(historyOf(over).transitions.at(-1)).toMatchObject({ did: 'given-up', atMs: at(9), class: 'route-gone' });
  const unknown = lease(undefined, desired, by);
  expect(historyOf(settle(unknown, 'delivered', false, { atMs: at(9) }))).toMatchObject({
    transitions: [{ did: 'entered', outcome: 'delivered', atMs: at(9), lastAtMs: at(9) }],
    omitted: 0,
  });
});

test('a row keeps its history where there is no occasion, and a lease that is cut is none', () => {
  const leased = lease(undefined, desired, by, { atMs: at(1), because: 'export', kind: 'entered' });
  const { history } = leased;
  expect(history).toBeDefined();
  for (const next of [
    capLease(leased, 7),
    settle(leased, 'delivered'),
    settle(leased, 'rejected'),
    lease(leased, desired, by),
    note(leased, desired, 'noted'),
    overtake(leased, desired),
  ])
    expect(next.history).toBe(history);
});

test('a row keeps its last eight transitions and the number of the others', () => {
  let history: string | undefined;
  for (let n = 0; n < 20; n += 1) {
    const state = { ...member, enqueuedAtMs: at(n) };
    history = began(history, state, 'updated', { atMs: at(n), because: 'export' });
    history = ended(history, state, { outcome: 'delivered', atMs: at(n) + 90, inDoubt: false });
  }
  const { transitions, omitted } = historyOf(history === undefined ? {} : { history });
  expect(transitions.map(({ enqueuedAtMs }) => enqueuedAtMs)).toEqual([12, 13, 14, 15, 16, 17, 18, 19].map(at));
  expect(omitted).toBe(12);
  // What it costs a row: a change that is taken at once takes some twenty characters.
  expect(history?.length).toBeLessThan(8 * 23);
});

test('what this version cannot read is counted and shown as left out, and nothing else suffers', () => {
  const good = began(undefined, member, 'entered', { atMs: at(1), because: 'export' });
  for (const other of ['', 'nonsense', 'x?,1,2', 'xe,!,2', 'xe,1,2,?,3', 'xe,1,2,d,3,many']) {
    const { transitions, omitted } = historyOf({ history: `+3|${other}|${good}` });
    expect(transitions).toHaveLength(1);
    expect(omitted).toBe(4);
  }
  expect(historyOf({})).toEqual({ transitions: [], omitted: 0 });
  expect(historyOf({ history: `+x|${good}` })).toMatchObject({ omitted: 0, transitions: [{ did: 'entered' }] });
});

const outcome = fc.constantFrom<AttemptOutcome>('delivered', 'rejected', 'not-found', 'given-up', 'deferred');
const step = fc.record({
  did: fc.constantFrom('entered', 'updated', 'exited', 'delivered', 'noted', 'paused', 'deferred', 'overtaken'),
  because: fc.constantFrom('export', 'retry', 'replay', 'repair', 'resync', 'renewal', 'fill', 'retirement', 'erasure'),
  isMember: fc.boolean(),
  enqueuedAtMs: fc.integer({ min: -1e12, max: 4e12 }),
  waitMs: fc.integer({ min: -5_000, max: 90_000_000 }),
  outcome: fc.option(outcome, { nil: undefined }),
  inDoubt: fc.boolean(),
  class: fc.option(fc.constantFrom('transient', 'throttled', 'a,b|c'), { nil: undefined }),
  // Any code units, halves of characters and line feeds among them.
  reason: fc.option(
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 }).map((units) => String.fromCharCode(...units)),
    { nil: undefined },
  ),
});

test('whatever happens, a history is bounded, whole characters of one line, and says the last thing as it was', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      let history: string | undefined;
      for (const { did, because, isMember, enqueuedAtMs, waitMs, inDoubt, outcome: how, ...why } of steps) {
        const state = { ...member, isMember, enqueuedAtMs };
        const atMs = enqueuedAtMs + waitMs;
        const isAttempt = did === 'entered' || did === 'updated' || did === 'exited';
        history = began(history, state, did, { atMs, because, ...why });
        if (isAttempt && how !== undefined)
          history = ended(history, state, { outcome: how, atMs: atMs + 90, inDoubt, ...why });
        expect(history.length).toBeLessThanOrEqual(historyCharactersMax);
        expect(history.isWellFormed()).toBe(true);
        expect(history).not.toMatch(/[\p{Cc}]/u);
        const { transitions, omitted } = historyOf({ history });
        expect(transitions.length).toBeLessThanOrEqual(8);
        const last = transitions.at(-1);
        expect(last).toMatchObject({ did, isWithheld: !isMember, enqueuedAtMs });
        expect(last?.outcome).toBe(isAttempt ? how : undefined);
        // Every transition is kept, merged or counted as left out.
        expect(transitions.reduce((sum, { times }) => sum + times, omitted)).toBeLessThanOrEqual(steps.length);
      }
    }),
  );
});
