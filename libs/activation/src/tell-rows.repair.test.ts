import { DestinationError } from '@activation-hub/destination-kit';
import {
  historyOf,
  lease,
  settle,
  unlinked,
  type LedgerRecord,
  type MembershipState,
} from '@activation-hub/membership';
import { InMemoryRetryQueue, replayDeadLetters, type Retry } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';
import { activate, retryWork } from './index.ts';

const { signal } = new AbortController();
const exitAt = (at: number): MembershipState => ({
  status: 'exited',
  isMember: false,
  qualifiedAtMs: noonMs + at * 1_000,
  enqueuedAtMs: noonMs,
  sequenceNumber: 0,
  content: '',
});
const another = { holder: 'another worker', expiresAtMs: 0 };
const toldExit = settle(lease(undefined, { state: exitAt(60), attributes: {} }, another), 'delivered');

/**
 * Parts whose first delivery loses its lease, to the exit of a minute later, before it settles.
 */
function openOvertaken() {
  const ledger = new DisturbedLedger();
  ledger.beforeWrite = (n) => (n === 2 ? ledger.overwrite(fansKey(), toldExit) : undefined);
  const opened = openActivation({ ledger });
  const record = async (): Promise<LedgerRecord | undefined> => (await ledger.read([fansKey()], signal))[0]?.record;
  /**
   * Lets time pass until the destination is asked again; some messages point to retries that are
   * done.
   */
  const passTime = async (): Promise<void> => {
    const { requests } = opened.crm;
    while (opened.crm.requests === requests && opened.retryQueue.nextDueAtMs !== undefined) {
      opened.clock.nowMs = Math.max(opened.clock.nowMs, opened.retryQueue.nextDueAtMs);
      await opened.retryDue();
    }
  };
  return { ...opened, ledger, record, passTime };
}

test('a repair that the destination does not take is made by the retry queue, though its event is older than the row', async () => {
  const { activate: tell, crm, record, passTime, retryQueue } = openOvertaken();
  crm.onRequest = () => {
    if (crm.requests > 1) throw new DestinationError('transient', 'Not reached.');
  };
  await tell(eventOf(personExport({ at: 0 }), 1));
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(await record()).toMatchObject({ rowState: { is: 'deferred' }, inDoubt: true });
  // What the row knows may come from an export with other identities than the one that the retry
  // brings.
  expect((await record())?.rowState).not.toHaveProperty('linkDigest');
  await passTime();
  expect(await record()).toMatchObject({ rowState: { is: 'deferred' }, inDoubt: true });
  crm.onRequest = () => undefined;
  await passTime();
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
  expect(await record()).toMatchObject({ known: exitAt(60), rowState: { is: 'delivered' }, inDoubt: false });
  // The export waits besides, so that its person is followed.
  while (retryQueue.nextDueAtMs !== undefined) await passTime();
  for await (const waiting of retryQueue.waiting(signal)) expect(waiting).toBeUndefined();
});

test('a repair without an answer keeps its lease, and is made again when that has expired', async () => {
  const { activate: tell, crm, record, passTime, clock, context, retryQueue } = openOvertaken();
  const startedMs = clock.nowMs;
  crm.onRequest = () => {
    if (crm.requests === 2) throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
  };
  await tell(eventOf(personExport({ at: 0 }), 1));
  expect(await record()).toMatchObject({ known: exitAt(60), rowState: { is: 'leased' }, inDoubt: true });
  // Late enough for every worker's clock, or the repair would wait for its own lease.
  const waiting = (await Array.fromAsync(retryQueue.waiting(signal))).filter(({ reason }) => reason === 'No answer.');
  expect(waiting).toHaveLength(1);
  expect(waiting[0]?.notBeforeMs).toBeGreaterThan(startedMs + context.timing.leaseMs + 10_000);
  await passTime();
  expect(crm.story.at(-1)).toBe('exited sports-fans p1');
  expect(await record()).toMatchObject({ known: exitAt(60), rowState: { is: 'delivered' }, inDoubt: false });
});

test('a repair that is itself marked as in doubt knows its own lease and is made once more', async () => {
  const { activate: tell, crm, ledger, record } = openOvertaken();
  ledger.beforeWrite = async (n) => {
    if (n === 2) await ledger.overwrite(fansKey(), toldExit);
    const now = await record();
    // The third write leases the repair, the fourth settles it.
    if (n === 4 && now !== undefined) await ledger.overwrite(fansKey(), { ...now, inDoubt: true });
  };
  await tell(eventOf(personExport({ at: 0 }), 1));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1', 'exited sports-fans p1']);
  expect(await record()).toMatchObject({ rowState: { is: 'delivered' }, inDoubt: false });
});

test('when a repair has been told, the person is taken out under the former identity at once', async () => {
  const { activate: tell, crm, ledger, retryQueue } = openOvertaken();
  ledger.beforeWrite = () => undefined;
  await tell(eventOf(personExport({ at: -60, identities: { email: ['p1@example.com'] } }), 1));
  let isFirst = true;
  ledger.beforeWrite = async (_, writes) => {
    if (
      !isFirst ||
      !writes.some(({ key, record }) => key.identity.value === 'p1' && record.rowState.is === 'delivered')
    )
      return;
    isFirst = false;
    await ledger.overwrite(fansKey(), toldExit);
  };
  await tell(eventOf(personExport({ at: 0 }), 2));
  expect(crm.story).toEqual([
    'entered sports-fans p1@example.com',
    'entered sports-fans p1',
    'exited sports-fans p1',
    'exited sports-fans p1@example.com',
  ]);
  expect(retryQueue.nextDueAtMs).toBeUndefined();
});

test('a change that is deferred and has lost its lease is counted once', async () => {
  const { activate: tell, crm, outcomes } = openOvertaken();
  crm.onRequest = () => {
    if (crm.requests === 1) throw new DestinationError('transient', 'In doubt.', { doubt: 'answered' });
  };
  await tell(eventOf(personExport({ at: 0 }), 1));
  expect(outcomes()).toEqual({ 'crm deferred': 1 });
  expect(crm.story).toEqual(['exited sports-fans p1']);
});

test('a worker that stood still and then had no answer finds out that it has lost its lease', async () => {
  const { activate: tell, crm, clock, context, record } = openOvertaken();
  crm.onRequest = (changes) => {
    if (crm.requests > 1) return;
    clock.nowMs += context.timing.leaseMs + 60_000;
    for (const change of changes) crm.take(change);
    throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
  };
  await tell(eventOf(personExport({ at: 0 }), 1));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
  expect(await record()).toMatchObject({ known: exitAt(60), rowState: { is: 'delivered' } });
});

test.each([
  ['answered', { outcome: 'deferred', inDoubt: true, class: 'transient', reason: 'It failed.' }],
  ['unanswered', { inDoubt: false }],
] as const)(
  'the history of a row that another worker went on with says how an attempt ended that was %s',
  async (doubt, ending) => {
    const { activate: tell, crm, clock, context, ledger, record } = openOvertaken();
    const startedMs = clock.nowMs;
    ledger.beforeWrite = async (n) => {
      const now = await record();
      if (n !== 2 || now === undefined) return;
      const taken = lease(now, { state: exitAt(60), attributes: {} }, another);
      await ledger.overwrite(fansKey(), settle(taken, 'delivered'));
    };
    crm.onRequest = () => {
      if (crm.requests > 1) return;
      clock.nowMs += context.timing.leaseMs;
      throw new DestinationError('transient', 'It failed.', { doubt });
    };
    await tell(eventOf(personExport({ at: 0 }), 1));
    const { transitions, omitted } = historyOf((await record()) ?? {});
    expect(transitions[0]).toEqual({
      did: 'entered',
      because: 'export',
      isWithheld: false,
      enqueuedAtMs: noonMs + 1_000,
      atMs: startedMs,
      lastAtMs: doubt === 'answered' ? clock.nowMs : startedMs,
      times: 1,
      ...ending,
    });
    expect(omitted).toBe(0);
  },
);

/**
 * A person who was told and followed, and whose row another worker overtakes before their next
 * change is settled.
 */
async function overtakeFollowed(
  overtaken: (now: LedgerRecord) => LedgerRecord,
  onRequest: (requests: number, opened: ReturnType<typeof openOvertaken>) => void = () => undefined,
) {
  const opened = openOvertaken();
  opened.crm.onRequest = () => onRequest(opened.crm.requests, opened);
  opened.ledger.beforeWrite = () => undefined;
  await opened.activate(eventOf(personExport({ at: 0 }), 1));
  const told = await opened.record();
  if (told?.linkDigest === undefined) throw new Error('The person was not followed.');
  let isFirst = true;
  opened.ledger.beforeWrite = async () => {
    const now = await opened.record();
    if (!isFirst || now?.rowState.is !== 'leased') return;
    isFirst = false;
    await opened.ledger.overwrite(fansKey(), overtaken(now));
  };
  await opened.activate(eventOf(personExport({ at: 0, firstName: 'Grace' }), 2));
  const waiting = await Array.fromAsync(opened.retryQueue.waiting(signal));
  return {
    ...opened,
    linkDigest: told.linkDigest,
    reasons: waiting.map((each) => ('reason' in each ? each.reason : '')),
  };
}

test('a person who was followed is not looked for again because another worker has the lease', async () => {
  const { reasons, record } = await overtakeFollowed((now) =>
    lease(
      now,
      { state: exitAt(60), attributes: {}, linkDigest: now.linkDigest ?? '' },
      { ...another, expiresAtMs: Infinity },
    ),
  );
  expect(await record()).toMatchObject({ rowState: { is: 'leased', holder: 'another worker' }, inDoubt: true });
  expect(reasons).toEqual([]);
});

test('a repair leaves the row the digest with which another worker wrote it', async () => {
  const { crm, record, linkDigest } = await overtakeFollowed((now) =>
    settle(lease(now, { state: exitAt(60), attributes: {}, linkDigest: now.linkDigest ?? '' }, another), 'delivered'),
  );
  expect(crm.story.slice(-2)).toEqual(['updated sports-fans p1', 'exited sports-fans p1']);
  expect(await record()).toMatchObject({ known: exitAt(60), rowState: { is: 'delivered' }, linkDigest });
});

test('while a repair of a person who was followed has no answer, the export waits besides', async () => {
  const { reasons, crm } = await overtakeFollowed(
    (now) =>
      settle(lease(now, { state: exitAt(60), attributes: {}, linkDigest: now.linkDigest ?? '' }, another), 'delivered'),
    (requests) => {
      if (requests > 2) throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
    },
  );
  expect(crm.requests).toBe(3);
  expect(reasons.toSorted()).toEqual(['No answer.', 'another export of the person is not told yet']);
});

test('without an answer a row that has only lost its digest stays under its lease, and is not told again before that expires', async () => {
  const { crm, record, retryQueue, clock } = await overtakeFollowed(
    (now) => unlinked(fansKey(), { record: now, version: '' }).record,
    (requests, opened) => {
      if (requests < 2) return;
      opened.clock.nowMs += opened.context.timing.leaseMs - 10_000;
      throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
    },
  );
  expect(crm.requests).toBe(2);
  const kept = await record();
  expect(kept).toMatchObject({ rowState: { is: 'leased' }, inDoubt: false });
  expect(kept).not.toHaveProperty('linkDigest');
  expect(kept?.rowState).toHaveProperty('expiresAtMs', clock.nowMs + 10_000);
  expect(retryQueue.nextDueAtMs).toBeGreaterThan(clock.nowMs + 10_000);
});

/** A retry queue that fails once when it is to keep something. */
class FailingRetryQueue extends InMemoryRetryQueue {
  putsUntilFailure = Infinity;

  override async put(retry: Retry, dueAtMs: number, putSignal: AbortSignal): Promise<void> {
    this.putsUntilFailure -= 1;
    if (this.putsUntilFailure === 0) throw new Error('the queue is down');
    await super.put(retry, dueAtMs, putSignal);
  }
}

test('a retry that ends between two parts of what it defers is whole when it is given again', async () => {
  const ledger = new DisturbedLedger();
  const retryQueue = new FailingRetryQueue();
  const { activate: tell, retryDue, crm, clock, context } = openActivation({ ledger, retryQueue });
  crm.onRequest = () => {
    throw new DestinationError('set-up', 'No credentials.');
  };
  await tell(eventOf(personExport({ person: 'p1' }), 1), eventOf(personExport({ person: 'p2' }), 2));
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  const [message = ''] = retryQueue.takeDue(clock.nowMs);
  const retry = await retryQueue.read(message, signal);
  const [row] = await ledger.read([fansKey('p1')], signal);
  if (retry === undefined || row === undefined) throw new Error('Nothing was deferred.');
  const { known: state, attributes } = row.record;
  const by = { holder: 'another worker', expiresAtMs: clock.nowMs + 60_000 };
  await ledger.overwrite(fansKey('p1'), lease(row.record, { state, attributes }, by));

  // One person waits for another worker, the other is refused again: they are deferred apart.
  retryQueue.putsUntilFailure = 2;
  await expect(activate(retryWork(retry), context)).rejects.toThrow('the queue is down');
  expect((await retryQueue.read(message, signal))?.events).toHaveLength(2);

  crm.onRequest = () => undefined;
  await retryQueue.put(retry, clock.nowMs, signal);
  while (retryQueue.nextDueAtMs !== undefined) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
    await retryDue();
  }
  expect([...crm.members.keys()].toSorted()).toEqual(['sports-fans p1', 'sports-fans p2']);
});

test('a repair that is rejected leaves a letter, and its replay repairs the row', async () => {
  const { activate: tell, crm, record, passTime, letters, context } = openOvertaken();
  crm.answer = ({ id, kind }) =>
    kind === 'exited' ? { id, status: 'rejected', reason: 'locked' } : { id, status: 'delivered' };
  await tell(eventOf(personExport({ at: 0 }), 1));
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(await record()).toMatchObject({ known: exitAt(60), rowState: { is: 'rejected' }, inDoubt: true });
  expect(letters()).toMatchObject([{ outcome: 'rejected' }]);

  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  const names: string[] = [];
  for await (const name of context.deadLetters.names('', signal)) names.push(name);
  await replayDeadLetters(names, {}, context, { clock: context.clock, signal });
  await passTime();
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
  expect(await record()).toMatchObject({ known: exitAt(60), rowState: { is: 'delivered' }, inDoubt: false });
  expect(letters()).toEqual([]);
});
