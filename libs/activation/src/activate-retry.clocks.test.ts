import { InMemoryRetryQueue, readRetryMessage, writeRetryMessage, type Retry } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { eventOf, openActivation, personExport, type TestActivation } from '../testing/index.ts';
import { activateRetry } from './activate-retry.ts';

const { signal } = new AbortController();
const hourMs = 3_600_000;
const yearsMs = 5 * 365 * 24 * hourMs;

async function waitingIn(retryQueue: InMemoryRetryQueue): Promise<Retry> {
  const [retry] = await Array.fromAsync(retryQueue.waiting(signal));
  return retry ?? expect.unreachable();
}

/**
 * A process with the right time, and the retry that another one with a clock so far ahead has just
 * put. The queue counts by a clock of its own, so the message comes in time.
 */
async function besideOneAhead(
  aheadMs: number,
  options: { readonly notBeforeInMs?: number } = {},
): Promise<TestActivation & { readonly retry: Retry; readonly message: string }> {
  const retryQueue = new InMemoryRetryQueue();
  const ahead = openActivation({ retryQueue });
  const { crm, ads, context, clock } = ahead;
  const right = openActivation({ retryQueue, ledger: context.ledger, destinations: { crm, ads } });
  clock.nowMs += aheadMs;
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.', {
      ...(options.notBeforeInMs === undefined ? {} : { notBeforeMs: clock.nowMs + options.notBeforeInMs }),
    });
  };
  await ahead.activate(eventOf(personExport({ person: 'p0' }), 0));
  crm.onRequest = () => undefined;
  // The clock of the queue object is the right one.
  retryQueue.takeDue(right.clock.nowMs);
  const retry = await waitingIn(retryQueue);
  return { ...right, retry, message: writeRetryMessage(retry) };
}

test('a change that a process deferred whose clock is years ahead is told by another one when its message comes', async () => {
  const { context, message, crm } = await besideOneAhead(yearsMs);
  await activateRetry(message, context);
  expect(crm.story).toEqual(['entered sports-fans p0']);
});

test('a retry waits for the longest time that can be put, and not for a longer one', async () => {
  // The longest is an hour, and a minute is for the clocks.
  const longest = await besideOneAhead(60_000, { notBeforeInMs: hourMs });
  await activateRetry(longest.message, longest.context);
  expect(longest.crm.story).toEqual([]);
  const longer = await besideOneAhead(60_001, { notBeforeInMs: hourMs });
  await activateRetry(longer.message, longer.context);
  expect(longer.crm.story).toEqual(['entered sports-fans p0']);
});

test('a retry that comes from the future is as young as one that is deferred now', async () => {
  const { context, message, crm, clock, retryQueue } = await besideOneAhead(yearsMs);
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  await activateRetry(message, context);
  expect((await waitingIn(retryQueue)).firstDeferredAtMs).toBe(clock.nowMs);
});

test('while the circuit is open, the message of a retry from the future is put back as one of now, and grows old', async () => {
  const { context, message, clock, retryQueue } = await besideOneAhead(yearsMs);
  const { breaker } = context.targets.get('crm') ?? expect.unreachable();
  for (let failures = 0; failures < 3; failures += 1) breaker.fail(clock.nowMs);
  await activateRetry(message, context);
  const [putBack = ''] = retryQueue.takeDue(breaker.openUntilMs(clock.nowMs) ?? NaN);
  expect(readRetryMessage(putBack).firstDeferredAtMs).toBe(clock.nowMs);
});
