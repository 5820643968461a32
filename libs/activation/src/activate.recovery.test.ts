import { InMemoryRetryQueue, sweepRetries } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { eventOf, openActivation, personExport, type TestActivation } from '../testing/index.ts';
import { defaultFile } from '../testing/test-activation.ts';
import { activateRetry } from './activate-retry.ts';

const { signal } = new AbortController();
const people = 30;
const outageMs = 600_000;

/** A retry queue as it would be if retries could not be woken. */
class SleepingRetryQueue extends InMemoryRetryQueue {
  override wake(): Promise<number> {
    return Promise.resolve(0);
  }
}

/**
 * Thirty people, each of whom waits in a retry of its own, when their destination has been down for
 * ten minutes.
 */
async function afterOutage(retryQueue = new InMemoryRetryQueue()): Promise<TestActivation> {
  const opened = openActivation({ retryQueue });
  const { crm, clock, activate, retryDue } = opened;
  const downUntilMs = clock.nowMs + outageMs;
  crm.onRequest = () => {
    throw new DestinationError('transient', 'The destination cannot be reached.');
  };
  for (let person = 0; person < people; person += 1) {
    await activate(eventOf(personExport({ person: `p${person}` }), person, { enqueuedAtMs: clock.nowMs }));
    clock.nowMs += 1_000;
  }
  for (let dueMs = retryQueue.nextDueAtMs ?? 0; dueMs < downUntilMs; dueMs = retryQueue.nextDueAtMs ?? Infinity) {
    clock.nowMs = Math.max(clock.nowMs, dueMs);
    await retryDue();
  }
  crm.onRequest = () => undefined;
  expect(crm.members.size).toBe(0);
  return opened;
}

/**
 * Lets messages come when they are due until so many people are known, and gives how long that
 * took, in milliseconds.
 */
async function passUntil(known: number, { crm, clock, retryQueue, retryDue }: TestActivation): Promise<number> {
  const beganMs = clock.nowMs;
  while (crm.members.size < known) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs ?? expect.unreachable());
    await retryDue();
  }
  return clock.nowMs - beganMs;
}

test('when a destination takes the first request again, what waits for it is woken and told at once', async () => {
  const opened = await afterOutage();
  await passUntil(1, opened);
  expect(await passUntil(people, opened)).toBeLessThanOrEqual(1_000);
});

test('what waits under an earlier name of the destination is woken with the rest', async () => {
  const before = await afterOutage();
  const { context, retryQueue, crm, clock } = before;
  const file = defaultFile
    .replace('crm: { type', 'ads: { formerly: crm, type')
    .replace('destination: crm', 'destination: ads');
  const opened = openActivation({ file, ledger: context.ledger, retryQueue, destinations: { crm, ads: crm } });
  opened.clock.nowMs = clock.nowMs;
  await passUntil(1, opened);
  expect(await passUntil(people, opened)).toBeLessThanOrEqual(1_000);
});

test('control: where nothing is woken, what waits sleeps through its own backoff', async () => {
  const opened = await afterOutage(new SleepingRetryQueue());
  await passUntil(1, opened);
  expect(await passUntil(people, opened)).toBeGreaterThan(10_000);
});

test('a process that starts after the outage wakes what another one left waiting, with its first success', async () => {
  const opened = await afterOutage();
  const { crm, ads, clock, retryQueue, context } = opened;
  const later = openActivation({ retryQueue, ledger: context.ledger, destinations: { crm, ads } });
  later.clock.nowMs = clock.nowMs;
  await later.activate(eventOf(personExport({ person: 'new' }), 99, { enqueuedAtMs: clock.nowMs }));
  expect(await passUntil(people + 1, later)).toBeLessThanOrEqual(1_000);
});

test('what names a time of its own is not woken before it', async () => {
  const opened = openActivation();
  const { crm, clock, activate, retryQueue } = opened;
  const notBeforeMs = clock.nowMs + 300_000;
  crm.onRequest = () => {
    throw new DestinationError('throttled', 'Too many requests.', { notBeforeMs });
  };
  await activate(eventOf(personExport(), 1, { enqueuedAtMs: clock.nowMs }));
  crm.onRequest = () => undefined;
  expect(await passUntil(1, opened)).toBeGreaterThanOrEqual(300_000);
  expect(retryQueue.nextDueAtMs).toBeUndefined();
});

/** A retry queue that lets something happen before a retry is put. */
class DisturbedRetryQueue extends InMemoryRetryQueue {
  beforePut: () => Promise<void> = () => Promise.resolve();

  override async put(...put: Parameters<InMemoryRetryQueue['put']>): Promise<void> {
    await this.beforePut();
    await super.put(...put);
  }
}

test('a retry that is put when the others have been woken already does not sleep through its backoff', async () => {
  const retryQueue = new DisturbedRetryQueue();
  const opened = await afterOutage(retryQueue);
  const { crm, clock, context } = opened;
  clock.nowMs += outageMs;
  const [first = '', second = ''] = retryQueue.takeDue(clock.nowMs);
  // The probe is under way, so that the second retry is deferred; it is put when the circuit has
  // closed.
  const { promise: answered, resolve: answer } = Promise.withResolvers<undefined>();
  crm.onRequest = () => answered;
  const probe = activateRetry(first, context);
  retryQueue.beforePut = async () => {
    answer(undefined);
    await probe;
  };
  await activateRetry(second, context);
  expect(await passUntil(people, opened)).toBeLessThanOrEqual(2_000);
});

test('a recovery whose waking fails is woken by the next work, and does not sleep through its backoff', async () => {
  const retryQueue = new InMemoryRetryQueue();
  const opened = await afterOutage(retryQueue);
  const { crm, clock, activate } = opened;
  const wake = retryQueue.wake.bind(retryQueue);
  retryQueue.wake = () => {
    retryQueue.wake = wake;
    return Promise.reject(new Error('The queue store is down.'));
  };
  await expect(passUntil(1, opened)).rejects.toThrow('The queue store is down.');
  expect(crm.members.size).toBe(1);
  await activate(eventOf(personExport({ person: 'new' }), 99, { enqueuedAtMs: clock.nowMs }));
  expect(await passUntil(people + 1, opened)).toBeLessThanOrEqual(1_000);
});

/** A retry queue with which a process can end when a retry is kept and has no message yet. */
class CutRetryQueue extends InMemoryRetryQueue {
  isCut = false;

  override async postpone(...postpone: Parameters<InMemoryRetryQueue['postpone']>): Promise<void> {
    if (this.isCut) throw new Error('The process ends.');
    await super.postpone(...postpone);
  }
}

const waitingIn = async (retryQueue: InMemoryRetryQueue) =>
  (await Array.fromAsync(retryQueue.waiting(signal))).map(({ id }) => id);

test('a retry without a message, which a batch left that was broken off, is one too many: nothing waits for it', async () => {
  const retryQueue = new CutRetryQueue();
  const opened = openActivation({ retryQueue });
  const { crm, clock, activate, retryDue, context } = opened;
  const { leaseMs } = context.timing;
  const event = eventOf(personExport(), 1, { enqueuedAtMs: clock.nowMs });
  crm.onRequest = () => {
    throw new DestinationError('transient', 'The destination cannot be reached.');
  };
  retryQueue.isCut = true;
  await expect(activate(event)).rejects.toThrow('The process ends.');
  const [left = ''] = await waitingIn(retryQueue);
  retryQueue.isCut = false;
  crm.onRequest = () => undefined;

  // Its batch is given again, and waits for the lease that it left.
  await activate(event);
  expect(await passUntil(1, opened)).toBeLessThanOrEqual(leaseMs + 2_000);
  expect(await waitingIn(retryQueue)).toEqual([left]);
  const { requests } = crm;
  await sweepRetries(retryQueue, { nowMs: clock.nowMs, ageMaxMs: () => 0, signal });
  await retryDue();
  expect(await waitingIn(retryQueue)).toEqual([]);
  expect(crm.requests).toBe(requests);
});

test('a retry without a message, which a retry left that was broken off, is one too many as well', async () => {
  const retryQueue = new CutRetryQueue();
  const opened = openActivation({ retryQueue });
  const { crm, clock, activate, context } = opened;
  const down = (): never => {
    throw new DestinationError('transient', 'The destination cannot be reached.');
  };
  crm.onRequest = down;
  await activate(eventOf(personExport(), 1, { enqueuedAtMs: clock.nowMs }));
  clock.nowMs = retryQueue.nextDueAtMs ?? expect.unreachable();
  const [message = ''] = retryQueue.takeDue(clock.nowMs);
  retryQueue.isCut = true;
  await expect(activateRetry(message, context)).rejects.toThrow('The process ends.');
  expect(await waitingIn(retryQueue)).toHaveLength(2);
  retryQueue.isCut = false;
  crm.onRequest = () => undefined;

  // The host gives the message again.
  await activateRetry(message, context);
  expect(await passUntil(1, opened)).toBeLessThanOrEqual(context.timing.leaseMs + 2_000);
});

/**
 * Another process with the same stores, of which the circuit has stayed open through the outage and
 * does so for minutes, since its last probe failed so long ago.
 */
function besideIt({ crm, ads, clock, retryQueue, context }: TestActivation, agoMs: number): TestActivation {
  const other = openActivation({ retryQueue, ledger: context.ledger, destinations: { crm, ads } });
  other.clock.nowMs = clock.nowMs;
  const { breaker } = other.context.targets.get('crm') ?? expect.unreachable();
  const failedAtMs = clock.nowMs - agoMs;
  for (let failures = 0; failures < 12; failures += 1) {
    breaker.probeNow(failedAtMs);
    breaker.admit(failedAtMs);
    breaker.fail(failedAtMs);
  }
  expect(breaker.openUntilMs(clock.nowMs)).toBe(failedAtMs + 300_000);
  return other;
}

test.each([
  ['a minute ago', 60_000],
  ['a second ago', 1_000],
])('what one process wakes is told within a minute, where the last probe of another failed %s', async (_, agoMs) => {
  const opened = await afterOutage();
  const { crm, clock, retryQueue, context } = opened;
  clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs ?? expect.unreachable());
  const backMs = clock.nowMs;
  const other = besideIt(opened, agoMs);
  // The messages come to both in turn; that of the probe is the first.
  for (let turn = 0; crm.members.size < people;) {
    clock.nowMs = Math.max(clock.nowMs, other.clock.nowMs, retryQueue.nextDueAtMs ?? expect.unreachable());
    other.clock.nowMs = clock.nowMs;
    for (const message of retryQueue.takeDue(clock.nowMs)) {
      await activateRetry(message, turn % 2 === 0 ? context : other.context);
      turn += 1;
    }
  }
  expect(clock.nowMs - backMs).toBeLessThanOrEqual(60_000);
});
