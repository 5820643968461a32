import { replayDeadLetters } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { readable } from '@activation-hub/membership/testing';
import { eventOf, fansId, fansKey, openActivation, personExport, type TestActivation } from '../testing/index.ts';

const { signal } = new AbortController();

/**
 * A hub that routes the fans as the test says, or nowhere; with the stores of an earlier hub, a
 * later start of it.
 */
function openWith(route: string | undefined, earlier?: TestActivation): TestActivation {
  const activations = route === undefined ? '[]' : `[{ destination: crm, identity: crmid, mode: ${route} }]`;
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: ${activations} }
`;
  if (earlier === undefined) return openActivation({ file });
  const { retryQueue, context, crm, ads, clock } = earlier;
  const later = openActivation({ file, ledger: context.ledger, retryQueue, destinations: { crm, ads } });
  // The retry is so old that no worker has an older file.
  later.clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs ?? 0) + 3_600_000;
  return later;
}

/**
 * A hub that has told the destination of one person, without success; and the next start, with
 * another route, when the retry is due.
 */
async function openAfter(failure: DestinationError, route: string | undefined): Promise<TestActivation> {
  const before = openWith('live');
  before.crm.onRequest = () => {
    throw failure;
  };
  await before.activate(eventOf(personExport(), 1));
  before.crm.onRequest = () => undefined;
  return openWith(route, before);
}

const notReached = new DestinationError('transient', 'Not reached.');
const noAnswer = new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });

test.each([
  ['not reached', notReached, false],
  ['without an answer', noAnswer, true],
])(
  'a row whose route is gone is given up, in doubt where the destination may have taken it: %s',
  async (_, failure, inDoubt) => {
    const { retryDue, crm, context, letters, outcomes, counter, retryQueue } = await openAfter(failure, undefined);
    await retryDue();
    expect(crm.requests).toBe(1);
    const [row] = await readable(context.ledger).read([fansKey()], signal);
    expect(row?.record).toMatchObject({ rowState: { is: 'given-up' }, inDoubt });
    expect(letters()).toMatchObject([
      {
        destination: 'crm',
        outcome: 'given-up',
        class: 'route-gone',
        failures: [{ reason: 'The activation file has no route of this audience to this destination any more.' }],
      },
    ]);
    expect(outcomes()).toEqual({ 'crm given-up': 1 });
    expect([counter('ledger-reads'), counter('ledger-writes')]).toEqual([1, 1]);
    expect(retryQueue.nextDueAtMs).toBeUndefined();
  },
);

test('a row whose route is in shadow mode by now waits for it as paused, and is not told', async () => {
  const { retryDue, crm, context, letters, outcomes } = await openAfter(notReached, 'shadow');
  await retryDue();
  expect(crm.requests).toBe(1);
  const [row] = await readable(context.ledger).read([fansKey()], signal);
  expect(row?.record).toMatchObject({ rowState: { is: 'paused' }, inDoubt: false });
  expect(outcomes()).toMatchObject({ 'crm paused': 1 });
  expect(letters()).toEqual([]);
});

test('a row that was erased while its retry waited is not told', async () => {
  const later = await openAfter(notReached, undefined);
  const { ledger } = later.context;
  for await (const { key, version } of readable(ledger).rows({}, signal)) await ledger.remove(key, version, signal);
  await later.retryDue();
  expect(later.crm.requests).toBe(1);
  expect(later.letters()).toEqual([]);
  expect(later.outcomes()).toEqual({});
});

test.each([
  ['rejected', 'rejected'],
  ['given up', 'given-up'],
])(
  'the exit of a person under a former identity that a retry finds %s ends as a dead letter, which can be replayed',
  async (_, outcome) => {
    const followed = openActivation();
    const { activate, crm, retryQueue, retryDue, clock, context, letters } = followed;
    const email = { identities: { email: ['p1@example.com'] } };
    await activate(eventOf(personExport(email), 1));
    crm.onRequest = (changes) => {
      if (changes.some(({ kind }) => kind === 'exited')) throw notReached;
    };
    await activate(eventOf(personExport(), 2));
    expect(crm.story).toEqual(['entered sports-fans p1@example.com', 'entered sports-fans p1']);

    if (outcome === 'rejected') {
      crm.onRequest = () => undefined;
      crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no such field' });
    }
    clock.nowMs = outcome === 'rejected' ? (retryQueue.nextDueAtMs ?? 0) : clock.nowMs + 86_400_001;
    await retryDue();
    expect(letters()).toMatchObject([
      { outcome, destination: 'crm', event: { sequenceNumber: 2 }, failures: [{ audience: 'sports-fans' }] },
    ]);

    crm.onRequest = () => undefined;
    crm.answer = ({ id }) => ({ id, status: 'delivered' });
    const names = await Array.fromAsync(context.deadLetters.names('', signal));
    await replayDeadLetters(names, {}, context, { clock: context.clock, signal });
    clock.nowMs += 1_000;
    await retryDue();
    expect([...crm.members.keys()]).toEqual(['sports-fans p1']);
    expect(letters()).toEqual([]);
  },
);
