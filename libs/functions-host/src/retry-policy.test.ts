import { expect, test } from 'vitest';
import { retryDelayMs, runWithRetries } from './retry-policy.ts';
import type { InvocationOutcome, RetryContext, RetryOptions } from './rpc.ts';

const failed: InvocationOutcome = { failed: true, error: { message: 'no', stack: 'no at all' } };
const fixed = (maxRetryCount: number, seconds = 0): RetryOptions => ({
  retryStrategy: 'fixedDelay',
  maxRetryCount,
  delayInterval: { seconds },
});

async function run(policy: RetryOptions | undefined, outcomes: InvocationOutcome[], stopAfter = Infinity) {
  const stop = new AbortController();
  const contexts: (RetryContext | undefined)[] = [];
  const result = await runWithRetries({
    attempt: (context) => {
      contexts.push(context);
      if (contexts.length === stopAfter) stop.abort();
      return Promise.resolve(outcomes[contexts.length - 1] ?? { failed: false });
    },
    policy,
    signal: stop.signal,
    random: () => 0.5,
  });
  return { ...result, contexts };
}

test('without a policy a function runs once', async () => {
  expect(await run(undefined, [failed])).toEqual({ outcome: failed, interrupted: false, contexts: [undefined] });
});

test('a function is repeated until it succeeds, and knows what happened before', async () => {
  const { outcome, contexts } = await run(fixed(5), [failed, failed]);
  expect(outcome).toEqual({ failed: false });
  const exception = { message: 'no', source: '', stackTrace: 'no at all' };
  expect(contexts).toEqual([
    undefined,
    { retryCount: 1, maxRetryCount: 5, exception },
    { retryCount: 2, maxRetryCount: 5, exception },
  ]);
});

test('after the last retry the failure stands', async () => {
  const { outcome, interrupted, contexts } = await run(fixed(2), Array<InvocationOutcome>(9).fill(failed));
  expect([outcome, interrupted, contexts.length]).toEqual([failed, false, 3]);
});

test('-1 repeats until the host stops, which is not an end of the retries', async () => {
  const { interrupted, contexts } = await run(fixed(-1), Array<InvocationOutcome>(99).fill(failed), 40);
  expect([interrupted, contexts.length]).toEqual([true, 40]);
});

test('a fixed delay is the same every time', () => {
  expect([0, 1, 7].map((count) => retryDelayMs(fixed(9, 3), count, () => 0.9))).toEqual([3_000, 3_000, 3_000]);
});

test('an exponential delay starts at the minimum, doubles its delta within a spread of 20 %, and ends at the maximum', () => {
  const policy: RetryOptions = {
    retryStrategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 2 },
    maximumInterval: { seconds: 30 },
  };
  const delays = (random: number): number[] =>
    [0, 1, 2, 3, 4, 50].map((count) => Math.round(retryDelayMs(policy, count, () => random)));
  expect(delays(0.5)).toEqual([2_000, 4_000, 6_000, 10_000, 18_000, 30_000]);
  expect(delays(0)).toEqual([2_000, 3_600, 5_200, 8_400, 14_800, 30_000]);
  expect(delays(1)).toEqual([2_000, 4_400, 6_800, 11_600, 21_200, 30_000]);
});
