import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleState } from '../testing/index.ts';
import { decide } from './decide.ts';
import { lease, note, settle } from './lease.ts';
import type { LedgerRecord } from './ledger.ts';
import { compareStates, saysTheSame, type MembershipState } from './state.ts';

const now = Date.UTC(2026, 5, 1);
const noon = Date.UTC(2026, 0, 1, 12);

/** States of one key whose qualifications differ, as AEP sends them. */
const history = fc
  .array(
    fc.record({ isMember: fc.boolean(), content: fc.constantFrom('a', 'b'), gapMs: fc.integer({ min: 1, max: 5 }) }),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((steps) => {
    let qualifiedAtMs = noon;
    return steps.map(({ isMember, content, gapMs }, index) => {
      qualifiedAtMs += gapMs;
      const status = isMember ? ('realized' as const) : ('exited' as const);
      return exampleState({ status, isMember, content: isMember ? content : '', qualifiedAtMs, sequenceNumber: index });
    });
  });

/**
 * Plays arrivals against one row as a single worker does, and gives what the destination was told,
 * in order.
 */
function play(arrivals: readonly MembershipState[], decideBy: typeof decide): MembershipState[] {
  let record: LedgerRecord | undefined;
  const told: MembershipState[] = [];
  for (const state of arrivals) {
    const desired = { state, attributes: {} };
    const decision = decideBy(record, state, now);
    if (decision.action === 'note') record = note(record, desired, decision.rowState);
    if (decision.action === 'deliver') {
      told.push(state);
      record = settle(lease(record, desired, { holder: 'me', expiresAtMs: now + 1 }), 'delivered');
    }
  }
  return told;
}

function convergence(
  decideBy: typeof decide,
): fc.IProperty<[{ arrivals: MembershipState[]; states: MembershipState[] }]> {
  const anyOrder = history.chain((states) =>
    fc
      .shuffledSubarray([...states, ...states], { minLength: states.length, maxLength: states.length * 2 })
      .filter((arrivals) => states.every((state) => arrivals.includes(state)))
      .map((arrivals) => ({ arrivals, states })),
  );
  return fc.property(anyOrder, ({ arrivals, states }) => {
    const told = play(arrivals, decideBy);
    const newest = states.toSorted(compareStates).at(-1);
    if (newest === undefined) throw new Error('unreachable');
    const last = told.at(-1);
    for (const [index, state] of told.entries()) {
      const before = told[index - 1];
      if (before !== undefined && compareStates(before, state) >= 0)
        throw new Error('told an older state after a newer');
    }
    if (last === undefined ? newest.isMember : !saysTheSame(last, newest))
      throw new Error('did not end with the newest');
  });
}

test('whatever the order and the duplicates, a destination ends with the newest state and never goes back', () => {
  fc.assert(convergence(decide), { numRuns: 2_000 });
});

test('control: deciding by order of arrival is caught', () => {
  const byArrival: typeof decide = (record, state) =>
    record !== undefined && saysTheSame(record.known, state)
      ? { action: 'nothing', because: 'unchanged' }
      : { action: 'deliver', kind: state.isMember ? 'entered' : 'exited' };
  expect(fc.check(convergence(byArrival), { numRuns: 2_000 }).failed).toBe(true);
});

test('control: a row that does not move on with a new qualification is caught', () => {
  const forgetful: typeof decide = (record, state, nowMs) => {
    const decision = decide(record, state, nowMs);
    return decision.action === 'note' ? { action: 'nothing', because: 'unchanged' } : decision;
  };
  expect(fc.check(convergence(forgetful), { numRuns: 5_000 }).failed).toBe(true);
});
