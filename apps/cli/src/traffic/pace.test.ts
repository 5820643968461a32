import { expect, test } from 'vitest';
import { pace } from './pace.ts';

/** A clock that moves only when code sleeps, or works. */
function manualClock() {
  const clock = {
    timeMs: 1_000_000,
    now: () => clock.timeMs,
    sleep: (durationMs: number) => {
      clock.timeMs += durationMs;
      return Promise.resolve();
    },
  };
  return clock;
}

async function collect(options: Parameters<typeof pace>[0], work: (due: number) => void = () => undefined) {
  const given: number[] = [];
  for await (const due of pace(options)) {
    given.push(due);
    work(due);
  }
  return given;
}

const signal = new AbortController().signal;

test('the average is the rate, whatever the rate', async () => {
  for (const rate of [0.5, 3, 40, 2500]) {
    const clock = manualClock();
    const startedAt = clock.timeMs;
    const given = await collect({ rate, count: 500, batchMax: 500, signal, clock });
    expect(given.reduce((sum, due) => sum + due, 0)).toBe(500);
    const seconds = (clock.timeMs - startedAt) / 1000;
    expect(500 / seconds).toBeGreaterThan(rate * 0.9);
    expect(500 / seconds).toBeLessThan(rate * 1.1);
  }
});

test('a slow taker is given what is missing, but no more than a second of it', async () => {
  const clock = manualClock();
  let first = true;
  const given = await collect({ rate: 100, count: 300, batchMax: 1000, signal, clock }, () => {
    if (first) clock.timeMs += 60_000;
    first = false;
  });
  expect(given[1]).toBe(100);
});

test('without a rate batches follow each other at once, and the last one is what is left', async () => {
  const clock = manualClock();
  expect(await collect({ rate: 0, count: 7, batchMax: 3, signal, clock })).toEqual([3, 3, 1]);
  expect(clock.timeMs).toBe(1_000_000);
});

test('an aborted signal ends it', async () => {
  const stop = new AbortController();
  const given = await collect(
    { rate: 10, count: Infinity, batchMax: 5, signal: stop.signal, clock: manualClock() },
    () => stop.abort(),
  );
  expect(given).toHaveLength(1);
});
