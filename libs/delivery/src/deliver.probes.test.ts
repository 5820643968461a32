import { getEventListeners } from 'node:events';
import { DestinationError, type Connector, type Delivery, type Verdict } from '@activation-hub/destination-kit';
import { silentTelemetry, type Telemetry } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import { createTarget, deliver, isCircuitOpenReason } from './deliver.ts';
import type { DeliveryResult } from './delivery-result.ts';
import type { DeliverOptions } from './target.ts';

const never = new AbortController().signal;
const deliveriesOf = (count: number) => Array.from({ length: count }, (_, n) => exampleDelivery(n));
const taken = (deliveries: readonly Delivery[]): readonly Verdict[] =>
  deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' }));

type Answer = (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<readonly Verdict[]>;

/** A target that is down until it is told to be up; notes the calls and when they came. */
function staged({ hasPoll = true } = {}) {
  const clock = new VirtualClock(0);
  const calls: string[] = [];
  const calledAtMs: number[] = [];
  let answer: Answer = () => Promise.reject(new DestinationError('transient', 'It is down.'));
  const method =
    (name: string): Answer =>
    (deliveries, signal) => {
      calls.push(`${name} ${deliveries.map(({ change }) => change.id.replace('change-', '')).join()}`);
      calledAtMs.push(clock.now());
      return answer(deliveries, signal);
    };
  const connector: Connector = {
    enter: method('tell'),
    update: method('tell'),
    exit: method('tell'),
    ...(hasPoll && { poll: (receipt, deliveries, signal) => method(`ask ${receipt}`)(deliveries, signal) }),
  };
  const limits = { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 1 };
  const of = { key: 'crm', connector, limits, batchBy: 'destination', giveUpAfterMs: 86_400_000 } as const;
  const target = createTarget(of, clock);
  const tell = (count: number, options: Partial<DeliverOptions> = {}) =>
    deliver(target, deliveriesOf(count), {
      telemetry: silentTelemetry,
      clock,
      waitMaxMs: 0,
      signal: never,
      ...options,
    });
  /** Three failures in a row open the breaker, for five seconds. */
  const goDown = async (): Promise<void> => {
    for (let failure = 0; failure < 3; failure += 1) await tell(1);
    expect(calls.splice(0)).toHaveLength(3);
    calledAtMs.length = 0;
  };
  /** A call of its own for each change, all at the same time. */
  const tellEach = (count: number, optionsOf: (number: number) => Partial<DeliverOptions>) =>
    Promise.all(
      deliveriesOf(count).map((delivery, n) =>
        deliver(target, [delivery], {
          telemetry: silentTelemetry,
          clock,
          waitMaxMs: 0,
          signal: never,
          ...optionsOf(n),
        }),
      ),
    );
  return { clock, target, tell, tellEach, calls, calledAtMs, goDown, answerWith: (next: Answer) => (answer = next) };
}

const first = (results: ReadonlyMap<string, DeliveryResult>): DeliveryResult | undefined => results.get('change-0');

test('an open breaker says until when, and is probed from then on', async () => {
  const { clock, target, tell, calls, goDown } = staged();
  await goDown();
  expect(first(await tell(1))).toMatchObject({ wasTried: false, notBeforeMs: 5_000 });
  expect(calls).toEqual([]);
  await clock.advance(5_000);
  // A call that others wait for leaves the probe to the other calls for half a minute.
  expect(target.breaker.leftToRetriesUntilMs(34_999)).toBe(34_999);
  expect(target.breaker.leftToRetriesUntilMs(35_000)).toBeUndefined();
  await tell(1);
  expect(calls).toEqual(['tell 0']);
});

test('an open breaker is the reason also where the rate limiter has no place either', async () => {
  const { target, tell, goDown } = staged();
  await goDown();
  target.rateLimiter.holdUntil(20_000);
  const result = first(await tell(1));
  expect(result).toMatchObject({ class: 'transient', wasTried: false, notBeforeMs: 5_000 });
  expect(result?.status === 'retry' && isCircuitOpenReason(result.reason)).toBe(true);
});

test('a probe that is not sent, because the rate limiter holds it, leaves the probe to the next', async () => {
  const { clock, target, tell, calls, goDown, answerWith } = staged();
  await goDown();
  await clock.advance(5_000);
  target.rateLimiter.holdUntil(20_000);
  expect(first(await tell(1))).toMatchObject({ wasTried: false, notBeforeMs: 20_000 });
  expect(calls).toEqual([]);
  await clock.advance(15_000);
  answerWith((deliveries) => Promise.resolve(taken(deliveries)));
  expect(first(await tell(1))).toEqual({ status: 'delivered' });
  expect(calls).toEqual(['tell 0']);
});

test('a probe that asks for a receipt asks for all of it, and tells nothing anew', async () => {
  const { clock, tell, calls, goDown, answerWith } = staged();
  await goDown();
  await clock.advance(5_000);
  answerWith((deliveries) => Promise.resolve(taken(deliveries)));
  const receipts = new Map(deliveriesOf(3).map(({ change }) => [change.id, 'request-9']));
  await tell(3, { receipts });
  expect(calls).toEqual(['ask request-9 0,1,2']);
});

test('the deadline stops a probe as it stops any request', async () => {
  const { clock, tell, goDown, answerWith } = staged();
  await goDown();
  await clock.advance(5_000);
  const deadline = new AbortController();
  let isStopped: boolean | undefined;
  answerWith((_deliveries, signal) => {
    deadline.abort();
    isStopped = signal.aborted;
    return Promise.withResolvers<readonly Verdict[]>().promise;
  });
  expect(first(await tell(1, { signal: deadline.signal }))).toMatchObject({ doubt: 'unanswered' });
  expect(isStopped).toBe(true);
});

test('however long it is down, a destination is probed every five minutes', async () => {
  const { clock, tell, calledAtMs, goDown } = staged();
  await goDown();
  for (let minute = 0; minute < 180; minute += 1) {
    await tell(1);
    await clock.advance(60_000);
  }
  const gapsMs = calledAtMs.slice(1).map((at, n) => at - (calledAtMs[n] ?? 0));
  expect(Math.max(...gapsMs)).toBe(300_000);
});

test('where a connector has no poll, a receipt is not kept', async () => {
  const { tell } = staged({ hasPoll: false });
  const result = first(await tell(1, { receipts: new Map([['change-0', 'request-9']]) }));
  expect(result).toMatchObject({ status: 'retry', wasTried: true });
  expect(result).not.toHaveProperty('receipt');
  expect(result).not.toHaveProperty('doubt');
});

test('a deadline is not listened to any more when all is told', async () => {
  const { tell, answerWith } = staged();
  const { signal } = new AbortController();
  await tell(3, { signal });
  answerWith((deliveries) => Promise.resolve(taken(deliveries)));
  await Promise.all([tell(3, { signal }), tell(3, { signal }), tell(3, { signal })]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a deadline is not listened to either when the request of another call has taken the changes along', async () => {
  const { tellEach, calls, answerWith } = staged();
  answerWith((deliveries) => Promise.resolve(taken(deliveries)));
  const { signal } = new AbortController();
  await tellEach(3, () => ({ signal }));
  expect(calls).toEqual(['tell 0,1,2']);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('who asks for a receipt takes along nothing of another call', async () => {
  const { tellEach, calls, answerWith } = staged();
  answerWith((deliveries) => Promise.resolve(taken(deliveries)));
  await tellEach(3, (n) => ({ receipts: new Map(n === 0 ? [['change-0', 'request-9']] : []) }));
  expect(calls).toEqual(['ask request-9 0', 'tell 1,2']);
});

test('signals say how long a request took, answered or not', async () => {
  const { clock, tell, answerWith } = staged();
  const tookMs: number[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    emit: (_signal, data) => void tookMs.push((data as { durationMs: number }).durationMs),
  };
  for (const isUp of [true, false]) {
    answerWith(async (deliveries) => {
      await clock.sleep(700, never);
      if (isUp) return taken(deliveries);
      throw new DestinationError('transient', 'It is down.');
    });
    const telling = tell(1, { telemetry });
    await clock.advance(700);
    await telling;
  }
  expect(tookMs).toEqual([700, 700]);
});
