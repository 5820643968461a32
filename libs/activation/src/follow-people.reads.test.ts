import type { Retry } from '@activation-hub/delivery';
import type { LedgerKey, LedgerRecord, LedgerRow, MembershipState } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, openActivation, personExport, putRow, rowOf } from '../testing/index.ts';
import { followPeople } from './follow-people.ts';
import { readEvents } from './read-events.ts';
import { resolveMemberships, type DesiredMembership } from './resolve-memberships.ts';
import { routeExports } from './route-exports.ts';
import { Tally } from './tally.ts';
import { retryWork, type Work } from './work.ts';

const { signal } = new AbortController();

/** A ledger that remembers how many rows each read asks for. */
class ObservedLedger extends DisturbedLedger {
  readonly reads: number[] = [];

  override async read(
    keys: readonly LedgerKey[],
    readSignal: AbortSignal,
  ): Promise<readonly (LedgerRow | undefined)[]> {
    this.reads.push(keys.length);
    return await super.read(keys, readSignal);
  }
}

const retry: Retry = {
  id: 'r1',
  destination: 'crm',
  events: [],
  rows: [],
  attempts: 1,
  firstDeferredAtMs: 0,
  class: 'transient',
  reason: 'It is down.',
  isReplay: false,
};

/**
 * Follows a person with two addresses whose rows were settled so, and are so in the ledger now, and
 * gives how many rows each read asked for.
 */
async function readsOf(
  settledAs: (desired: DesiredMembership) => LedgerRecord,
  now: (desired: DesiredMembership) => LedgerRecord,
  work?: Work,
  follow = 'follow: ecid',
) {
  const ledger = new ObservedLedger();
  const { context } = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: email, identities: all${follow === '' ? '' : `, ${follow}`} }] }
`,
    ledger,
  });
  const identities = { ecid: ['e1'], email: follow === '' ? ['a@example.com'] : ['a@example.com', 'b@example.com'] };
  const { exports } = readEvents([eventOf(personExport({ identities }), 1)]);
  const resolved = resolveMemberships(routeExports(exports, context.matcher).memberships, context);
  const settled = [];
  for (const desired of resolved.desired) {
    await putRow(ledger, desired.key, settledAs(desired));
    const [row] = await ledger.read([desired.key], signal);
    settled.push({ desired, row });
    await putRow(ledger, desired.key, now(desired));
  }
  ledger.reads.length = 0;
  const tally = new Tally(context);
  const telling = { context, ...(work === undefined ? {} : { work }), deadline: signal, settleBy: signal, tally };
  const deferrals = await followPeople(
    { ...resolved, undecided: resolved.desired, concerned: new Set(), deferred: [], settled, told: [] },
    telling,
  );
  return { reads: ledger.reads, counted: tally.ledgerReads, deferrals };
}

const stateOf = ({ state }: DesiredMembership) => ({ ...state, content: '' });
/** Told, after the person was followed with these identities. */
const followed = (desired: DesiredMembership): LedgerRecord =>
  rowOf(stateOf(desired), { linkDigest: desired.person.linkDigest });
/** Waits for another retry, which brings these identities in an earlier export. */
const waiting = (desired: DesiredMembership): LedgerRecord => {
  const state = stateOf(desired);
  return waitingAs(desired, { ...state, enqueuedAtMs: state.enqueuedAtMs - 1 });
};
const waitingAs = ({ person: { linkDigest } }: DesiredMembership, state: MembershipState): LedgerRecord =>
  rowOf(state, { rowState: { is: 'deferred', chainId: 'other', linkDigest }, knownDigest: linkDigest });
const isFirst = ({ key }: DesiredMembership): boolean => key.identity.value.startsWith('a');

test('an export, and what no retry asks for, reads nothing of a row that waits for a retry', async () => {
  for (const work of [undefined, { events: [] }])
    expect(await readsOf(waiting, waiting, work)).toEqual({ reads: [], counted: 0, deferrals: [] });
});

test('an export that waits, and comes again, reads the rows of the person, for its look may not be announced', async () => {
  const itself = (desired: DesiredMembership) => waitingAs(desired, stateOf(desired));
  expect(await readsOf(itself, itself)).toEqual({ reads: [1, 2], counted: 3, deferrals: [] });
});

test('a retry reads nothing of a person who was followed with these identities', async () => {
  expect(await readsOf(followed, followed, retryWork(retry))).toEqual({ reads: [], counted: 0, deferrals: [] });
});

test('a retry reads the rows again that waited for others, and no other ones', async () => {
  const firstWaits = (desired: DesiredMembership) => (isFirst(desired) ? waiting(desired) : followed(desired));
  const stillWaiting = await readsOf(firstWaits, firstWaits, retryWork(retry));
  expect(stillWaiting).toEqual({ reads: [1], counted: 1, deferrals: [] });
  const settledMeanwhile = await readsOf(firstWaits, followed, retryWork(retry));
  expect(settledMeanwhile).toEqual({ reads: [1], counted: 1, deferrals: [] });
});

test('a retry reads nothing again of a person who has no other rows', async () => {
  expect((await readsOf(waiting, followed, retryWork(retry), '')).reads).toEqual([]);
});

test('a person whom no process has followed with these identities is followed, whether a retry asks for it or not', async () => {
  const unfollowed = (desired: DesiredMembership): LedgerRecord => rowOf(stateOf(desired));
  for (const work of [undefined, retryWork(retry)])
    expect((await readsOf(unfollowed, unfollowed, work)).reads.length).toBeGreaterThan(0);
});

test.each([
  ['has the digest of both exports', personExport()],
  ['needs none, for nothing links the person', personExport({ identities: { crmid: ['p1'] } })],
])('a person who comes twice in one batch is not looked at when the row %s', async (_, content) => {
  const ledger = new ObservedLedger();
  await openActivation({ ledger }).activate(eventOf(content, 1));
  const restarted = openActivation({ ledger });
  ledger.reads.length = 0;
  await restarted.activate(eventOf(content, 1), eventOf(content, 2));
  expect(ledger.reads).toEqual([1]);
});
