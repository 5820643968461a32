import {
  InMemoryControls,
  InMemoryRetryQueue,
  readRetryMessage,
  type Retry,
  type RetryPointer,
} from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { defaultFile, DisturbedLedger, eventOf, openActivation, personExport } from '../testing/index.ts';
import { activateRetry } from './activate-retry.ts';
import { retriesAtOnce } from './retries-in-work.ts';

const { signal } = new AbortController();
const dayMs = 86_400_000;

/** A retry queue that remembers what was put back, and until when. */
class ObservedRetryQueue extends InMemoryRetryQueue {
  readonly postponed: (readonly [id: string, dueAtMs: number])[] = [];
  /** The message of `put` comes before its retry is due. */
  isEarly = false;

  override async read(message: string, readSignal: AbortSignal): Promise<Retry | undefined> {
    const retry = await super.read(message, readSignal);
    return this.isEarly && readRetryMessage(message).isWoken !== true ? undefined : retry;
  }

  override async giveBack(pointer: RetryPointer, dueAtMs: number, giveSignal: AbortSignal): Promise<void> {
    this.postponed.push([pointer.id, dueAtMs]);
    await super.giveBack(pointer, dueAtMs, giveSignal);
  }
}

const down = (): never => {
  throw new DestinationError('transient', 'Not reached.');
};

/**
 * Parts of which three people wait in the retry queue, because of whom the circuit of their
 * destination has just opened.
 */
async function openWithOpenCircuit({ ledger }: { readonly ledger?: DisturbedLedger } = {}) {
  const retryQueue = new ObservedRetryQueue();
  const controls = new InMemoryControls();
  const opened = openActivation({ retryQueue, controls, ...(ledger === undefined ? {} : { ledger }) });
  opened.crm.onRequest = down;
  for (const person of ['p1', 'p2', 'p3']) await opened.activate(eventOf(personExport({ person }), 1));
  const openUntilMs = opened.context.targets.get('crm')?.breaker.openUntilMs(opened.clock.nowMs) ?? NaN;
  retryQueue.postponed.length = 0;
  const messages = retryQueue.takeDue(Infinity);
  expect(messages).toHaveLength(3);
  return { ...opened, retryQueue, controls, messages, openUntilMs };
}

test('of what comes while the circuit is open, one message comes again when it is half-open, and the others later', async () => {
  const { context, retryQueue, messages, openUntilMs } = await openWithOpenCircuit();
  for (const message of messages) await activateRetry(message, context);
  const [first, ...others] = retryQueue.postponed.map(([, dueAtMs]) => dueAtMs);
  expect(first).toBe(openUntilMs);
  for (const dueAtMs of others) expect(dueAtMs).toBeGreaterThan(openUntilMs);
  expect(retryQueue.postponed.map(([id]) => id)).toEqual(messages.map((message) => readRetryMessage(message).id));
});

test('where the message of the probe cannot be put back, the next one takes its place', async () => {
  const { context, retryQueue, messages, openUntilMs } = await openWithOpenCircuit();
  const giveBack = retryQueue.giveBack.bind(retryQueue);
  retryQueue.giveBack = () => {
    retryQueue.giveBack = giveBack;
    return Promise.reject(new Error('The queue store is down.'));
  };
  await expect(activateRetry(messages[0] ?? '', context)).rejects.toThrow('The queue store is down.');
  await activateRetry(messages[1] ?? '', context);
  expect(retryQueue.postponed.map(([, dueAtMs]) => dueAtMs)).toEqual([openUntilMs]);
});

test('where a message that is not the probe cannot be put back, the failure of the queue is thrown', async () => {
  const { context, retryQueue, messages } = await openWithOpenCircuit();
  await activateRetry(messages[0] ?? '', context);
  retryQueue.postpone = () => Promise.reject(new Error('The queue store is down.'));
  await expect(activateRetry(messages[1] ?? '', context)).rejects.toThrow('The queue store is down.');
});

test('a retry that is old enough to be given up is not put back while the circuit is open', async () => {
  const { context, retryQueue, messages, clock, letters, crm } = await openWithOpenCircuit();
  const { breaker } = context.targets.get('crm') ?? expect.unreachable();
  clock.nowMs += dayMs;
  breaker.fail(clock.nowMs);
  breaker.admit(clock.nowMs);
  breaker.fail(clock.nowMs, 'Not reached.');
  expect(breaker.openUntilMs(clock.nowMs)).toBeDefined();
  const { requests } = crm;
  await activateRetry(messages[0] ?? '', context);
  expect(retryQueue.postponed).toEqual([]);
  expect(letters()).toMatchObject([{ outcome: 'given-up' }]);
  expect(crm.requests).toBe(requests);
});

test('what comes in a pause waits on unread, however old it is, and does not take the place of the probe', async () => {
  const { context, retryQueue, messages, clock, controls } = await openWithOpenCircuit();
  // An hour old, it would come again after more than the pause.
  clock.nowMs += 3_600_000;
  const pause = { action: 'pause', by: 'ada', reason: 'migration', atMs: clock.nowMs, destination: 'crm' } as const;
  const pausedMs = 60_000;
  await controls.edit(() => [{ ...pause, untilMs: clock.nowMs + pausedMs }], signal);
  await activateRetry(messages[0] ?? '', context);
  expect(retryQueue.postponed.map(([, dueAtMs]) => dueAtMs)).toEqual([pause.atMs + pausedMs]);
  expect(context.targets.get('crm')?.breaker.takeProbe()).toBe(true);
  await controls.edit(() => [pause], signal);
  clock.nowMs += dayMs;
  await activateRetry(messages[1] ?? '', context);
  // After a day the messages of a pause without an end come once an hour.
  expect(retryQueue.postponed[1]?.[1]).toBeGreaterThan(clock.nowMs + 1_000_000);
});

test('while the circuit is open, a retry of a destination that has another key now is put back unread', async () => {
  const { context, retryQueue, messages, clock } = await openWithOpenCircuit();
  const file = defaultFile
    .replace('crm: { type', 'ads: { formerly: crm, type')
    .replace('destination: crm', 'destination: ads');
  const renamed = openActivation({ file, retryQueue, ledger: context.ledger });
  renamed.clock.nowMs = clock.nowMs;
  renamed.ads.onRequest = down;
  for (const person of ['p4', 'p5', 'p6']) await renamed.activate(eventOf(personExport({ person }), 2));
  const { requests } = renamed.ads;
  retryQueue.postponed.length = 0;
  await activateRetry(messages[0] ?? '', renamed.context);
  expect(retryQueue.postponed.map(([id]) => id)).toEqual([readRetryMessage(messages[0] ?? '').id]);
  expect(renamed.ads.requests).toBe(requests);
});

test('a retry is told by a command, which no operator controls', async () => {
  const { context: controlled, messages, clock, crm, openUntilMs } = await openWithOpenCircuit();
  const { controls, ...context } = controlled;
  expect(controls).toBeDefined();
  crm.onRequest = () => undefined;
  clock.nowMs = openUntilMs;
  await activateRetry(messages[0] ?? '', context);
  expect(crm.story).toEqual(['entered sports-fans p1']);
});

test('a retry of a destination that is not set up is read, and its changes are not lost', async () => {
  const { context, messages, clock, retryQueue, openUntilMs } = await openWithOpenCircuit();
  const other = openActivation({
    file: defaultFile.replaceAll('crm', 'ads'),
    ledger: context.ledger,
    retryQueue,
  });
  other.clock.nowMs = Math.max(clock.nowMs, openUntilMs);
  await activateRetry(messages[0] ?? '', { ...other.context, targets: new Map() });
  expect(other.outcomes()).toEqual({ 'crm deferred': 1 });
});

/** As `openWithOpenCircuit`, with the destination back, and the first retry woken. */
async function openWithWokenRetry(options?: Parameters<typeof openWithOpenCircuit>[0]) {
  const opened = await openWithOpenCircuit(options);
  const { crm, clock, retryQueue, messages, openUntilMs } = opened;
  crm.onRequest = () => undefined;
  clock.nowMs = openUntilMs;
  await retryQueue.wake('crm', { nowMs: clock.nowMs, everyMs: 0, signal });
  const [message = ''] = messages;
  const { id } = readRetryMessage(message);
  const woken = retryQueue.takeDue(clock.nowMs).find((each) => readRetryMessage(each).id === id) ?? '';
  expect(readRetryMessage(woken)).toMatchObject({ id, isWoken: true });
  return { ...opened, message, woken };
}

test.each([
  ['the woken one first', ['woken', 'message'] as const],
  ['the woken one last', ['message', 'woken'] as const],
])('of two messages of one retry that come together, one alone is worked on (%s)', async (_, order) => {
  const opened = await openWithWokenRetry();
  const before = opened.outcomes();
  await Promise.all(order.map((which) => activateRetry(opened[which], opened.context)));
  expect(opened.crm.story).toEqual(['entered sports-fans p1']);
  expect(opened.outcomes()).toEqual({ ...before, 'crm delivered': 1 });
  // What was put back finds nothing any more.
  opened.clock.nowMs += 30_000;
  await opened.retryDue();
  expect(opened.outcomes()).toEqual({ ...before, 'crm delivered': 3 });
});

test('a message that comes while another one of its retry is worked on outlives that work when it fails', async () => {
  const ledger = new DisturbedLedger();
  const { context, message, woken, crm, clock, retryQueue, retryDue } = await openWithWokenRetry({ ledger });
  ledger.beforeRead = () => Promise.reject(new Error('The ledger is down.'));
  const failed = activateRetry(woken, context);
  await activateRetry(message, context);
  await expect(failed).rejects.toThrow('The ledger is down.');
  expect(crm.story).toEqual([]);
  ledger.beforeRead = () => undefined;
  expect(retryQueue.postponed).toHaveLength(1);
  clock.nowMs = retryQueue.postponed[0]?.[1] ?? NaN;
  await retryDue();
  expect(crm.story).toContain('entered sports-fans p1');
});

test('a message of a destination whose retries take their share of the process is given back unread, also a woken one', async () => {
  const { context, clock, retryQueue, woken, crm } = await openWithWokenRetry();
  const none = Promise.resolve(undefined);
  for (let n = 0; n < retriesAtOnce / 2; n += 1) context.retriesInWork.begin(`other-${n}`, 'crm', none);
  retryQueue.read = () => expect.unreachable();
  await activateRetry(woken, context);
  expect(crm.story).toEqual([]);
  expect(retryQueue.takeDue(clock.nowMs + 999)).toEqual([]);
  expect(retryQueue.takeDue(clock.nowMs + 1_000)).toEqual([woken]);
});

/**
 * As `openWithOpenCircuit`, when the last of many probes has just failed; another process has
 * reached the destination then, and woken the retries.
 */
async function openForMinutes() {
  const opened = await openWithOpenCircuit();
  const { retryQueue, clock, context } = opened;
  const { breaker } = context.targets.get('crm') ?? expect.unreachable();
  for (let failures = 0; failures < 9; failures += 1) {
    breaker.probeNow(clock.nowMs);
    breaker.admit(clock.nowMs);
    breaker.fail(clock.nowMs);
  }
  expect(breaker.takeProbe()).toBe(true);
  await retryQueue.wake('crm', { nowMs: clock.nowMs, everyMs: 0, signal });
  retryQueue.postponed.length = 0;
  return { ...opened, breaker, woken: retryQueue.takeDue(clock.nowMs), shortestMs: clock.nowMs + 5_000 };
}

test('of what was woken while the circuit was open for too short a time, one message comes again for the probe', async () => {
  const { context, retryQueue, woken, clock, crm, shortestMs } = await openForMinutes();
  for (const message of woken) await activateRetry(message, context);
  expect(woken).toHaveLength(3);
  expect(retryQueue.takeDue(shortestMs - 1)).toEqual([]);
  expect(retryQueue.takeDue(shortestMs)).toEqual([woken[0]]);
  clock.nowMs = shortestMs;
  crm.onRequest = () => undefined;
  await activateRetry(woken[0] ?? '', context);
  expect(crm.story).toHaveLength(1);
});

test('a message that was woken is told at once where the circuit was open for long enough, and its failure opens it again', async () => {
  const { context, woken, clock, crm, shortestMs, breaker, retryQueue } = await openForMinutes();
  clock.nowMs = shortestMs;
  const { requests } = crm;
  for (const message of woken) await activateRetry(message, context);
  expect(crm.requests).toBe(requests + 1);
  expect(breaker.openUntilMs(clock.nowMs)).toBe(clock.nowMs + 5_000);
  expect(retryQueue.postponed).toContainEqual([readRetryMessage(woken[1] ?? '').id, clock.nowMs + 5_000]);
});

test('a message that was woken does not end what an operator holds', async () => {
  const { context, woken, clock, crm, shortestMs, controls, retryQueue } = await openForMinutes();
  clock.nowMs = shortestMs;
  const pause = { action: 'pause', by: 'ada', reason: 'migration', atMs: clock.nowMs, destination: 'crm' } as const;
  await controls.edit(() => [pause], signal);
  const { requests } = crm;
  for (const message of woken) await activateRetry(message, context);
  expect(crm.requests).toBe(requests);
  expect(retryQueue.postponed).toEqual([]);
});

test('a woken message works on its retry although the message of the retry comes too early at the same time', async () => {
  const { context, message, woken, crm, retryQueue } = await openWithWokenRetry();
  retryQueue.isEarly = true;
  await Promise.all([message, woken].map((each) => activateRetry(each, context)));
  expect(crm.story).toEqual(['entered sports-fans p1']);
});

test('of two processes that have a message each of one retry, the second is done when the first has told it', async () => {
  const { context, message, woken, crm, ads, clock, retryQueue, outcomes } = await openWithWokenRetry();
  const other = openActivation({ ledger: context.ledger, retryQueue, destinations: { crm, ads } });
  other.clock.nowMs = clock.nowMs;
  const before = outcomes();
  await Promise.all([activateRetry(message, context), activateRetry(woken, other.context)]);
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect([outcomes(), other.outcomes()]).toEqual([{ ...before, 'crm delivered': 1 }, { 'crm deferred': 1 }]);
  for (let looks = 0; looks < 2; looks += 1) {
    other.clock.nowMs += 2_000;
    await other.retryDue();
  }
  expect(other.outcomes()).toMatchObject({ 'crm deferred': 1, 'crm unchanged': 1 });
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toEqual([]);
});
