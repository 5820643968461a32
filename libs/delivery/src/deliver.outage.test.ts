import { DestinationError, type Connector, type Delivery, type Verdict } from '@activation-hub/destination-kit';
import { silentTelemetry } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import {
  circuitOpenCause,
  createTarget,
  deliver,
  isCircuitOpenReason,
  isShadowReason,
  routeHeldReason,
} from './deliver.ts';
import type { DeliveryResult } from './delivery-result.ts';
import type { Target } from './target.ts';

type Answer = (deliveries: readonly Delivery[]) => readonly Verdict[];

const never = new AbortController().signal;
const take: Answer = (deliveries) => deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' }));
const fail = (errorClass: 'transient' | 'throttled' | 'set-up', options: object = {}): never => {
  throw new DestinationError(errorClass, 'It failed.', options);
};

/**
 * A target on a clock of its own, whose answers come from `answer`; counts requests and the changes
 * in them.
 */
function staged(answer: Answer, limits: Partial<Target['limits']> = {}) {
  const clock = new VirtualClock(1_000_000);
  const requests: { readonly atMs: number; readonly changes: number }[] = [];
  const method: Connector['enter'] = (deliveries) => {
    requests.push({ atMs: clock.now() - 1_000_000, changes: deliveries.length });
    return Promise.resolve().then(() => answer(deliveries));
  };
  const target = createTarget(
    {
      key: 'crm',
      connector: { enter: method, update: method, exit: method },
      limits: { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 4, ...limits },
      batchBy: 'destination',
      giveUpAfterMs: 86_400_000,
    },
    clock,
  );
  const tell = async (count: number, waitMaxMs = 5_000, waitMs = 60_000): Promise<readonly DeliveryResult[]> => {
    const deliveries = Array.from({ length: count }, (_, n) => exampleDelivery(n));
    const told = deliver(target, deliveries, { telemetry: silentTelemetry, clock, waitMaxMs, signal: never });
    await clock.advance(waitMs);
    return [...(await told).values()];
  };
  return { clock, target, requests, tell };
}

test('a request that fails once is sent again after a short wait, and not a third time', async () => {
  let failures = 1;
  const { tell, requests } = staged((deliveries) => (failures-- > 0 ? fail('transient') : take(deliveries)));
  expect(await tell(3)).toEqual(Array(3).fill({ status: 'delivered' }));
  expect(requests.map(({ changes }) => changes)).toEqual([3, 3]);
});

test('only the changes that ask for it are sent again', async () => {
  let isFirst = true;
  const { tell, requests } = staged((deliveries) => {
    const verdicts = deliveries.map(({ change }, n): Verdict =>
      isFirst && n === 1
        ? { id: change.id, status: 'retry', reason: 'locked' }
        : { id: change.id, status: 'delivered' },
    );
    isFirst = false;
    return verdicts;
  });
  expect(await tell(3)).toEqual(Array(3).fill({ status: 'delivered' }));
  expect(requests.map(({ changes }) => changes)).toEqual([3, 1]);
});

test('attempts are bounded, and set-up failures and requests without an answer have only one', async () => {
  const transient = staged(() => fail('transient'));
  await transient.tell(1);
  expect(transient.requests).toHaveLength(3);
  const setUp = staged(() => fail('set-up'));
  await setUp.tell(1);
  expect(setUp.requests).toHaveLength(1);
  const unanswered = staged(() => fail('transient', { doubt: 'unanswered' }));
  expect(await unanswered.tell(1)).toMatchObject([{ status: 'retry', doubt: 'unanswered', wasTried: true }]);
  expect(unanswered.requests).toHaveLength(1);
});

test('a caller without patience is not made to wait', async () => {
  const { tell, requests } = staged(() => fail('transient'));
  expect(await tell(1, 0, 0)).toMatchObject([{ status: 'retry', class: 'transient' }]);
  expect(requests).toHaveLength(1);
});

test('after throttling no request is sent before the time that the destination named', async () => {
  let throttled = true;
  const { clock, tell, requests } = staged((deliveries) => {
    if (!throttled) return take(deliveries);
    throttled = false;
    return fail('throttled', { notBeforeMs: clock.now() + 30_000 });
  });
  expect(await tell(1, 5_000, 1_000)).toMatchObject([{ status: 'retry', class: 'throttled', wasTried: true }]);
  expect(await tell(1, 5_000, 1_000)).toMatchObject([
    {
      status: 'retry',
      class: 'transient',
      reason: 'its turn comes too late to wait for',
      wasTried: false,
      notBeforeMs: 1_030_000,
    },
  ]);
  expect(requests).toHaveLength(1);
  expect(await tell(1, 60_000, 60_000)).toEqual([{ status: 'delivered' }]);
  expect(requests.map(({ atMs }) => atMs)).toEqual([0, 30_000]);
});

test('failures in a row open the circuit for every call, and say until when', async () => {
  const { tell, requests } = staged(() => fail('transient'));
  await tell(1, 5_000, 3_000);
  expect(requests).toHaveLength(3);
  const [result] = await tell(1, 0, 0);
  expect(result).toMatchObject({
    status: 'retry',
    wasTried: false,
    // What a person can mend stays with what waits.
    reason: expect.stringMatching(/^its circuit breaker is open after failures, the last of them: .{5,}/) as string,
  });
});

test('the end of an outage is found with one change, and then the rest is told', async () => {
  let isDown = true;
  const { tell, requests } = staged((deliveries) => (isDown ? fail('transient') : take(deliveries)));
  await tell(1);
  requests.length = 0;
  isDown = false;
  expect(await tell(10)).toEqual(Array(10).fill({ status: 'delivered' }));
  expect(requests.map(({ changes }) => changes)).toEqual([1, 9]);
});

test('while it is down a destination is asked ever less often, by one change at a time', async () => {
  const { tell, requests } = staged(() => fail('transient'));
  await tell(1);
  requests.length = 0;
  for (let minute = 0; minute < 60; minute += 1) await tell(50, 0, 60_000);
  expect(requests.length).toBeLessThan(25);
  expect(requests.every(({ changes }) => changes === 1)).toBe(true);
});

test('refused rows do not count as failures of the destination', async () => {
  const { tell, requests } = staged(() => {
    throw new DestinationError('invalid', 'No.');
  });
  for (let turn = 0; turn < 10; turn += 1) await tell(1, 0, 0);
  expect(requests).toHaveLength(10);
});

test('each half of a refused batch keeps the pace', async () => {
  const { tell, requests } = staged(
    (deliveries) => {
      if (deliveries.some(({ change }) => change.id === 'change-0')) throw new DestinationError('invalid', 'No.');
      return take(deliveries);
    },
    { requestsPerSecond: 1, batchCount: 8 },
  );
  const results = await tell(8, 60_000);
  expect(results.filter(({ status }) => status === 'delivered')).toHaveLength(7);
  expect(requests.slice(1).every(({ atMs }, n) => atMs - (requests[n]?.atMs ?? 0) >= 1_000)).toBe(true);
});

test('of many batches no more reach a destination that fails than open its circuit', async () => {
  const { tell, requests } = staged(() => fail('transient'), { batchCount: 1, concurrency: 1 });
  await tell(20, 0, 0);
  expect(requests).toHaveLength(3);
});

test('a refused request ends a row of failures, for the destination answers', async () => {
  const answers = ['transient', 'transient', 'invalid', 'transient', 'transient', 'transient'] as const;
  let next: (typeof answers)[number] = 'transient';
  const { tell, requests } = staged(() => {
    throw new DestinationError(next, 'It failed.');
  });
  for (next of answers) await tell(1, 0, 0);
  expect(requests).toHaveLength(answers.length);
});

test('a request that was admitted before an outage and is not sent lets no other through beside the probe', async () => {
  const { clock, target } = staged(take);
  const deadline = new AbortController();
  target.rateLimiter.holdUntil(clock.now() + 50_000);
  const options = { telemetry: silentTelemetry, clock, waitMaxMs: 60_000, signal: deadline.signal };
  const waiting = deliver(target, [exampleDelivery(1)], options);
  await clock.advance(1);
  for (let failure = 0; failure < 3; failure += 1) target.breaker.fail(clock.now());
  await clock.advance(10_000);
  expect(target.breaker.admit(clock.now())).toEqual({ is: 'probe' });
  deadline.abort();
  expect([...(await waiting).values()]).toMatchObject([{ reason: 'the deadline passed before it was told' }]);
  expect(target.breaker.admit(clock.now())).toMatchObject({ is: 'open' });
});

test('what waits because a circuit is open is known by its reason, whatever the failure was', () => {
  const { target } = staged(take);
  const plain = { class: 'transient', reason: 'its circuit breaker is open after failures' };
  expect(circuitOpenCause(undefined, 0)).toEqual(plain);
  expect(circuitOpenCause(target.breaker, 0)).toEqual(plain);
  target.breaker.fail(0, 'The list is missing.');
  const { reason } = circuitOpenCause(target.breaker, 0);
  expect(reason).toBe(`${plain.reason}, the last of them: The list is missing.`);
  expect([plain.reason, reason, 'The list is missing.'].map(isCircuitOpenReason)).toEqual([true, true, false]);
});

test('a change of a destination that an operator has paused waits for the operator, whatever failed before', async () => {
  const { target, tell, requests } = staged(take);
  target.breaker.fail(0, 'The list is missing.');
  target.breaker.hold({});
  const reason = 'an operator has paused the destination';
  const waits = { status: 'retry', class: 'paused', reason, wasTried: false, notBeforeMs: 1_300_000 };
  expect(await tell(1, 0, 0)).toEqual([waits]);
  expect(requests).toEqual([]);
  expect([reason, routeHeldReason({})].map(isCircuitOpenReason)).toEqual([true, false]);
  expect(routeHeldReason({})).toBe('an operator has paused the route');
});

test('a change of a destination in shadow waits as in a pause, and its reason says which of the two it is', async () => {
  const { target, tell, requests } = staged(take);
  target.breaker.hold({ isShadow: true });
  const reason = 'an operator has put the destination into shadow';
  expect(await tell(1, 0, 0)).toMatchObject([{ status: 'retry', class: 'paused', reason, wasTried: false }]);
  expect(requests).toEqual([]);
  const ofRoute = routeHeldReason({ isShadow: true });
  expect([reason, ofRoute].map(isCircuitOpenReason)).toEqual([true, false]);
  expect([reason, ofRoute, routeHeldReason({})].map(isShadowReason)).toEqual([true, true, false]);
  target.breaker.hold({ isShadow: true, untilMs: 0 });
  expect(target.breaker.isInShadow(0)).toBe(false);
});

test('an identity is told as it is where the destination does not form it', () => {
  expect(staged(take).target.formIdentity({ namespace: 'crmid', value: 'person-1' })).toBe('person-1');
});
