import { expect, test } from 'vitest';
import { exampleDelivery } from '../testing/index.ts';
import type { DeliveryResult } from './delivery-result.ts';
import { begun, changes, staged, take, type Answer } from '../testing/staged-destination.ts';

test('a call whose deadline has passed is told nothing by the request of another', async () => {
  const { clock, tell, requests } = staged();
  const deadline = new AbortController();
  const first = await begun(tell(changes(0)), clock);
  const calls = Promise.all([first(), tell(changes(1)), tell(changes(2), { signal: deadline.signal })]);
  await clock.advance(500);
  deadline.abort();
  await clock.advance(10_000);
  const [, , late] = await calls;
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0'], ['change-1']]);
  expect([...late.values()]).toMatchObject([{ status: 'retry', wasTried: false }]);
});

test('what waits for its place when its destination is paused is not sent, alone or along', async () => {
  const paused = expect.objectContaining({ status: 'retry', class: 'paused', wasTried: false }) as DeliveryResult;
  for (const others of [[], [changes(2), changes(3)]]) {
    const { clock, target, tell, requests } = staged();
    const first = await begun(tell(changes(0)), clock);
    const calls = Promise.all([first(), tell(changes(1)), ...others.map((each) => tell(each))]);
    await clock.advance(500);
    target.breaker.hold({});
    await clock.advance(10_000);
    const [, ...waited] = await calls;
    expect(requests.map(({ ids }) => ids)).toEqual([['change-0']]);
    expect(waited.flatMap((of) => [...of.values()])).toEqual(waited.map(() => paused));
  }
});

test('what waits for its place when its circuit opens is not sent to a destination that fails', async () => {
  const { clock, target, tell, requests } = staged();
  const first = await begun(tell(changes(0)), clock);
  const calls = Promise.all([first(), tell(changes(1)), tell([exampleDelivery(2, { kind: 'exited' })])]);
  await clock.advance(500);
  for (let failure = 0; failure < 3; failure += 1) target.breaker.fail(clock.now(), 'It is down.');
  await clock.advance(3_000);
  const [, ...waited] = await calls;
  expect(requests).toHaveLength(1);
  for (const of of waited)
    expect([...of.values()]).toMatchObject([
      { status: 'retry', class: 'transient', wasTried: false, notBeforeMs: 5_500 },
    ]);
});

/** Two calls whose changes go in one request, of which the deadline of one comes at 1,500 ms. */
async function sharing(answer: Answer, { isSender, graceMs }: { isSender: boolean; graceMs?: number }) {
  const { clock, tell, target } = staged((deliveries, signal) =>
    deliveries[0]?.change.id === 'change-0' ? take(deliveries, signal) : answer(deliveries, signal),
  );
  const deadline = new AbortController();
  const soon = { signal: deadline.signal, ...(graceMs === undefined ? {} : { graceMs }) };
  const first = await begun(tell(changes(0)), clock);
  const [sender, other] = [tell(changes(1), isSender ? soon : {}), tell(changes(2), isSender ? {} : soon)];
  const ended: string[] = [];
  const [due, patient] = isSender ? [sender, other] : [other, sender];
  void due.then(() => ended.push('due'));
  void patient.then(() => ended.push('patient'));
  await clock.advance(1_500);
  deadline.abort();
  await clock.advance(1);
  await first();
  return { clock, target, ended, due, patient };
}

const inDoubt = expect.objectContaining({ status: 'retry', doubt: 'unanswered' }) as DeliveryResult;

test.each([
  ['sends a request', true],
  ['shares the request of another call', false],
])('a call that %s is in doubt when its deadline passes, and the others wait for the answer', async (_, isSender) => {
  const { promise: answered, resolve } = Promise.withResolvers<undefined>();
  const { clock, target, ended, due, patient } = await sharing(
    async (deliveries, signal) => {
      await answered;
      return take(deliveries, signal);
    },
    { isSender, graceMs: 5_000 },
  );
  expect(ended).toEqual(['due']);
  resolve(undefined);
  await clock.advance(10_000);
  expect([...(await due).values()]).toEqual([inDoubt]);
  expect([...(await patient).values()]).toEqual([{ status: 'delivered' }]);
  expect(target.breaker.lastReason).toBeUndefined();
});

test.each([
  ['at once, when it has no grace', undefined, ['due', 'patient']],
  ['when its grace is over', 5_000, ['due']],
] as const)('a shared request without an answer ends after the first deadline: %s', async (_, graceMs, atOnce) => {
  const signals: AbortSignal[] = [];
  const never: Answer = (_deliveries, signal) => {
    signals.push(signal);
    return Promise.withResolvers<never>().promise;
  };
  for (const isSender of [true, false]) {
    const { clock, ended, due, patient } = await sharing(never, {
      isSender,
      ...(graceMs === undefined ? {} : { graceMs }),
    });
    expect(ended.toSorted()).toEqual(atOnce);
    expect(signals.at(-1)?.aborted).toBe(graceMs === undefined);
    await clock.advance(5_000);
    expect(signals.at(-1)?.aborted).toBe(true);
    const results = [await due, await patient].flatMap((of) => [...of.values()]);
    expect(results).toEqual([inDoubt, inDoubt]);
    expect(clock.sleepers).toBe(0);
  }
});

test('a shared request ends with the last deadline of those who share it', async () => {
  const never: Answer = () => Promise.withResolvers<never>().promise;
  const { clock, tell } = staged((deliveries, signal) =>
    deliveries[0]?.change.id === 'change-0' ? take(deliveries, signal) : never(deliveries, signal),
  );
  const deadlines = [new AbortController(), new AbortController()];
  const first = await begun(tell(changes(0)), clock);
  const calls = deadlines.map(({ signal }, n) => tell(changes(n + 1), { signal, graceMs: 60_000 }));
  await clock.advance(1_500);
  for (const deadline of deadlines) deadline.abort();
  await clock.advance(1);
  expect((await Promise.all([first(), ...calls])).slice(1).flatMap((of) => [...of.values()])).toEqual([
    inDoubt,
    inDoubt,
  ]);
  expect(clock.sleepers).toBe(0);
});
