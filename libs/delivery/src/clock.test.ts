import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';

test('the clock of the system sleeps as long as it is told to, and leaves nothing at the signal', async () => {
  const { signal } = new AbortController();
  const startedMs = performance.now();
  await systemClock.sleep(20, signal);
  // A timer may fire a millisecond early.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(19);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an abort wakes a sleeper, whose timer no longer keeps the process alive, and a sleep that begins after it ends at once', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const before = timers();
  const stop = new AbortController();
  const slept = systemClock.sleep(3_600_000, stop.signal);
  expect(timers()).toBe(before + 1);
  stop.abort();
  await slept;
  await systemClock.sleep(3_600_000, stop.signal);
  expect(timers()).toBe(before);
});
