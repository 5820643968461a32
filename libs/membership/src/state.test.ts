import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleKey, exampleState } from '../testing/index.ts';
import { ledgerKeyText, type LedgerKey } from './ledger.ts';
import {
  areSameAttributes,
  changeId,
  compareStates,
  contentDigest,
  saysTheSame,
  type Attributes,
  type MembershipState,
} from './state.ts';

const state = fc.record({
  status: fc.constantFrom('realized' as const, 'exited' as const),
  isMember: fc.boolean(),
  qualifiedAtMs: fc.integer({ min: 0, max: 2 }),
  enqueuedAtMs: fc.integer({ min: 0, max: 2 }),
  sequenceNumber: fc.integer({ min: 0, max: 2 }),
  content: fc.constantFrom('', 'a', 'b'),
});

test('states are in an order', () => {
  fc.assert(
    fc.property(state, state, state, (a, b, c) => {
      expect(Math.sign(compareStates(a, b)) + Math.sign(compareStates(b, a))).toBe(0);
      if (compareStates(a, b) <= 0 && compareStates(b, c) <= 0) expect(compareStates(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});

test('the time of qualification outweighs all, then the exit, then the time of the event', () => {
  const base = exampleState();
  const exit = exampleState({ status: 'exited', enqueuedAtMs: base.enqueuedAtMs - 1 });
  const requalified = exampleState({ qualifiedAtMs: base.qualifiedAtMs + 1, enqueuedAtMs: base.enqueuedAtMs - 1 });
  const rewritten = exampleState({ enqueuedAtMs: base.enqueuedAtMs + 1 });
  expect([requalified, exit, rewritten, base].sort(compareStates)).toEqual([base, rewritten, exit, requalified]);
});

test('the digest tells attributes apart, and not the order of keys inside them', () => {
  expect(contentDigest({})).toBe('');
  expect(contentDigest({ a: { x: 1, y: [{ p: 1, q: 2 }] } })).toBe(contentDigest({ a: { y: [{ q: 2, p: 1 }], x: 1 } }));
  expect(contentDigest({ a: { '': { x: 1, y: 2 } } })).toBe(contentDigest({ a: { '': { y: 2, x: 1 } } }));
  expect(contentDigest({ a: { x: null } })).toBe(contentDigest({ a: { x: null } }));
  const hostile = JSON.parse('{"__proto__":1}') as Record<string, number>;
  const sets: Attributes[] = [
    { a: 1 },
    { a: '1' },
    { b: 1 },
    { a: [1, 2] },
    { a: [2, 1] },
    { a: null },
    { a: hostile },
    { a: {} },
    { a: { x: 1 } },
    { a: { x: 2 } },
    { a: { x: null } },
    { a: { x: [1, 2] } },
    { a: { x: { 0: 1, 1: 2 } } },
  ];
  expect(new Set(sets.map(contentDigest)).size).toBe(sets.length);
});

test('digests are the same in every version, for rows hold them', () => {
  expect(contentDigest({ firstname: 'Zoë' })).toBe('98rOo1neUKcIkRpFvi-WE9');
  expect(contentDigest({ b: { y: 1, x: 2 }, a: 1 })).toBe('lmyk8dwCBBK53X0EpbmZIW');
});

test('a member without attributes and a person who is not to be in the destination do not say the same', () => {
  expect(saysTheSame(exampleState(), exampleState({ isMember: false }))).toBe(false);
  expect(saysTheSame(exampleState(), exampleState({ status: 'exited', isMember: true, qualifiedAtMs: 1 }))).toBe(true);
});

test('attributes that are found to be the same have the same digest', () => {
  const attributes = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof(fc.boolean(), fc.integer({ max: 1 }), fc.constantFrom('', 'x'), fc.constant(null), fc.constant({ x: 1 })),
  );
  fc.assert(
    fc.property(attributes, attributes, (left, right) => {
      if (areSameAttributes(left, right)) expect(left).toEqual(right);
      const isFlat = Object.values(left).every((value) => typeof value !== 'object' || value === null);
      if (isFlat) expect(areSameAttributes(left, { ...left })).toBe(true);
    }),
  );
});

test('attributes are the same as themselves, whatever they hold', () => {
  const attributes = { name: 'Ada', address: { city: 'London' } };
  expect(areSameAttributes(attributes, attributes)).toBe(true);
  expect(areSameAttributes(attributes, { ...attributes, address: { city: 'London' } })).toBe(false);
});

test('a change keeps its id over every attempt and shares it with no other', () => {
  const idOf = (key: LedgerKey, state: MembershipState): string => changeId(ledgerKeyText(key), state);
  const member = exampleState({ content: 'a' });
  expect(idOf(exampleKey(1), member)).toBe(idOf(exampleKey(1), { ...member }));
  expect(idOf(exampleKey(1), member)).toMatch(/^[A-Za-z0-9_-]{27}$/);
  const ids = [
    idOf(exampleKey(1), member),
    idOf(exampleKey(2), member),
    idOf(exampleKey(1), { ...member, content: 'b' }),
    idOf(exampleKey(1), { ...member, status: 'exited' }),
    idOf(exampleKey(1), { ...member, isMember: false }),
    idOf(exampleKey(1), { ...member, qualifiedAtMs: 1 }),
    idOf(exampleKey(1), { ...member, enqueuedAtMs: 1 }),
    idOf(exampleKey(1, { destination: 'ads' }), member),
    idOf(exampleKey(1, { audience: { namespace: 'aam', id: 'x' } }), member),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});
