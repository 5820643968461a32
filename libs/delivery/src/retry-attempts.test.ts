import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import type { DeliveryResult } from './delivery-result.ts';
import { retryAttempts } from './retry-attempts.ts';

const clock = { now: () => 0, sleep: () => Promise.resolve(), random: () => 0.5 };

/** The outcome of one change whose attempts end like this, one after the other. */
async function resultAfter(...attempts: readonly DeliveryResult[]): Promise<DeliveryResult | undefined> {
  const left = [...attempts];
  const send = (): Promise<ReadonlyMap<string, DeliveryResult>> => {
    const result = left.shift();
    return Promise.resolve(new Map(result === undefined ? [] : [['change-0', result]]));
  };
  const limits = { clock, notAfterMs: 60_000, signal: new AbortController().signal };
  return (await retryAttempts([exampleDelivery(0)], send, limits)).get('change-0');
}

const failed: DeliveryResult = { status: 'retry', class: 'transient', reason: 'error 500', wasTried: true };
const inDoubt: DeliveryResult = { ...failed, doubt: 'answered' };
const untried: DeliveryResult = { ...failed, reason: 'its circuit breaker is open', wasTried: false };

test('doubt that one attempt leaves stays when a later one ends without any', async () => {
  for (const last of [untried, failed])
    expect(await resultAfter(inDoubt, last, failed)).toMatchObject({ doubt: 'answered', wasTried: true });
  expect(await resultAfter(failed, untried)).not.toHaveProperty('doubt');
  expect(await resultAfter(inDoubt, { ...failed, doubt: 'unanswered' })).toMatchObject({ doubt: 'unanswered' });
  const refused: DeliveryResult = { status: 'rejected', class: 'invalid', reason: 'no such person' };
  expect(await resultAfter(inDoubt, refused)).toEqual({ ...refused, doubt: 'answered' });
  expect(await resultAfter(failed, refused)).toEqual(refused);
  expect(await resultAfter(inDoubt, { status: 'delivered' })).toEqual({ status: 'delivered' });
  const unknown: DeliveryResult = { status: 'not-found', reason: 'no such person' };
  expect(await resultAfter(inDoubt, unknown)).toEqual(unknown);
});

/**
 * When a change is sent whose attempts all end so, on a clock of its own, and the caller waits so
 * long for it.
 */
async function sentAtMs(result: DeliveryResult, waitMaxMs = 60_000, random = 0.999_999): Promise<readonly number[]> {
  const virtual = new VirtualClock(0, () => random);
  const times: number[] = [];
  const send = (): Promise<ReadonlyMap<string, DeliveryResult>> => {
    times.push(virtual.now());
    return Promise.resolve(new Map([['change-0', result]]));
  };
  const limits = { clock: virtual, notAfterMs: waitMaxMs, signal: new AbortController().signal };
  const retrying = retryAttempts([exampleDelivery(0)], send, limits);
  await virtual.advance(120_000);
  await retrying;
  return times;
}

test('how often a change is sent depends on what went wrong', async () => {
  const attempts = async (of: string) => (await sentAtMs({ ...failed, class: of })).length;
  expect(await attempts('transient')).toBe(3);
  expect(await attempts('throttled')).toBe(3);
  for (const once of ['set-up', 'fatal', 'accepted', 'something new']) expect(await attempts(once)).toBe(1);
  expect(await sentAtMs({ ...failed, doubt: 'unanswered' })).toHaveLength(1);
  expect(await sentAtMs({ ...failed, doubt: 'answered' })).toHaveLength(3);
  expect(await sentAtMs(untried)).toHaveLength(1);
});

test('the waits between attempts are short and grow', async () => {
  expect(await sentAtMs(failed)).toEqual([0, 200, 600]);
  expect(await sentAtMs(failed, 60_000, 0)).toEqual([0, 0, 0]);
});

test('the next attempt waits for the time that a change asks for, or is none', async () => {
  expect(await sentAtMs({ ...failed, notBeforeMs: 30_000 })).toEqual([0, 30_000, 30_400]);
  expect(await sentAtMs({ ...failed, notBeforeMs: 60_000 })).toEqual([0, 60_000]);
  expect(await sentAtMs({ ...failed, notBeforeMs: 60_001 })).toEqual([0]);
  expect(await sentAtMs(failed, 599)).toEqual([0, 200]);
});

test('a change that asks for a time too far away does not keep the others waiting', async () => {
  const virtual = new VirtualClock(0, () => 0.999_999);
  const rounds: (readonly string[])[] = [];
  const send = (deliveries: readonly { readonly change: { readonly id: string } }[]) => {
    const ids = deliveries.map(({ change }) => change.id);
    rounds.push(ids);
    const resultOf = (id: string): DeliveryResult => (id === 'change-0' ? { ...failed, notBeforeMs: 90_000 } : failed);
    return Promise.resolve(new Map(ids.map((id) => [id, resultOf(id)])));
  };
  const limits = { clock: virtual, notAfterMs: 60_000, signal: new AbortController().signal };
  const retrying = retryAttempts([exampleDelivery(0), exampleDelivery(1)], send, limits);
  await virtual.advance(120_000);
  await retrying;
  expect(rounds).toEqual([['change-0', 'change-1'], ['change-1'], ['change-1']]);
});

test('nothing is sent once the deadline has passed while it waited', async () => {
  const virtual = new VirtualClock(0, () => 0.999_999);
  const deadline = new AbortController();
  let sent = 0;
  const send = (): Promise<ReadonlyMap<string, DeliveryResult>> => {
    sent += 1;
    return Promise.resolve(new Map([['change-0', failed]]));
  };
  const limits = { clock: virtual, notAfterMs: 60_000, signal: deadline.signal };
  const retrying = retryAttempts([exampleDelivery(0)], send, limits);
  await virtual.advance(100);
  deadline.abort();
  expect((await retrying).get('change-0')).toEqual(failed);
  expect(sent).toBe(1);
});

test('what is done waits for nothing, and nothing to send is not sent', async () => {
  const idle = {
    now: () => 0,
    random: () => 0.5,
    sleep: () => Promise.reject(new Error('It waited for nothing.')),
  };
  const limits = { clock: idle, notAfterMs: 60_000, signal: new AbortController().signal };
  let sent = 0;
  const send = (): Promise<ReadonlyMap<string, DeliveryResult>> => {
    sent += 1;
    return Promise.resolve(new Map([['change-0', { status: 'delivered' }]]));
  };
  expect((await retryAttempts([], send, limits)).size).toBe(0);
  expect(sent).toBe(0);
  // Of the second change there is no word: what to make of that is for the caller.
  expect((await retryAttempts([exampleDelivery(0), exampleDelivery(1)], send, limits)).size).toBe(1);
  expect(sent).toBe(1);
});
