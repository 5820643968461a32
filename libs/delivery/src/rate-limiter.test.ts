import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { backoffMs } from './backoff.ts';
import { RateLimiter } from './rate-limiter.ts';

const never = new AbortController().signal;
const always = { notAfterMs: Infinity, signal: never };

function recorded(rateLimiter: RateLimiter, clock: VirtualClock) {
  const startedAtMs: number[] = [];
  const send = (limits = always, durationMs = 0) =>
    rateLimiter.run(async () => {
      startedAtMs.push(clock.now());
      if (durationMs > 0) await clock.sleep(durationMs, never);
    }, limits);
  return { startedAtMs, send };
}

test('a burst of one second goes at once, then requests come evenly', async () => {
  const clock = new VirtualClock(10_000);
  const { startedAtMs, send } = recorded(new RateLimiter({ requestsPerSecond: 4, concurrency: 100 }, clock), clock);
  const sent = Promise.all(Array.from({ length: 8 }, () => send()));
  await clock.advance(5_000);
  await sent;
  expect(startedAtMs.map((at) => at - 10_000)).toEqual([0, 0, 0, 0, 250, 500, 750, 1_000]);
});

test('no second ever holds more than the burst and the rate together', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 60 }),
      async (requestsPerSecond, gaps) => {
        const clock = new VirtualClock(0);
        const { startedAtMs, send } = recorded(
          new RateLimiter({ requestsPerSecond, concurrency: 1_000 }, clock),
          clock,
        );
        const sent: Promise<unknown>[] = [];
        for (const gapMs of gaps) {
          sent.push(send());
          await clock.advance(gapMs);
        }
        await clock.advance(100_000);
        await Promise.all(sent);
        expect(startedAtMs).toHaveLength(gaps.length);
        for (const from of startedAtMs) {
          const inSecond = startedAtMs.filter((at) => at >= from && at < from + 1_000).length;
          expect(inSecond).toBeLessThanOrEqual(2 * requestsPerSecond);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('no more than the allowed number is under way, and the next goes when one ends', async () => {
  const clock = new VirtualClock(0);
  const { startedAtMs, send } = recorded(new RateLimiter({ requestsPerSecond: 1_000, concurrency: 2 }, clock), clock);
  const sent = Promise.all(Array.from({ length: 6 }, () => send(always, 1_000)));
  await clock.advance(10_000);
  await sent;
  expect(startedAtMs.map((at) => Math.floor(at / 1_000))).toEqual([0, 0, 1, 1, 2, 2]);
});

test('while the destination asks to be left alone no request goes, not even one that already waits', async () => {
  const clock = new VirtualClock(0);
  const rateLimiter = new RateLimiter({ requestsPerSecond: 1, concurrency: 10 }, clock);
  const { startedAtMs, send } = recorded(rateLimiter, clock);
  const sent = Promise.all([send(), send(), send()]);
  await clock.advance(500);
  rateLimiter.holdUntil(30_000);
  rateLimiter.holdUntil(20_000);
  await clock.advance(60_000);
  await sent;
  expect(startedAtMs).toEqual([0, 30_000, 30_000 + 1_000]);
});

test('a place that is too far away is refused at once, with the time at which it would be', async () => {
  const clock = new VirtualClock(0);
  const rateLimiter = new RateLimiter({ requestsPerSecond: 1, concurrency: 10 }, clock);
  rateLimiter.holdUntil(5_000);
  expect(await rateLimiter.run(() => Promise.resolve(1), { notAfterMs: 4_999, signal: never })).toEqual({
    ran: false,
    earliestMs: 5_000,
  });
});

test('an aborted wait ends at once, for a place and for a seat, and gives its seat back', async () => {
  const clock = new VirtualClock(0);
  const rateLimiter = new RateLimiter({ requestsPerSecond: 1, concurrency: 1 }, clock);
  const { send } = recorded(rateLimiter, clock);
  const stop = new AbortController();
  const limits = { notAfterMs: Infinity, signal: stop.signal };
  const first = send(always, 60_000);
  const waiting = [send(limits), send(limits)];
  await clock.advance(10);
  stop.abort();
  expect((await Promise.all(waiting)).map(({ ran }) => ran)).toEqual([false, false]);
  await clock.advance(60_000);
  await first;
  const last = send();
  await clock.advance(1_000);
  expect((await last).ran).toBe(true);
});

test('a request that is aborted before it comes waits for no seat, and leaves none free', async () => {
  const clock = new VirtualClock(0);
  const { startedAtMs, send } = recorded(new RateLimiter({ requestsPerSecond: 1_000, concurrency: 1 }, clock), clock);
  const first = send(always, 60_000);
  const late = { ...always, signal: AbortSignal.abort() };
  const ended: unknown[] = [];
  const aborted = [send(late), send(late)].map((call) => call.then(({ ran }) => ended.push(ran)));
  const waiting = send();
  await clock.advance(10);
  expect(ended).toEqual([false, false]);
  await clock.advance(100_000);
  await Promise.all([first, ...aborted, waiting]);
  expect(startedAtMs).toEqual([0, 60_000]);
});

test('less than one request per second is that', async () => {
  const clock = new VirtualClock(0);
  const { startedAtMs, send } = recorded(new RateLimiter({ requestsPerSecond: 0.5, concurrency: 10 }, clock), clock);
  const sent = Promise.all([send(), send(), send()]);
  await clock.advance(10_000);
  await sent;
  expect(startedAtMs).toEqual([0, 2_000, 4_000]);
});

test('who gives up waiting for a seat makes no room for others', async () => {
  const clock = new VirtualClock(0);
  const { startedAtMs, send } = recorded(new RateLimiter({ requestsPerSecond: 1_000, concurrency: 1 }, clock), clock);
  const stop = new AbortController();
  const first = send(always, 60_000);
  const before = send();
  const aborted = send({ notAfterMs: Infinity, signal: stop.signal });
  const waiting = send();
  await clock.advance(10);
  stop.abort();
  expect((await aborted).ran).toBe(false);
  const later = send();
  await clock.advance(100_000);
  await Promise.all([first, before, waiting, later]);
  expect(startedAtMs).toEqual([0, 60_000, 60_000, 60_000]);
});

test('a request that throws gives its seat back', async () => {
  const clock = new VirtualClock(0);
  const rateLimiter = new RateLimiter({ requestsPerSecond: 1_000, concurrency: 1 }, clock);
  await expect(rateLimiter.run(() => Promise.reject(new Error('boom')), always)).rejects.toThrow('boom');
  expect((await rateLimiter.run(() => Promise.resolve(1), always)).ran).toBe(true);
});

test('waits grow with every attempt, never beyond the most, and are spread over all of it', () => {
  const backoff = { baseMs: 100, maxMs: 1_000 };
  expect([1, 2, 3, 4, 5, 1_000].map((attempts) => backoffMs(backoff, attempts, () => 0.999_999))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(backoffMs(backoff, 3, () => 0)).toBe(0);
  expect(backoffMs(backoff, 3, () => 0.5)).toBe(200);
});

test('a request waits longer for its place in the timetable than for a time that the destination named', async () => {
  const clock = new VirtualClock(0);
  const rateLimiter = new RateLimiter({ requestsPerSecond: 1, concurrency: 8 }, clock);
  const { startedAtMs, send } = recorded(rateLimiter, clock);
  const limits = { notAfterMs: 1_000, pacedNotAfterMs: 3_000, signal: never };
  const sent = Promise.all(Array.from({ length: 6 }, () => send(limits)));
  await clock.advance(10_000);
  expect((await sent).map(({ ran }) => ran)).toEqual([true, true, true, true, false, false]);
  expect(startedAtMs).toEqual([0, 1_000, 2_000, 3_000]);

  rateLimiter.holdUntil(12_000);
  const held = { notAfterMs: 11_000, pacedNotAfterMs: 20_000, signal: never };
  expect(await send(held)).toEqual({ ran: false, earliestMs: 12_000 });
});

test('what cannot wait gets times at the pace, after the time that the destination named, and an hour away at the most', () => {
  const clock = new VirtualClock(0);
  const rateLimiter = new RateLimiter({ requestsPerSecond: 2, concurrency: 8 }, clock);
  rateLimiter.holdUntil(60_000);
  expect([rateLimiter.laterMs(), rateLimiter.laterMs(), rateLimiter.laterMs()]).toEqual([60_000, 60_500, 61_000]);
  for (let request = 0; request < 10_000; request += 1) rateLimiter.laterMs();
  expect(rateLimiter.laterMs()).toBe(3_600_000);
});

test('who waited for a seat does not listen to the signal any more', async () => {
  const clock = new VirtualClock(0);
  const { startedAtMs, send } = recorded(new RateLimiter({ requestsPerSecond: 1_000, concurrency: 1 }, clock), clock);
  const { signal } = new AbortController();
  const sent = Promise.all([send({ notAfterMs: Infinity, signal }, 50), send({ notAfterMs: Infinity, signal }, 50)]);
  await clock.advance(1_000);
  await sent;
  expect(startedAtMs).toEqual([0, 50]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
