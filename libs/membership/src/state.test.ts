import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleKey, exampleState } from '../testing/index.ts';
import { changeId, compareStates, contentDigest } from './state.ts';

const state = fc.record({
  status: fc.constantFrom('realized' as const, 'exited' as const),
  isMember: fc.boolean(),
  qualifiedAtMs: fc.integer({ min: 0, max: 2 }),
  enqueuedAtMs: fc.integer({ min: 0, max: 2 }),
  sequenceNumber: fc.integer({ min: 0, max: 2 }),
  content: fc.constantFrom('', 'a', 'b'),
});

test('states are in a total order', () => {
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
  expect(contentDigest([])).toBe('');
  expect(contentDigest([['a', { x: 1, y: [{ p: 1, q: 2 }] }]])).toBe(
    contentDigest([['a', { y: [{ q: 2, p: 1 }], x: 1 }]]),
  );
  const different = [
    contentDigest([['a', 1]]),
    contentDigest([['a', '1']]),
    contentDigest([['b', 1]]),
    contentDigest([['a', [1, 2]]]),
    contentDigest([['a', [2, 1]]]),
    contentDigest([['a', null]]),
    contentDigest([['a', JSON.parse('{"__proto__":1}') as Record<string, number>]]),
    contentDigest([['a', {}]]),
  ];
  expect(new Set(different).size).toBe(different.length);
});

test('a change keeps its id over every attempt and shares it with no other', () => {
  const member = exampleState({ content: 'a' });
  expect(changeId(exampleKey(1), 'entered', member)).toBe(changeId(exampleKey(1), 'entered', { ...member }));
  expect(changeId(exampleKey(1), 'entered', member)).toMatch(/^[A-Za-z0-9_-]{27}$/);
  const ids = [
    changeId(exampleKey(1), 'entered', member),
    changeId(exampleKey(2), 'entered', member),
    changeId(exampleKey(1), 'updated', member),
    changeId(exampleKey(1), 'entered', { ...member, content: 'b' }),
    changeId(exampleKey(1), 'entered', { ...member, qualifiedAtMs: 1 }),
    changeId(exampleKey(1), 'entered', { ...member, enqueuedAtMs: 1 }),
    changeId(exampleKey(1, { destination: 'ads' }), 'entered', member),
    changeId(exampleKey(1, { audience: { namespace: 'aam', id: 'x' } }), 'entered', member),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});
