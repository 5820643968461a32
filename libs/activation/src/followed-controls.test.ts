import { canary, createMatcher } from '@activation-hub/activation-file';
import { createTarget, InMemoryControls, type Control } from '@activation-hub/delivery';
import { expect, onTestFinished, test, vi } from 'vitest';
import { fansId, openActivation, parseTestFile } from '../testing/index.ts';
import { controlsAgeMaxMs, FollowedControls } from './followed-controls.ts';

const { signal } = new AbortController();
const file = `
version: 1
destinations:
  crm: { type: recording, formerly: old-crm }
  ads: { type: recording }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: crmid }, { destination: ads, identity: crmid }] }
`;

function wait(durationMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  setTimeout(() => resolve(undefined), durationMs);
  return promise;
}

/** A process that follows what an operator writes. */
function open() {
  const { context, clock, lines, crm } = openActivation({ file });
  const store = new InMemoryControls();
  let reads = 0;
  let readMs = 0;
  let failure: Error | undefined;
  const read: InMemoryControls['read'] = async (readSignal) => {
    reads += 1;
    if (readMs > 0) await wait(readMs);
    return failure === undefined ? store.read(readSignal) : Promise.reject(failure);
  };
  const followed = new FollowedControls({ read }, { now: () => clock.nowMs });
  const limits = { batchCount: 5, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 2 };
  const of = { connector: crm, limits, batchBy: 'destination', giveUpAfterMs: 0 } as const;
  const targets = new Map(
    ['crm', 'ads', canary.key].map((key) => [key, createTarget({ ...of, key }, context.clock)] as const),
  );
  const breakerOf = (key: string) => targets.get(key)?.breaker ?? expect.unreachable();
  const matcher = createMatcher(parseTestFile(file));
  const look = async (afterMs = controlsAgeMaxMs) => {
    clock.nowMs += afterMs;
    lines.length = 0;
    await followed.follow({ matcher, targets, telemetry: context.telemetry });
    return lines.map((line) => ({ ...(JSON.parse(line) as object), message: '' }));
  };
  const write = (...controls: readonly Control[]) => store.edit(() => controls, signal);
  const held = () => [...targets].flatMap(([key, { breaker }]) => (breaker.isHeld(clock.nowMs) ? [key] : []));
  return {
    followed,
    parts: { matcher, targets, telemetry: context.telemetry },
    breakerOf,
    clock,
    look,
    write,
    held,
    reads: () => reads,
    fail: (by: Error) => void (failure = by),
    slow: (byMs: number) => void (readMs = byMs),
  };
}

const pauseOf = (over: Partial<Control>): Control => ({ action: 'pause', by: 'ada', reason: 'list', atMs: 0, ...over });

test('a pause is announced once with its scope and its end, holds the circuit, and is announced again when it is over', async () => {
  const { look, write, held, followed, clock, breakerOf } = open();
  expect(followed.known).toEqual([]);
  expect(await look()).toEqual([]);
  const untilMs = clock.nowMs + 2 * controlsAgeMaxMs;
  const route = pauseOf({ destination: 'ads', audience: 'sports-fans' });
  await write(pauseOf({ destination: 'crm', untilMs }), route);
  expect(await look()).toEqual([
    { signal: 'destination-paused', message: '', destination: 'crm', until: new Date(untilMs).toISOString() },
    { signal: 'destination-paused', message: '', destination: 'ads', audience: 'sports-fans' },
  ]);
  expect(followed.known).toHaveLength(2);
  expect([held(), breakerOf('crm').holdEndsAtMs]).toEqual([['crm'], untilMs]);
  expect(followed.routePause({ destination: 'ads' }, 'sports-fans', clock.nowMs)).toEqual(route);
  expect(followed.routePause({ destination: 'ads' }, 'travellers', clock.nowMs)).toBeUndefined();
  // A whole destination is held by its circuit.
  expect(followed.routePause({ destination: 'crm' }, 'sports-fans', clock.nowMs)).toBeUndefined();
  expect(await look()).toEqual([{ signal: 'destination-resumed', message: '', destination: 'crm' }]);
  expect(held()).toEqual([]);
  await write();
  expect(await look()).toEqual([
    { signal: 'destination-resumed', message: '', destination: 'ads', audience: 'sports-fans' },
  ]);
  expect(await look()).toEqual([]);
});

test('a pause that becomes a shadow, with the same end, is announced again', async () => {
  const { look, write } = open();
  await write(pauseOf({ destination: 'crm' }));
  await look();
  await write(pauseOf({ destination: 'crm', isShadow: true }));
  expect(await look()).toEqual([{ signal: 'destination-shadowed', message: '', destination: 'crm' }]);
});

test('a pause of everything holds every destination but the canary, and has no end unless it says one', async () => {
  const { look, write, held, breakerOf } = open();
  await write(pauseOf({}));
  expect(await look()).toEqual([{ signal: 'destination-paused', message: '', destination: 'everything' }]);
  expect([held(), breakerOf('crm').holdEndsAtMs]).toEqual([['crm', 'ads'], undefined]);
  await write();
  expect(await look()).toEqual([{ signal: 'destination-resumed', message: '', destination: 'everything' }]);
});

test('a pause is found under the name that a destination had before, and one of a destination that is gone holds nothing', async () => {
  const { look, write, held } = open();
  await write(pauseOf({ destination: 'old-crm' }), pauseOf({ destination: 'gone' }));
  await look();
  expect(held()).toEqual(['crm']);
});

test('a request to try now that comes after the first look lets the circuit probe, once', async () => {
  const { look, write, breakerOf, clock } = open();
  const asked = pauseOf({ action: 'retry-now', destination: 'crm', atMs: 1 });
  await write(asked);
  expect(await look()).toEqual([]);
  for (const key of ['crm', 'ads', 'crm', 'ads', 'crm', 'ads']) breakerOf(key).fail(clock.nowMs + 60_000);
  await write(asked, pauseOf({ destination: 'ads', audience: 'sports-fans' }), { ...asked, atMs: 2 });
  const said = await look();
  expect(said.filter((line) => 'signal' in line && line.signal === 'retry-asked')).toEqual([
    { signal: 'retry-asked', message: '', destination: 'crm' },
  ]);
  expect(breakerOf('crm').openUntilMs(clock.nowMs)).toBeUndefined();
  expect(breakerOf('ads').openUntilMs(clock.nowMs)).toBeDefined();
  expect(await look()).toEqual([]);
});

test('it looks again after five seconds and not before', async () => {
  const { look, reads } = open();
  await look();
  await look(controlsAgeMaxMs - 1);
  expect(reads()).toBe(1);
  await look(1);
  expect(reads()).toBe(2);
});

test('it looks again when the clock was set back', async () => {
  const { look, reads } = open();
  await look();
  await look(0);
  expect(reads()).toBe(1);
  await look(-1);
  expect(reads()).toBe(2);
});

test.each([
  ['what the store says', new Error('Failed to read the controls: the blob store answered 403.'), true],
  ['no words that may hold anything', new Error('Bearer secret'), false],
])('of controls that cannot be read the log has %s, at most once a minute', async (_, failure, isQuoted) => {
  const { look, fail, write, held } = open();
  await write(pauseOf({ destination: 'crm' }));
  await look();
  fail(failure);
  const reason = isQuoted ? failure.message : 'the store did not answer in time.';
  expect(await look()).toEqual([{ signal: 'controls-unreadable', message: '', reason }]);
  expect(held()).toEqual(['crm']);
  expect(await look(60_000 - controlsAgeMaxMs)).toEqual([]);
  expect(await look(controlsAgeMaxMs)).toHaveLength(1);
});

/** A call that waits until it is told to end, and time that passes for clock and timers alike. */
async function waitingCall() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const opened = open();
  const { followed, parts, clock } = opened;
  const { promise: told, resolve: tell } = Promise.withResolvers<string>();
  const call = followed.followDuring(parts, () => told);
  const pass = async (durationMs: number): Promise<void> => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 100) {
      clock.nowMs += 100;
      await vi.advanceTimersByTimeAsync(100);
    }
  };
  await pass(100);
  return { ...opened, call, tell, pass };
}

test('a call looks before it begins', async () => {
  const { held, reads, tell, call } = await waitingCall();
  expect([reads(), held()]).toEqual([1, []]);
  tell('told');
  await call;
});

test('a pause holds the circuit while a call waits, and nothing looks any more when the call is over', async () => {
  const { held, reads, write, pass, tell, call } = await waitingCall();
  await write(pauseOf({ destination: 'crm' }));
  await pass(controlsAgeMaxMs + 1_000);
  expect([reads(), held()]).toEqual([2, ['crm']]);
  tell('told');
  expect(await call).toBe('told');
  expect(vi.getTimerCount()).toBe(0);
});

test('a call that waits knows of each pause six seconds after it, and as long as the store takes to answer', async () => {
  const { held, write, pass, tell, call, slow } = await waitingCall();
  const answerMs = 300;
  slow(answerMs);
  for (const afterMs of [100, 900, 2_300, 4_900, 5_000, 700]) {
    await write();
    await pass(10_000 + afterMs);
    expect(held()).toEqual([]);
    await write(pauseOf({ destination: 'crm' }));
    await pass(controlsAgeMaxMs + 1_000 + answerMs);
    expect(held()).toEqual(['crm']);
  }
  tell('told');
  await call;
});
