import { DestinationError } from '@activation-hub/destination-kit';
import { lease, settle, type MembershipState } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';
import { defaultTiming } from './index.ts';

const { signal } = new AbortController();

const twoDestinations = `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid] }
      - { destination: ads, identity: [email] }
`;

/** A state of the fans `at` seconds after noon, as another worker knows it. */
function stateAt(at: number, over: Partial<MembershipState> = {}): MembershipState {
  return {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: noonMs + at * 1_000,
    enqueuedAtMs: noonMs,
    sequenceNumber: 0,
    content: 'what another worker told',
    ...over,
  };
}

const another = (expiresAtMs: number) => ({ holder: 'another worker', expiresAtMs });
const toldAt = (at: number) =>
  settle(lease(undefined, { state: stateAt(at), attributes: {} }, another(0)), 'delivered');

test('a destination that is down leaves its changes to the retry queue, and the others are told', async () => {
  const { activate, retryDue, retryQueue, crm, ads, outcomes, lines, clock } = openActivation({
    file: twoDestinations,
  });
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  await activate(eventOf(personExport({ person: 'p1' }), 1), eventOf(personExport({ person: 'p2' }), 2));
  expect(ads.told).toHaveLength(2);
  expect(outcomes()).toEqual({ 'ads delivered': 2, 'crm deferred': 2 });
  expect(lines.filter((line) => line.includes('"changes-deferred"'))).toHaveLength(1);

  expect(await retryDue()).toBe(0);
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  crm.onRequest = () => undefined;
  const requests = crm.requests;
  expect(await retryDue()).toBe(1);
  expect(crm.told).toHaveLength(2);
  expect(crm.requests - requests).toBe(1);
  expect(ads.told).toHaveLength(2);
  expect(outcomes()).toEqual({ 'ads delivered': 2, 'crm deferred': 2, 'crm delivered': 2 });
  expect(retryQueue.nextDueAtMs).toBeUndefined();
});

test('of a request that is answered in part, the rest alone is told again', async () => {
  const { activate, retryDue, retryQueue, crm, clock } = openActivation();
  crm.answer = ({ id, identity }) =>
    identity.value === 'p2' ? { id, status: 'retry', reason: 'locked' } : { id, status: 'delivered' };
  await activate(...['p1', 'p2', 'p3'].map((person, n) => eventOf(personExport({ person }), n)));
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  await retryDue();
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p3', 'entered sports-fans p2']);
});

test('waits grow until it is given up, and then it is a dead letter with the event, and not asked for again', async () => {
  const { activate, retryDue, retryQueue, crm, clock, letters, outcomes } = openActivation();
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  const event = eventOf(personExport(), 1);
  const startedMs = clock.nowMs;
  await activate(event);
  const waits: number[] = [];
  for (let nextMs = retryQueue.nextDueAtMs; nextMs !== undefined; nextMs = retryQueue.nextDueAtMs) {
    waits.push(nextMs - clock.nowMs);
    clock.nowMs = nextMs;
    await retryDue();
  }
  expect(waits[0]).toBeLessThan(20_000);
  expect(Math.max(...waits)).toBeGreaterThan(1_500_000);
  expect(clock.nowMs - startedMs).toBeGreaterThanOrEqual(86_400_000);
  expect(letters()).toMatchObject([{ event, outcome: 'given-up', destination: 'crm', class: 'transient' }]);
  expect(outcomes()['crm given-up']).toBe(1);
  const { requests } = crm;
  await activate(eventOf(personExport(), 2));
  expect(crm.requests).toBe(requests);
});

test('a retry of which the state is outdated tells the destination nothing', async () => {
  const { activate, retryDue, retryQueue, crm, clock, outcomes } = openActivation();
  crm.onRequest = () => {
    throw new DestinationError('set-up', 'No credentials.');
  };
  await activate(eventOf(personExport(), 1));
  crm.onRequest = () => undefined;
  await activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  await retryDue();
  expect(outcomes()).toEqual({ 'crm deferred': 1, 'crm unchanged': 1, 'crm superseded': 1 });
  expect(crm.told).toEqual([]);
});

test('while a change waits in the queue, exports that repeat it add nothing to the queue', async () => {
  const { activate, retryQueue, crm, clock, context } = openActivation();
  crm.onRequest = () => {
    throw new DestinationError('set-up', 'No credentials.');
  };
  for (let n = 1; n <= 10; n += 1) await activate(eventOf(personExport(), n));
  const waiting: unknown[] = [];
  for await (const retry of context.retryQueue.waiting(signal)) waiting.push(retry);
  expect(waiting).toHaveLength(1);
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
});

test('after an answer that leaves doubt the change is told again under the same id', async () => {
  const { activate, retryDue, retryQueue, crm, clock } = openActivation();
  crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'error 500', doubt: 'answered' });
  await activate(eventOf(personExport(), 1));
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  await retryDue();
  expect(crm.handed.map(({ id }) => id)).toEqual([crm.told[0]?.id, crm.told[0]?.id]);
});

test('after an answer that leaves doubt and a refusal, an exit is told all the same', async () => {
  const { activate, crm } = openActivation({ timing: { ...defaultTiming, waitMaxMs: 60_000 } });
  crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'error 500', doubt: 'answered' });
  crm.onRequest = () => {
    if (crm.requests > 1) crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'locked for good' });
  };
  await activate(eventOf(personExport(), 1));
  expect(crm.requests).toBe(2);
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  crm.onRequest = () => undefined;
  await activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  expect(crm.story.at(-1)).toBe('exited sports-fans p1');
});

test('after no answer nothing is told about the person until the lease has expired', async () => {
  const { activate, retryDue, retryQueue, crm, clock, context } = openActivation();
  const startedMs = clock.nowMs;
  crm.onRequest = (changes) => {
    changes.forEach((change) => crm.take(change));
    throw new DestinationError('transient', 'The reply was lost.', { doubt: 'unanswered' });
  };
  await activate(eventOf(personExport(), 1));
  crm.onRequest = () => undefined;
  await activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  while ((retryQueue.nextDueAtMs ?? Infinity) < startedMs + context.timing.leaseMs) {
    clock.nowMs = retryQueue.nextDueAtMs ?? 0;
    await retryDue();
  }
  expect(crm.requests).toBe(1);
  while (retryQueue.nextDueAtMs !== undefined) {
    clock.nowMs = retryQueue.nextDueAtMs;
    await retryDue();
  }
  expect(crm.story.at(-1)).toBe('exited sports-fans p1');
  expect(crm.members.size).toBe(0);
});

test('an exit after an entry in doubt is sent, for it may have arrived', async () => {
  for (const doubt of ['answered', 'unanswered'] as const) {
    const { activate, crm, clock, context } = openActivation();
    crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'who knows', doubt });
    await activate(eventOf(personExport(), 1));
    clock.nowMs += context.timing.leaseMs;
    crm.answer = ({ id }) => ({ id, status: 'delivered' });
    await activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
    expect(crm.story).toEqual(['exited sports-fans p1']);
  }
});

test('a destination that hangs is left at the deadline, and the others are settled', async () => {
  const { activate, crm, ads, outcomes } = openActivation({
    file: twoDestinations,
    timing: { waitMaxMs: 0, deadlineMs: 20, settleByMs: 20_000, leaseMs: 30_000 },
  });
  crm.onRequest = () => Promise.withResolvers<never>().promise;
  await activate(eventOf(personExport(), 1));
  expect(ads.told).toHaveLength(1);
  expect(outcomes()).toEqual({ 'ads delivered': 1, 'crm deferred': 1 });
});

test('the live lease of another worker is waited for, and the expired one of a dead worker is taken over', async () => {
  const ledger = new DisturbedLedger();
  const { activate, retryDue, retryQueue, crm, clock, outcomes } = openActivation({ ledger });
  const expiresAtMs = clock.nowMs + 60_000;
  await ledger.overwrite(fansKey(), lease(undefined, { state: stateAt(0), attributes: {} }, another(expiresAtMs)));
  await activate(eventOf(personExport({ at: 60 }), 1));
  expect(outcomes()).toEqual({ 'crm deferred': 1 });
  expect(crm.requests).toBe(0);
  expect(retryQueue.nextDueAtMs).toBe(clock.nowMs + 2_000);
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  await retryDue();
  expect(crm.requests).toBe(0);
  expect(retryQueue.nextDueAtMs).toBeGreaterThan(expiresAtMs);
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  await retryDue();
  expect(crm.story).toEqual(['entered sports-fans p1']);
});

test('what is older than the state that another worker is telling is superseded at once', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, clock, outcomes } = openActivation({ ledger });
  const by = another(clock.nowMs + 60_000);
  await ledger.overwrite(fansKey(), lease(undefined, { state: stateAt(60), attributes: {} }, by));
  await activate(eventOf(personExport({ at: 0 }), 1));
  expect(outcomes()).toEqual({ 'crm superseded': 1 });
  expect(crm.requests).toBe(0);
});

test('a race for the lease that is lost to a newer state supersedes the change', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, outcomes } = openActivation({ ledger });
  ledger.beforeWrite = (n) => (n === 1 ? ledger.overwrite(fansKey(), toldAt(60)) : undefined);
  await activate(eventOf(personExport({ at: 0 }), 1), eventOf(personExport({ person: 'p2' }), 2));
  expect(outcomes()).toEqual({ 'crm superseded': 1, 'crm delivered': 1 });
  expect(crm.story).toEqual(['entered sports-fans p2']);
});

test('a race for the lease that is lost to an older state is decided again, as what it now is', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm } = openActivation({ ledger });
  ledger.beforeWrite = (n) => (n === 1 ? ledger.overwrite(fansKey(), toldAt(0)) : undefined);
  await activate(eventOf(personExport({ at: 60 }), 1));
  expect(crm.story).toEqual(['updated sports-fans p1']);
});

test('a row that others write all the time goes to the retry queue instead of being tried for ever', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, outcomes } = openActivation({ ledger });
  let writes = 0;
  ledger.beforeWrite = async (_, [write]) => {
    writes += Number(write?.key.identity.namespace === 'crmid');
    await ledger.overwrite(fansKey(), toldAt(0));
  };
  await activate(eventOf(personExport({ at: 60 }), 1));
  expect(outcomes()).toEqual({ 'crm deferred': 1 });
  expect(writes).toBe(5);
  expect(crm.requests).toBe(0);
});

test('a delivery that outlived its lease is put right: the destination is told the newest state again', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, outcomes } = openActivation({ ledger });
  const exited = stateAt(60, { status: 'exited', isMember: false, content: '' });
  const told = settle(lease(undefined, { state: exited, attributes: {} }, another(0)), 'delivered');
  ledger.beforeWrite = (n) => (n === 2 ? ledger.overwrite(fansKey(), told) : undefined);
  await activate(eventOf(personExport({ at: 0 }), 1));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
  expect(outcomes()).toEqual({ 'crm superseded': 1 });
  expect((await ledger.read([fansKey()], signal))[0]?.record).toMatchObject({
    known: exited,
    rowState: { is: 'delivered' },
    inDoubt: false,
  });
});

test('a delivery that outlived its lease leaves word for the process that tells the destination now', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, clock } = openActivation({ ledger });
  const by = another(clock.nowMs + 60_000);
  const newer = lease(undefined, { state: stateAt(60), attributes: {} }, by);
  ledger.beforeWrite = (n) => (n === 2 ? ledger.overwrite(fansKey(), newer) : undefined);
  await activate(eventOf(personExport({ at: 0 }), 1));
  expect(crm.requests).toBe(1);
  expect((await ledger.read([fansKey()], signal))[0]?.record).toEqual({ ...newer, inDoubt: true });
});

test('a process that finds such word at the end of a delivery tells the destination once more', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, outcomes } = openActivation({ ledger });
  ledger.beforeWrite = async (n) => {
    if (n !== 2) return;
    const [row] = await ledger.read([fansKey()], signal);
    if (row !== undefined) await ledger.overwrite(fansKey(), { ...row.record, inDoubt: true });
  };
  await activate(eventOf(personExport({ at: 0 }), 1));
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p1']);
  // So that a connector that tells changed attributes only tells all of them.
  expect(crm.told.map(({ isInDoubt }) => isInDoubt)).toEqual([undefined, true]);
  expect(outcomes()).toEqual({ 'crm delivered': 1 });
  expect((await ledger.read([fansKey()], signal))[0]?.record).toMatchObject({
    rowState: { is: 'delivered' },
    inDoubt: false,
  });
});

test('a ledger that cannot be read or leased in ends the batch before anybody is told', async () => {
  for (const method of ['beforeRead', 'beforeWrite'] as const) {
    const ledger = new DisturbedLedger();
    const { activate, crm } = openActivation({ ledger });
    ledger[method] = () => {
      throw new Error('the table is down');
    };
    await expect(activate(eventOf(personExport(), 1))).rejects.toThrow('the table is down');
    expect(crm.requests).toBe(0);
    ledger[method] = () => undefined;
    await activate(eventOf(personExport(), 1));
    expect(crm.story).toEqual(['entered sports-fans p1']);
  }
});

test('a ledger that fails before the answer is settled leads to one repetition under the same id, after the lease', async () => {
  const ledger = new DisturbedLedger();
  const { activate, retryDue, crm, clock, context } = openActivation({ ledger });
  ledger.beforeWrite = (n) => {
    if (n === 2) throw new Error('the table is down');
  };
  const event = eventOf(personExport(), 1);
  await expect(activate(event)).rejects.toThrow('the table is down');
  await activate(event);
  expect(crm.told).toHaveLength(1);
  clock.nowMs += context.timing.leaseMs + 60_000;
  await retryDue();
  await activate(event);
  expect(crm.told).toHaveLength(2);
  expect(new Set(crm.told.map(({ id }) => id)).size).toBe(1);
  expect((await ledger.read([fansKey()], signal))[0]?.record).toMatchObject({
    rowState: { is: 'delivered' },
    inDoubt: false,
  });
});
