import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';

const options = { failuresToOpen: 3, openMs: 1_000, openMaxMs: 8_000, graceMs: 500 };
const opened = (): Breaker => {
  const breaker = new Breaker(options);
  for (let failure = 0; failure < 3; failure += 1) breaker.fail(0);
  return breaker;
};

test('it stays closed while failures are not in a row', () => {
  const breaker = new Breaker(options);
  for (let turn = 0; turn < 10; turn += 1) {
    breaker.fail(0);
    breaker.fail(0);
    breaker.succeed();
  }
  expect(breaker.admit(0)).toEqual({ is: 'closed' });
});

test('failures in a row open it, and it says until when', () => {
  const breaker = opened();
  expect(breaker.admit(999)).toEqual({ is: 'open', untilMs: 1_000 });
});

test('one can ask whether it is open without being admitted', () => {
  const breaker = opened();
  expect(breaker.openUntilMs(999)).toBe(1_000);
  expect(breaker.openUntilMs(1_000)).toBeUndefined();
  expect(breaker.admit(1_000)).toEqual({ is: 'probe' });
  expect(new Breaker(options).openUntilMs(0)).toBeUndefined();
});

test('its state is closed, open, or half-open from when a probe is admitted until that has ended', () => {
  const breaker = new Breaker(options);
  expect([breaker.state(0), breaker.isClosed(0)]).toEqual(['closed', true]);
  for (let failure = 0; failure < 3; failure += 1) breaker.fail(0);
  expect([breaker.state(999), breaker.isClosed(999)]).toEqual(['open', false]);
  expect([breaker.state(1_000), breaker.isClosed(1_000)]).toEqual(['half-open', false]);
  breaker.admit(1_000);
  expect([breaker.state(1_001), breaker.isClosed(1_001)]).toEqual(['half-open', false]);
  breaker.succeed();
  expect([breaker.state(1_002), breaker.isClosed(1_002)]).toEqual(['closed', true]);
});

test('its state is paused while an operator holds it open, and after that what it is without the hold', () => {
  const closed = new Breaker(options);
  expect(closed.holdEndsAtMs).toBeUndefined();
  closed.hold({ untilMs: 500 });
  expect([closed.state(499), closed.state(500)]).toEqual(['paused', 'closed']);
  expect([closed.isClosed(499), closed.isClosed(500)]).toEqual([false, true]);
  const open = opened();
  open.hold({ untilMs: 500 });
  expect([open.state(499), open.state(500), open.state(1_000)]).toEqual(['paused', 'open', 'half-open']);
});

test('a caller that makes others wait leaves the probe to the rest for a grace', () => {
  const breaker = opened();
  expect(breaker.leftToRetriesUntilMs(999)).toBe(1_000);
  expect(breaker.leftToRetriesUntilMs(1_499)).toBe(1_499);
  expect(breaker.leftToRetriesUntilMs(1_500)).toBeUndefined();
  breaker.admit(1_000);
  breaker.succeed();
  expect(breaker.leftToRetriesUntilMs(1_001)).toBeUndefined();
  expect(new Breaker(options).leftToRetriesUntilMs(0)).toBeUndefined();
});

test('half open it admits one probe at a time', () => {
  const breaker = opened();
  expect(breaker.admit(1_000)).toEqual({ is: 'probe' });
  expect(breaker.admit(1_001)).toEqual({ is: 'open', untilMs: 2_001 });
  breaker.release();
  expect(breaker.admit(1_002)).toEqual({ is: 'probe' });
});

test('a probe that succeeds closes it', () => {
  const breaker = opened();
  breaker.admit(1_000);
  breaker.succeed();
  expect(breaker.admit(1_000)).toEqual({ is: 'closed' });
  breaker.fail(1_000);
  expect(breaker.admit(1_000)).toEqual({ is: 'closed' });
});

test('each failed probe keeps it open twice as long, up to the most', () => {
  const breaker = opened();
  let nowMs = 1_000;
  const waits: number[] = [];
  for (let probe = 0; probe < 5; probe += 1) {
    expect(breaker.admit(nowMs)).toEqual({ is: 'probe' });
    breaker.fail(nowMs);
    const admission = breaker.admit(nowMs);
    if (admission.is !== 'open') throw new Error('unreachable');
    waits.push(admission.untilMs - nowMs);
    nowMs = admission.untilMs;
  }
  expect(waits).toEqual([2_000, 4_000, 8_000, 8_000, 8_000]);
});

test('requests that were under way when it opened change nothing', () => {
  const breaker = opened();
  breaker.fail(500);
  breaker.fail(600);
  expect(breaker.admit(700)).toEqual({ is: 'open', untilMs: 1_000 });
});

test('a success that comes back while it is open closes it at once', () => {
  const breaker = opened();
  breaker.succeed();
  expect(breaker.admit(500)).toEqual({ is: 'closed' });
  expect(breaker.openUntilMs(500)).toBeUndefined();
});

test('it says once that it has closed, and once that the process has reached the destination at all', () => {
  const breaker = new Breaker(options);
  expect(breaker.takeRecovery()).toBe(false);
  breaker.succeed();
  expect([breaker.takeRecovery(), breaker.takeRecovery()]).toEqual([true, false]);
  breaker.fail(0);
  breaker.succeed();
  expect(breaker.takeRecovery()).toBe(false);
  for (let failure = 0; failure < 3; failure += 1) breaker.fail(0);
  expect(breaker.takeRecovery()).toBe(false);
  breaker.admit(1_000);
  breaker.succeed();
  breaker.succeed();
  expect([breaker.takeRecovery(), breaker.takeRecovery()]).toEqual([true, false]);
});

test('what was taken and could not be done is due once more', () => {
  const breaker = opened();
  expect([breaker.takeProbe(), breaker.takeProbe()]).toEqual([true, false]);
  breaker.returnProbe();
  expect([breaker.takeProbe(), breaker.takeProbe()]).toEqual([true, false]);
  breaker.succeed();
  expect([breaker.takeRecovery(), breaker.takeRecovery()]).toEqual([true, false]);
  breaker.returnRecovery();
  expect([breaker.takeRecovery(), breaker.takeRecovery()]).toEqual([true, false]);
});

test('it says once each time it opens that a probe is due', () => {
  const breaker = new Breaker(options);
  breaker.fail(0);
  expect(breaker.takeProbe()).toBe(false);
  breaker.fail(0);
  breaker.fail(0);
  expect([breaker.takeProbe(), breaker.takeProbe()]).toEqual([true, false]);
  breaker.admit(1_000);
  breaker.fail(1_000);
  expect([breaker.takeProbe(), breaker.takeProbe()]).toEqual([true, false]);
});

test('while an operator holds it open nothing is admitted, whatever requests do, and a caller that waits looks again in a while', () => {
  const breaker = new Breaker(options);
  breaker.hold({});
  expect(breaker.admit(100)).toEqual({ is: 'open', untilMs: 8_100 });
  expect([breaker.openUntilMs(100), breaker.leftToRetriesUntilMs(100)]).toEqual([8_100, 8_100]);
  expect([breaker.isHeld(100), breaker.isClosed(100)]).toEqual([true, false]);
  breaker.succeed();
  expect(breaker.admit(100)).toMatchObject({ is: 'open' });
  breaker.hold(undefined);
  expect([breaker.isHeld(100), breaker.isClosed(100)]).toEqual([false, true]);
  expect(breaker.admit(100)).toEqual({ is: 'closed' });
});

test('a hold ends by itself at its time, and leaves an open circuit as it was', () => {
  const breaker = opened();
  breaker.hold({ untilMs: 500 });
  expect(breaker.admit(499)).toEqual({ is: 'open', untilMs: 500 });
  expect(breaker.holdEndsAtMs).toBe(500);
  expect(breaker.isHeld(500)).toBe(false);
  expect(breaker.admit(500)).toEqual({ is: 'open', untilMs: 1_000 });
  expect(breaker.admit(1_000)).toEqual({ is: 'probe' });
});

test('when a person says that it answers again, one probe goes at once, and its failure opens it for longer', () => {
  const breaker = opened();
  breaker.probeNow(10);
  expect(breaker.openUntilMs(10)).toBeUndefined();
  expect(breaker.admit(10)).toEqual({ is: 'probe' });
  breaker.fail(20);
  expect(breaker.admit(30)).toEqual({ is: 'open', untilMs: 2_020 });
  const closed = new Breaker(options);
  closed.probeNow(10);
  expect(closed.admit(10)).toEqual({ is: 'closed' });
});

test('when another process has reached the destination, it is open for the shortest time only, and a probe is due then', () => {
  const breaker = opened();
  breaker.admit(1_000);
  breaker.fail(1_000);
  expect(breaker.takeProbe()).toBe(true);
  expect(breaker.admit(1_500)).toEqual({ is: 'open', untilMs: 3_000 });
  breaker.hearAnswer();
  expect(breaker.admit(1_500)).toEqual({ is: 'open', untilMs: 2_000 });
  expect([breaker.takeProbe(), breaker.takeProbe()]).toEqual([true, false]);
  // Hearing more of it makes no second probe.
  breaker.hearAnswer();
  expect(breaker.takeProbe()).toBe(false);
  expect(breaker.admit(2_000)).toEqual({ is: 'probe' });
  breaker.fail(2_000);
  expect(breaker.admit(2_001)).toEqual({ is: 'open', untilMs: 6_000 });
  breaker.hearAnswer();
  expect(breaker.admit(5_000)).toEqual({ is: 'probe' });
});

test('what another process has reached says nothing new where it has just opened for the first time', () => {
  const breaker = opened();
  expect(breaker.takeProbe()).toBe(true);
  breaker.hearAnswer();
  expect(breaker.takeProbe()).toBe(false);
  expect(breaker.admit(999)).toEqual({ is: 'open', untilMs: 1_000 });
});
