import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withTimeLimit } from './time-limit.ts';

const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

test('work that ends in time gives its result, and leaves no timer', async () => {
  expect(await withTimeLimit(1_000, () => Promise.resolve('done'))).toBe('done');
  expect(vi.getTimerCount()).toBe(0);
});

test('work that fails throws its error, and leaves no timer', async () => {
  await expect(withTimeLimit(1_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(vi.getTimerCount()).toBe(0);
});

test('work that takes longer is aborted for the reason of AbortSignal.timeout', async () => {
  const limited = withTimeLimit(1_000, untilAborted);
  const reason = expect(limited).rejects.toMatchObject({
    name: 'TimeoutError',
    message: 'The operation was aborted due to timeout',
  });
  await vi.advanceTimersByTimeAsync(1_000);
  await reason;
});

test('its timer keeps no process alive', async () => {
  vi.useRealTimers();
  const before = timers();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const limited = withTimeLimit(3_600_000, () => promise);
  // Node counts those alone that keep it alive.
  expect(timers()).toBe(before);
  resolve(undefined);
  await limited;
});
