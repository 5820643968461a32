import { expect, test } from 'vitest';
import { exampleRecord, exampleState } from '../testing/index.ts';
import { decide, decideRow, isInDoubt, isLive, leaseLeftMaxMs, type Cause, type Decision } from './decide.ts';
import { capLease, lease, note, settle } from './lease.ts';
import type { LedgerRecord, SettledState } from './ledger.ts';
import type { MembershipState } from './state.ts';

const now = Date.UTC(2026, 5, 1);
const noon = Date.UTC(2026, 0, 1, 12);
const member = exampleState({ content: 'a' });
const exit = exampleState({ status: 'exited' });
const later = { qualifiedAtMs: noon + 3_600_000 };
const leasedUntil = (expiresAtMs: number): LedgerRecord =>
  exampleRecord({ known: member, rowState: { is: 'leased', holder: 'other', expiresAtMs } });
/** What the retry `r1` is responsible for. */
const deferred = { is: 'deferred', chainId: 'r1' } as const;
const itsRetry = { chainId: 'r1' };
const anotherRetry = { chainId: 'r2' };
const untold = (known: MembershipState, rowState: SettledState | typeof deferred): LedgerRecord => ({
  known,
  rowState: typeof rowState === 'string' ? { is: rowState } : rowState,
  attributes: {},
  inDoubt: false,
});

test('a member without a row has entered', () => {
  expect(decide(undefined, member, now)).toEqual({ action: 'deliver', kind: 'entered' });
});

test('an exit without a row is noted, and finds an older entry that comes later', () => {
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
  expect(decide(exampleRecord({ known: member }), changed, now)).toEqual({ action: 'deliver', kind: 'updated' });
});

test('an exit with the time of the qualification that it ends is newer than it', () => {
  expect(decide(exampleRecord({ known: member }), exit, now)).toEqual({ action: 'deliver', kind: 'exited' });
});

test('withdrawn consent is an exit, and its return an entry', () => {
  const withdrawn = { ...member, isMember: false, content: '', enqueuedAtMs: member.enqueuedAtMs + 1 };
  expect(decide(exampleRecord({ known: member }), withdrawn, now)).toEqual({ action: 'deliver', kind: 'exited' });
  const returned = { ...member, enqueuedAtMs: member.enqueuedAtMs + 2 };
  expect(decide(exampleRecord({ known: withdrawn }), returned, now)).toEqual({ action: 'deliver', kind: 'entered' });
});

test('an older state is superseded whatever the row stands at', () => {
  const older = exampleState({ status: 'exited', qualifiedAtMs: noon - 1 });
  for (const record of [
    exampleRecord({ known: member }),
    leasedUntil(now + 1),
    leasedUntil(now - 1),
    untold(member, 'paused'),
  ]) {
    expect(decide(record, older, now)).toEqual({ action: 'nothing', because: 'superseded' });
  }
});

test('under a live lease the same and newer states wait until it ends', () => {
  const wait = { action: 'wait', untilMs: now + 5, isCapped: false, isNews: false };
  expect(decide(leasedUntil(now + 5), member, now)).toEqual(wait);
  expect(decide(leasedUntil(now + 5), exampleState({ ...member, ...later }), now)).toEqual({ ...wait, isNews: true });
});

test('after an expired lease the destination is told, for it was perhaps told something', () => {
  expect(decide(leasedUntil(now), member, now)).toEqual({ action: 'deliver', kind: 'entered' });
  expect(decide(leasedUntil(now), exit, now)).toEqual({ action: 'deliver', kind: 'exited' });
});

test('an exit after an entry that was perhaps told is sent, though no entry is certain', () => {
  const leased = lease(undefined, { state: member, attributes: {} }, { holder: 'dead', expiresAtMs: now - 1 });
  expect(decide(leased, exit, now)).toEqual({ action: 'deliver', kind: 'exited' });
  const inDoubt = settle(leased, deferred, true);
  expect(decide(inDoubt, exit, now)).toEqual({ action: 'deliver', kind: 'exited' });
});

test('doubt lasts until a delivery is certain', () => {
  const expired = leasedUntil(now - 1);
  const by = { holder: 'me', expiresAtMs: now + 1 };
  const taken = lease(expired, { state: exit, attributes: {} }, by);
  expect(taken.inDoubt).toBe(true);
  expect(settle(taken, 'rejected').inDoubt).toBe(true);
  expect(settle(taken, 'delivered')).toMatchObject({ inDoubt: false, delivered: exit, rowState: { is: 'delivered' } });
});

test('a first row is in no doubt, and a settled one only when its delivery says so', () => {
  const by = { holder: 'me', expiresAtMs: now + 1 };
  const first = lease(undefined, { state: member, attributes: {} }, by);
  expect(first).toStrictEqual({ known: member, attributes: {}, inDoubt: false, rowState: { is: 'leased', ...by } });
  for (const outcome of ['rejected', 'not-found', 'given-up'] as const) {
    expect(settle(first, outcome)).toMatchObject({ rowState: { is: outcome }, inDoubt: false });
    expect(settle(first, outcome, true)).toMatchObject({ rowState: { is: outcome }, inDoubt: true });
  }
  expect(settle(first, deferred)).toMatchObject({ rowState: deferred, inDoubt: false });
  expect(note(first, { state: exit, attributes: {} }, 'noted').rowState).toEqual({ is: 'noted' });
  expect(note(first, { state: exit, attributes: {} }, deferred).rowState).toEqual(deferred);
});

test('a row holds no column without a value', () => {
  const by = { holder: 'me', expiresAtMs: now + 1 };
  const untouched = untold(member, 'noted');
  expect(lease(untouched, { state: exit, attributes: {} }, by)).toStrictEqual({
    known: exit,
    attributes: {},
    inDoubt: false,
    rowState: { is: 'leased', ...by },
  });
  const withoutAttributes = lease(exampleRecord({ known: member }), { state: exit, attributes: {} }, by);
  expect(withoutAttributes).not.toHaveProperty('deliveredAttributes');
});

test('what a paused route has held back is sent when it comes again, and needs nothing when AEP takes it back', () => {
  expect(decide(untold(member, 'paused'), member, now)).toEqual({ action: 'deliver', kind: 'entered' });
  const pausedExit = { ...exampleRecord({ known: member }), known: exit, rowState: { is: 'paused' } } as const;
  const back = exampleState({ ...member, ...later });
  expect(decide(pausedExit, back, now)).toEqual({ action: 'note', rowState: 'delivered' });
  expect(decide(untold(member, 'paused'), exit, now)).toEqual({ action: 'note', rowState: 'noted' });
  // Consent is withdrawn and given back while the route is paused: the qualification is the same
  // all the time.
  const withdrawn = { ...member, isMember: false, content: '', enqueuedAtMs: member.enqueuedAtMs + 1 };
  const returned = { ...member, enqueuedAtMs: member.enqueuedAtMs + 2 };
  expect(decide({ ...pausedExit, known: withdrawn }, returned, now)).toEqual({ action: 'note', rowState: 'delivered' });
});

test('an exit moves the row of a person whom consent had taken out, so that the qualification which it ends is superseded', () => {
  const withdrawn = exampleRecord({ known: { ...member, isMember: false, content: '' } });
  expect(decide(withdrawn, exit, now)).toEqual({ action: 'note', rowState: 'delivered' });
  const noted = note(withdrawn, { state: exit, attributes: {} }, 'delivered');
  const consented = { ...member, enqueuedAtMs: exit.enqueuedAtMs + 1 };
  expect(decide(noted, consented, now)).toEqual({ action: 'nothing', because: 'superseded' });
});

test('what was rejected is not asked again until something changes', () => {
  const rejected = untold(member, 'rejected');
  const rewritten = { ...member, enqueuedAtMs: member.enqueuedAtMs + 1 };
  expect(decide(rejected, member, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(rejected, rewritten, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(rejected, { ...rewritten, content: 'b' }, now)).toEqual({ action: 'deliver', kind: 'entered' });
  expect(decide(rejected, exampleState({ ...member, ...later }), now)).toEqual({ action: 'deliver', kind: 'entered' });
  expect(decide(rejected, exit, now)).toEqual({ action: 'note', rowState: 'noted' });
});

test('what is deferred is told by the retry queue, and by an export only when it asks for something else', () => {
  const waiting = untold(member, deferred);
  const rewritten = { ...member, enqueuedAtMs: member.enqueuedAtMs + 1 };
  expect(decide(waiting, member, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(waiting, rewritten, now)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(waiting, { ...rewritten, content: 'b' }, now)).toEqual({ action: 'deliver', kind: 'entered' });
  expect(decide(waiting, exampleState({ ...member, ...later }), now)).toEqual({ action: 'deliver', kind: 'entered' });
  expect(decide(waiting, exit, now)).toEqual({ action: 'note', rowState: 'noted' });
});

test('what was rejected is told again when a person asks for it, and only then', () => {
  const rejected = untold(member, 'rejected');
  expect(decide(rejected, member, now, itsRetry)).toEqual({ action: 'nothing', because: 'unchanged' });
  expect(decide(rejected, member, now, 'replay')).toEqual({ action: 'deliver', kind: 'entered' });
  expect(decide(exampleRecord({ known: member }), member, now, 'replay')).toEqual({
    action: 'nothing',
    because: 'unchanged',
  });
});

/**
 * Every cell of the table in the docstring of `decide`; each row knows a member who was never
 * delivered.
 */
const older = exampleState({ ...member, qualifiedAtMs: noon - 1 });
const sameWish = { ...member, enqueuedAtMs: member.enqueuedAtMs + 1 };
const otherWish = { ...sameWish, content: 'b' };
const superseded: Decision = { action: 'nothing', because: 'superseded' };
const unchanged: Decision = { action: 'nothing', because: 'unchanged' };
const entered: Decision = { action: 'deliver', kind: 'entered' };
const repair: Decision = { action: 'repair', kind: 'entered' };
const live: Decision = { action: 'wait', untilMs: now + 1, isCapped: false, isNews: false };
const liveNews: Decision = { ...live, isNews: true };
const expired = { ...leasedUntil(now), inDoubt: true };

test.each<[string, LedgerRecord, Cause, Decision, Decision, Decision, Decision]>([
  // row state, record, cause, older, the same, newer with the same wish, newer with another wish
  ['leased, live', leasedUntil(now + 1), 'export', superseded, live, live, liveNews],
  ['leased, live', leasedUntil(now + 1), itsRetry, live, live, live, liveNews],
  ['leased, live, in doubt', { ...leasedUntil(now + 1), inDoubt: true }, 'replay', live, live, live, liveNews],
  ['leased, expired', leasedUntil(now), itsRetry, repair, entered, entered, entered],
  ['leased, expired', leasedUntil(now), 'export', superseded, entered, entered, entered],
  ['leased, expired, in doubt', expired, 'export', superseded, entered, entered, entered],
  ['leased, expired, in doubt', expired, itsRetry, repair, entered, entered, entered],
  ['leased, expired, in doubt', expired, 'replay', repair, entered, entered, entered],
  ['deferred', untold(member, deferred), 'export', superseded, unchanged, unchanged, entered],
  ['deferred', untold(member, deferred), itsRetry, repair, entered, entered, entered],
  ['deferred', untold(member, deferred), anotherRetry, superseded, unchanged, entered, entered],
  ['deferred', untold(member, deferred), 'replay', repair, entered, entered, entered],
  ['paused', untold(member, 'paused'), 'export', superseded, entered, entered, entered],
  ['paused', untold(member, 'paused'), 'replay', superseded, entered, entered, entered],
  [
    'delivered',
    exampleRecord({ known: member }),
    'export',
    superseded,
    unchanged,
    unchanged,
    { action: 'deliver', kind: 'updated' },
  ],
  [
    'delivered',
    exampleRecord({ known: member }),
    'replay',
    superseded,
    unchanged,
    { action: 'note', rowState: 'delivered' },
    { action: 'deliver', kind: 'updated' },
  ],
  [
    'delivered',
    exampleRecord({ known: member }),
    anotherRetry,
    superseded,
    unchanged,
    { action: 'note', rowState: 'delivered' },
    { action: 'deliver', kind: 'updated' },
  ],
  ['given-up', untold(member, 'given-up'), 'export', superseded, unchanged, unchanged, entered],
  ['given-up', untold(member, 'given-up'), itsRetry, repair, entered, entered, entered],
  ['given-up', untold(member, 'given-up'), 'replay', repair, entered, entered, entered],
  ...(['rejected', 'not-found'] as const).flatMap(
    (is): [string, LedgerRecord, Cause, Decision, Decision, Decision, Decision][] => [
      [is, untold(member, is), 'export', superseded, unchanged, unchanged, entered],
      [is, untold(member, is), itsRetry, superseded, unchanged, entered, entered],
      [is, untold(member, is), 'replay', repair, entered, entered, entered],
    ],
  ),
])('%s (%#): each state that can come is decided as the table says', (_, record, cause, ...expected) => {
  const states = [older, member, sameWish, otherWish];
  expect(states.map((state) => decide(record, state, now, cause))).toEqual(expected);
});

test('a repair tells the direction of what the row knows', () => {
  expect(decide({ ...expired, known: exit }, older, now, itsRetry)).toEqual({ action: 'repair', kind: 'exited' });
});

test('a row without an export of its own is told when it is deferred or its lease has expired, and waits for a live lease', () => {
  expect(decideRow(untold(member, deferred), now, itsRetry)).toEqual(repair);
  expect(decideRow(untold(member, deferred), now, 'replay')).toEqual(repair);
  expect(decideRow(untold(member, deferred), now, anotherRetry)).toEqual(unchanged);
  expect(decideRow(leasedUntil(now), now, itsRetry)).toEqual(repair);
  expect(decideRow(leasedUntil(now + 1), now, itsRetry)).toEqual(live);
  for (const is of ['delivered', 'noted', 'rejected', 'not-found', 'given-up', 'paused'] as const)
    expect(decideRow(untold(member, is), now, itsRetry)).toEqual(unchanged);
  for (const is of ['rejected', 'not-found', 'given-up'] as const)
    expect(decideRow(untold(member, is), now, 'replay')).toEqual(repair);
  for (const is of ['delivered', 'noted', 'paused'] as const)
    expect(decideRow(untold(member, is), now, 'replay')).toEqual(unchanged);
});

test('a lease is live until its very end', () => {
  expect(isLive({ is: 'leased', holder: 'a', expiresAtMs: now + 1 }, now)).toBe(true);
  expect(isLive({ is: 'leased', holder: 'a', expiresAtMs: now }, now)).toBe(false);
  expect(isLive({ is: 'delivered' }, now)).toBe(false);
});

test('a lease by a clock that is years ahead is waited for as long as a lease can last, and cut to that', () => {
  const longest = now + leaseLeftMaxMs;
  const ahead = leasedUntil(now + 10 * 365 * 86_400_000);
  expect(decide(leasedUntil(longest), member, now)).toEqual({
    action: 'wait',
    untilMs: longest,
    isCapped: false,
    isNews: false,
  });
  expect(decide(ahead, member, now)).toEqual({ action: 'wait', untilMs: longest, isCapped: true, isNews: false });
  expect(decideRow(ahead, now, itsRetry)).toEqual({ action: 'wait', untilMs: longest, isCapped: true, isNews: false });
  const cut = capLease(ahead, longest);
  expect(cut).toEqual({ ...ahead, rowState: { is: 'leased', holder: 'other', expiresAtMs: longest } });
  expect(decide(cut, member, longest)).toEqual({ action: 'deliver', kind: 'entered' });
  expect(capLease(untold(member, 'noted'), longest)).toEqual(untold(member, 'noted'));
});

test('a row in doubt is one whose lease was never settled, or that says so', () => {
  expect(isInDoubt(leasedUntil(now))).toBe(true);
  expect(isInDoubt({ ...untold(member, 'given-up'), inDoubt: true })).toBe(true);
  expect(isInDoubt(untold(member, 'given-up'))).toBe(false);
});

test('an update in doubt is an entry, for an exit may have come in between', () => {
  const doubted = { ...exampleRecord({ known: member }), rowState: deferred, inDoubt: true };
  expect(decide(doubted, otherWish, now)).toEqual(entered);
});

test('what the destination took last stays beside what is known, until it has taken that', () => {
  const by = { holder: 'me', expiresAtMs: now + 1 };
  const ada = lease(undefined, { state: member, attributes: { mail: 'a' } }, by);
  expect(ada).not.toHaveProperty('deliveredAttributes');
  const delivered = settle(ada, 'delivered');
  expect(delivered).not.toHaveProperty('deliveredAttributes');
  const moved = lease(delivered, { state: otherWish, attributes: { mail: 'b' } }, by);
  expect(moved).toMatchObject({ attributes: { mail: 'b' }, deliveredAttributes: { mail: 'a' } });
  const again = lease(
    settle(moved, deferred),
    { state: { ...otherWish, content: 'c' }, attributes: { mail: 'c' } },
    by,
  );
  expect(again.deliveredAttributes).toEqual({ mail: 'a' });
  expect(settle(again, 'delivered')).not.toHaveProperty('deliveredAttributes');
  const back = note(
    settle(moved, deferred),
    { state: { ...member, ...later }, attributes: { mail: 'a' } },
    'delivered',
  );
  expect(back).not.toHaveProperty('deliveredAttributes');
});

test('the digest of links stays with the row, but not with the row of a former identity', () => {
  const linked = { ...exampleRecord({ known: member }), linkDigest: 'links' };
  const by = { holder: 'me', expiresAtMs: now + 1 };
  const again = { state: otherWish, attributes: {}, linkDigest: 'links' };
  expect(lease(linked, again, by).linkDigest).toBe('links');
  for (const other of [{}, { linkDigest: 'other links' }]) {
    expect(lease(linked, { state: exit, attributes: {}, ...other }, by)).not.toHaveProperty('linkDigest');
    expect(note(linked, { state: exit, attributes: {}, ...other }, 'noted')).not.toHaveProperty('linkDigest');
  }
});

test('the same event with other content, as a corrected activation file makes it, is told', () => {
  for (const content of ['0', 'z']) {
    const corrected = { ...member, content };
    expect(decide(untold(member, 'rejected'), corrected, now, 'replay')).toEqual({
      action: 'deliver',
      kind: 'entered',
    });
    expect(decide(exampleRecord({ known: member }), corrected, now)).toEqual({ action: 'deliver', kind: 'updated' });
  }
});
