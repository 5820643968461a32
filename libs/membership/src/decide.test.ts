import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleRecord, exampleState } from '../testing/index.ts';
import { lease, note, settle } from './lease.ts';
import { decide } from './decide.ts';
import type { LedgerRecord } from './ledger.ts';
import { compareStates, saysTheSame, type MembershipState } from './state.ts';

const now = Date.UTC(2026, 5, 1);
const noon = Date.UTC(2026, 0, 1, 12);
const member = exampleState({ content: 'a' });
const exit = exampleState({ status: 'exited' });
const later = { qualifiedAtMs: noon + 3_600_000 };
const claimedUntil = (expiresAtMs: number): LedgerRecord =>
  exampleRecord({ known: member, rowState: { is: 'leased', holder: 'other', expiresAtMs } });
const untold = (known: MembershipState, rowState: 'noted' | 'rejected' | 'pending' | 'deferred'): LedgerRecord => ({
  known,
  rowState: { is: rowState },
  attributes: {},
  inDoubt: false,
});

test('a member nobody has heard of has entered', () => {
  expect(decide(undefined, member, now)).toEqual({ action: 'tell', kind: 'entered' });
});

test('an exit nobody has heard of is noted, and finds an older entry that comes later', () => {
  expect(decide(undefined, exit, now)).toEqual({ action: 'note', rowState: 'noted' });
  const noted = note(undefined, { state: exit, attributes: {} }, 'noted');
  expect(decide(noted, member, now)).toEqual({ action: 'nothing', because: 'superseded' });
});

test('the same state again is unchanged, and so is a later export of it', () => {
  const told = exampleRecord({ known: member });
  expect(decide(told, member, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  const rewritten = { ...member, enqueuedAtMs: member.enqueuedAtMs + 1, sequenceNumber: 9 };
  expect(decide(told, rewritten, now)).toEqual({ action: 'nothing', because: 'unchanged' });
});

test('a new qualification with the same content is noted, so that what lies between is superseded', () => {
  const told = exampleRecord({ known: member });
  const again = exampleState({ ...member, ...later });
  expect(decide(told, again, now)).toEqual({ action: 'note', rowState: 'delivered' });
  const noted = note(told, { state: again, attributes: {} }, 'delivered');
  const between = exampleState({ status: 'exited', isMember: false, content: '', qualifiedAtMs: noon + 1 });
  expect(decide(noted, between, now)).toEqual({ action: 'nothing', because: 'superseded' });
});

test('other attributes are an update', () => {
  const changed = { ...member, content: 'b', enqueuedAtMs: member.enqueuedAtMs + 1 };
  expect(decide(exampleRecord({ known: member }), changed, now)).toEqual({ action: 'tell', kind: 'updated' });
});

test('an exit with the time of the qualification that it ends is newer than it', () => {
  expect(decide(exampleRecord({ known: member }), exit, now)).toEqual({ action: 'tell', kind: 'exited' });
});

test('withdrawn consent is an exit, and its return an entry', () => {
  const withdrawn = { ...member, isMember: false, content: '', enqueuedAtMs: member.enqueuedAtMs + 1 };
  expect(decide(exampleRecord({ known: member }), withdrawn, now)).toEqual({ action: 'tell', kind: 'exited' });
  const returned = { ...member, enqueuedAtMs: member.enqueuedAtMs + 2 };
  expect(decide(exampleRecord({ known: withdrawn }), returned, now)).toEqual({ action: 'tell', kind: 'entered' });
});

test('an older state is superseded whatever the row stands at', () => {
  const older = exampleState({ status: 'exited', qualifiedAtMs: noon - 1 });
  for (const record of [
    exampleRecord({ known: member }),
    claimedUntil(now + 1),
    claimedUntil(now - 1),
    untold(member, 'pending'),
  ]) {
    expect(decide(record, older, now)).toEqual({ action: 'nothing', because: 'superseded' });
  }
});

test('under a live lease the same and newer states wait until it ends', () => {
  const wait = { action: 'wait', untilMs: now + 5 };
  expect(decide(claimedUntil(now + 5), member, now)).toEqual(wait);
  expect(decide(claimedUntil(now + 5), exampleState({ ...member, ...later }), now)).toEqual(wait);
});

test('after an expired lease the destination is told, for it was perhaps told something', () => {
  expect(decide(claimedUntil(now), member, now)).toEqual({ action: 'tell', kind: 'entered' });
  expect(decide(claimedUntil(now), exit, now)).toEqual({ action: 'tell', kind: 'exited' });
});

test('an exit after an entry that was perhaps told is sent, though no entry is certain', () => {
  const leased = lease(undefined, { state: member, attributes: {} }, { holder: 'dead', expiresAtMs: now - 1 });
  expect(decide(leased, exit, now)).toEqual({ action: 'tell', kind: 'exited' });
  const inDoubt = settle(leased, 'deferred', true);
  expect(decide(inDoubt, exit, now)).toEqual({ action: 'tell', kind: 'exited' });
});

test('doubt lasts until a delivery is certain', () => {
  const expired = claimedUntil(now - 1);
  const by = { holder: 'me', expiresAtMs: now + 1 };
  const taken = lease(expired, { state: exit, attributes: {} }, by);
  expect(taken.inDoubt).toBe(true);
  expect(settle(taken, 'rejected').inDoubt).toBe(true);
  expect(settle(taken, 'delivered')).toMatchObject({ inDoubt: false, delivered: exit, rowState: { is: 'delivered' } });
});

test('what is pending is told when it comes again, and needs nothing when AEP takes it back', () => {
  expect(decide(untold(member, 'pending'), member, now)).toEqual({ action: 'tell', kind: 'entered' });
  const pendingExit = { ...exampleRecord({ known: member }), known: exit, rowState: { is: 'pending' } } as const;
  const back = exampleState({ ...member, ...later });
  expect(decide(pendingExit, back, now)).toEqual({ action: 'note', rowState: 'delivered' });
  expect(decide(untold(member, 'pending'), exit, now)).toEqual({ action: 'note', rowState: 'noted' });
});

test('what was rejected is not asked again until something changes', () => {
  const rejected = untold(member, 'rejected');
  const rewritten = { ...member, enqueuedAtMs: member.enqueuedAtMs + 1 };
  expect(decide(rejected, member, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(rejected, rewritten, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(rejected, { ...rewritten, content: 'b' }, now)).toEqual({ action: 'tell', kind: 'entered' });
  expect(decide(rejected, exampleState({ ...member, ...later }), now)).toEqual({ action: 'tell', kind: 'entered' });
  expect(decide(rejected, exit, now)).toEqual({ action: 'note', rowState: 'noted' });
});

test('what is deferred is told by the retry queue, and by an export only when it asks for something else', () => {
  const deferred = untold(member, 'deferred');
  const rewritten = { ...member, enqueuedAtMs: member.enqueuedAtMs + 1 };
  expect(decide(deferred, member, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(deferred, rewritten, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(deferred, { ...rewritten, content: 'b' }, now)).toEqual({ action: 'tell', kind: 'entered' });
  expect(decide(deferred, exampleState({ ...member, ...later }), now)).toEqual({ action: 'tell', kind: 'entered' });
  expect(decide(deferred, exit, now)).toEqual({ action: 'note', rowState: 'noted' });
  expect(decide(deferred, member, now, 'retry')).toEqual({ action: 'tell', kind: 'entered' });
  const older = exampleState({ ...member, qualifiedAtMs: noon - 1 });
  expect(decide(deferred, older, now, 'retry')).toEqual({ action: 'nothing', because: 'superseded' });
});

test('what was rejected is told again when a person asks for it, and only then', () => {
  const rejected = untold(member, 'rejected');
  expect(decide(rejected, member, now, 'retry')).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(rejected, member, now, 'replay')).toEqual({ action: 'tell', kind: 'entered' });
  expect(decide(exampleRecord({ known: member }), member, now, 'replay')).toEqual({
    action: 'nothing',
    because: 'unchanged',
  });
});

test('an outdated retry restores what nobody is putting right, and an outdated export does not', () => {
  const older = exampleState({ ...member, qualifiedAtMs: noon - 1 });
  const spoiled: readonly LedgerRecord[] = [
    { ...untold(member, 'pending'), inDoubt: true },
    { ...claimedUntil(now), inDoubt: true },
  ];
  for (const record of spoiled) {
    for (const asking of ['retry', 'replay'] as const)
      expect(decide(record, older, now, asking)).toEqual({ action: 'restore', kind: 'entered' });
    expect(decide({ ...record, known: exit }, older, now, 'retry')).toEqual({ action: 'restore', kind: 'exited' });
    expect(decide(record, older, now)).toEqual({ action: 'nothing', because: 'superseded' });
  }
  for (const record of [
    { ...claimedUntil(now + 1), inDoubt: true },
    claimedUntil(now),
    untold(member, 'pending'),
    { ...untold(member, 'deferred'), inDoubt: true },
  ]) {
    expect(decide(record, older, now, 'retry')).toEqual({ action: 'nothing', because: 'superseded' });
  }
});

test('the same event with other content, as a corrected activation file makes it, is told', () => {
  for (const content of ['0', 'z']) {
    const corrected = { ...member, content };
    expect(decide(untold(member, 'rejected'), corrected, now, 'replay')).toEqual({ action: 'tell', kind: 'entered' });
    expect(decide(exampleRecord({ known: member }), corrected, now)).toEqual({ action: 'tell', kind: 'updated' });
  }
});

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

/** Plays arrivals against one row as a single worker does, and gives what the destination was told, in order. */
function play(arrivals: readonly MembershipState[], decideBy: typeof decide): MembershipState[] {
  let record: LedgerRecord | undefined;
  const told: MembershipState[] = [];
  for (const state of arrivals) {
    const demand = { state, attributes: {} };
    const decision = decideBy(record, state, now);
    if (decision.action === 'note') record = note(record, demand, decision.rowState);
    if (decision.action === 'tell') {
      told.push(state);
      record = settle(lease(record, demand, { holder: 'me', expiresAtMs: now + 1 }), 'delivered');
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
      : { action: 'tell', kind: state.isMember ? 'entered' : 'exited' };
  expect(fc.check(convergence(byArrival), { numRuns: 2_000 }).failed).toBe(true);
});

test('control: a row that does not move on with a new qualification is caught', () => {
  const forgetful: typeof decide = (record, state, nowMs) => {
    const decision = decide(record, state, nowMs);
    return decision.action === 'note' ? { action: 'nothing', because: 'unchanged' } : decision;
  };
  expect(fc.check(convergence(forgetful), { numRuns: 5_000 }).failed).toBe(true);
});
