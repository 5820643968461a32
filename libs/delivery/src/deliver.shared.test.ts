import { DestinationError } from '@activation-hub/destination-kit';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import type { DeliveryResult } from './delivery-result.ts';
import { begun, changes, delivered, staged, take, type Answer } from '../testing/staged-destination.ts';

test('what several calls have waiting for a place goes in one request when it comes', async () => {
  const { clock, tell, requests } = staged();
  const first = await begun(tell(changes(0)), clock);
  const calls = Promise.all([first(), tell(changes(1, 2)), tell(changes(3))]);
  await clock.advance(10_000);
  expect(requests).toEqual([
    { atMs: 0, ids: ['change-0'] },
    { atMs: 1_000, ids: ['change-1', 'change-2', 'change-3'] },
  ]);
  expect(await calls).toEqual([delivered(0), delivered(1, 2), delivered(3)]);
});

test('a call that finds a place free waits for no other', async () => {
  const { clock, tell, requests } = staged(take, {
    limits: { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 4, concurrency: 8 },
  });
  const first = await begun(tell(changes(0)), clock);
  const second = await begun(tell(changes(1)), clock);
  expect(requests).toEqual([
    { atMs: 0, ids: ['change-0'] },
    { atMs: 0, ids: ['change-1'] },
  ]);
  expect([await first(), await second()]).toEqual([delivered(0), delivered(1)]);
});

test('what waits for the end of another request goes together too', async () => {
  let isSlow = true;
  const clocks: VirtualClock[] = [];
  const { clock, tell, requests } = staged(
    async (deliveries, signal) => {
      if (isSlow) await clocks[0]?.sleep(5_000, signal);
      isSlow = false;
      return take(deliveries, signal);
    },
    { limits: { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 1 } },
  );
  clocks.push(clock);
  const first = await begun(tell(changes(0)), clock);
  const calls = Promise.all([first(), tell(changes(1)), tell(changes(2))]);
  await clock.advance(10_000);
  expect(requests).toEqual([
    { atMs: 0, ids: ['change-0'] },
    { atMs: 5_000, ids: ['change-1', 'change-2'] },
  ]);
  expect(await calls).toEqual([delivered(0), delivered(1), delivered(2)]);
});

test.each([
  ['another direction', exampleDelivery(2, { kind: 'exited' }), {}],
  [
    'another route, where the destination wants one in a request',
    exampleDelivery(2, { audience: { key: 'other', namespace: 'ups', id: 'a' } }),
    { batchBy: 'route' },
  ],
  [
    'more than fits',
    exampleDelivery(2),
    { limits: { batchCount: 1, batchBytes: 100_000, requestsPerSecond: 1, concurrency: 8 } },
  ],
  [
    'more bytes than fit',
    exampleDelivery(2),
    { limits: { batchCount: 10, batchBytes: 500, requestsPerSecond: 1, concurrency: 8 } },
  ],
  ['the same change again', exampleDelivery(1), {}],
] as const)('%s goes in a request of its own', async (_what, other, of) => {
  const { clock, tell, requests } = staged(take, of);
  const first = await begun(tell(changes(0)), clock);
  const calls = Promise.all([first(), tell(changes(1)), tell([other])]);
  await clock.advance(10_000);
  await calls;
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0'], ['change-1'], [other.change.id]]);
});

test('what a request has under way goes with no other', async () => {
  const gate = Promise.withResolvers<undefined>();
  const slow: Answer = async (deliveries, signal) => {
    await gate.promise;
    return take(deliveries, signal);
  };
  const limits = { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 4, concurrency: 8 };
  const { clock, tell, requests } = staged(slow, { limits });
  const first = await begun(tell(changes(0)), clock);
  const second = await begun(tell(changes(1)), clock);
  gate.resolve(undefined);
  await Promise.all([first(), second()]);
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0'], ['change-1']]);
});

test('what one request takes along goes with no other that begins at the same moment', async () => {
  const gate = Promise.withResolvers<undefined>();
  const slow: Answer = async (deliveries, signal) => {
    await gate.promise;
    return take(deliveries, signal);
  };
  const limits = { batchCount: 5, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 2 };
  const { clock, tell, requests } = staged(slow, { limits });
  const first = await begun(tell(changes(0)), clock);
  const second = await begun(tell(changes(1)), clock);
  const calls = Promise.all([first(), second(), tell(changes(2, 3, 4)), tell(changes(5, 6, 7)), tell(changes(8, 9))]);
  await clock.advance(0);
  gate.resolve(undefined);
  await clock.advance(1_000);
  await calls;
  expect(requests.slice(2).map(({ ids }) => ids.length)).toEqual([5, 3]);
});

test('what is left to the retry queue because its turn comes too late goes with no other request', async () => {
  const { clock, tell, requests } = staged();
  const first = await begun(tell(changes(0)), clock);
  const late = await begun(tell(changes(1), { waitMaxMs: 500 }), clock);
  const calls = Promise.all([first(), late(), tell(changes(2))]);
  await clock.advance(10_000);
  const [, untold] = await calls;
  expect([...untold.values()]).toMatchObject([{ status: 'retry', wasTried: false }]);
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0'], ['change-2']]);
});

test('a batch that is refused alone is halved, and not sent once more as it is', async () => {
  const { tell, requests } = staged(
    (deliveries, signal) =>
      deliveries.length > 1
        ? Promise.reject(new DestinationError('invalid', 'Some are wrong.'))
        : take(deliveries, signal),
    { limits: { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 8 } },
  );
  expect(await tell(changes(0, 1))).toEqual(delivered(0, 1));
  expect(requests.map(({ ids }) => ids.length)).toEqual([2, 1, 1]);
});

test('a call that polls later for what is accepted shares no request with one that does not', async () => {
  const { clock, tell, requests } = staged();
  const first = await begun(tell(changes(0)), clock);
  const calls = Promise.all([first(), tell(changes(1)), tell(changes(2), { receipts: new Map() })]);
  await clock.advance(10_000);
  await calls;
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0'], ['change-1'], ['change-2']]);
});

test('a row that is refused costs the calls that share its request nothing but a request', async () => {
  const { clock, tell, requests } = staged((deliveries, signal) => {
    if (deliveries.some(({ change }) => change.id === 'change-2')) throw new DestinationError('invalid', 'No.');
    return take(deliveries, signal);
  });
  const first = await begun(tell(changes(0)), clock);
  const calls = Promise.all([first(), tell(changes(1)), tell(changes(2)), tell(changes(3, 4))]);
  await clock.advance(10_000);
  const [, own, second, third] = await calls;
  expect(own).toEqual(delivered(1));
  expect(second).toEqual(new Map([['change-2', { status: 'rejected', class: 'invalid', reason: 'No.' }]]));
  expect(third).toEqual(delivered(3, 4));
  const [before, shared, ...alone] = requests.map(({ ids }) => ids.length);
  expect([before, shared, alone.sort()]).toEqual([1, 4, [1, 1, 2]]);
});

test('what a refused request may have taken stays in doubt when there is no time to send it again', async () => {
  const refuse: Answer = (deliveries, signal) =>
    deliveries.length > 1
      ? Promise.reject(new DestinationError('invalid', 'Some are wrong.', { doubt: 'answered' }))
      : take(deliveries, signal);
  const untried = expect.objectContaining({ status: 'retry', wasTried: false, doubt: 'answered' }) as DeliveryResult;
  const { clock, tell, requests } = staged(refuse);
  const first = await begun(tell(changes(0)), clock);
  const own = { waitMaxMs: 1_500 };
  const calls = Promise.all([first(), tell(changes(1), own), tell(changes(2), own)]);
  await clock.advance(10_000);
  const [, ...others] = await calls;
  expect(others.flatMap((of) => [...of.values()])).toEqual([untried, untried]);
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0'], ['change-1', 'change-2']]);

  const halved = await staged(refuse).tell(changes(0, 1), { waitMaxMs: 0 });
  expect([...halved.values()]).toEqual([untried, untried]);
});

test('what is sent again after a request that was refused in doubt ends as that says', async () => {
  const limits = { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 8 };
  const { tell } = staged(
    (deliveries, signal) => {
      if (deliveries.length > 1) throw new DestinationError('invalid', 'Some are wrong.', { doubt: 'answered' });
      if (deliveries[0]?.change.id !== 'change-1') return take(deliveries, signal);
      throw new DestinationError('set-up', 'No answer.', { doubt: 'unanswered' });
    },
    { limits },
  );
  const results = await tell(changes(0, 1));
  expect(results.get('change-0')).toEqual({ status: 'delivered' });
  expect(results.get('change-1')).toMatchObject({ status: 'retry', wasTried: true, doubt: 'unanswered' });
});

test('a shared request that fails is one failure of the destination', async () => {
  const { clock, target, tell, requests } = staged(() =>
    Promise.reject(new DestinationError('set-up', 'The key is wrong.')),
  );
  const first = await begun(tell(changes(0)), clock);
  const calls = Promise.all([first(), tell(changes(1)), tell(changes(2)), tell(changes(3))]);
  await clock.advance(10_000);
  const results = (await calls).flatMap((of) => [...of.values()]);
  expect(requests).toHaveLength(2);
  expect(results).toEqual(Array(4).fill(expect.objectContaining({ status: 'retry', class: 'set-up', wasTried: true })));
  expect(target.breaker.isClosed(clock.now())).toBe(true);
});

test('however calls come, each gets the results of its own changes, within the limits of the destination', async () => {
  const call = fc.record({ afterMs: fc.integer({ min: 0, max: 3_000 }), count: fc.integer({ min: 1, max: 15 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 8 }), fc.integer({ min: 1, max: 4 }), async (calls, concurrency) => {
      const limits = { batchCount: 6, batchBytes: 100_000, requestsPerSecond: 2, concurrency };
      const { clock, tell, requests } = staged(take, { limits });
      let next = 0;
      const told = calls.map(async ({ afterMs, count }) => {
        const numbers = Array.from({ length: count }, () => (next += 1));
        await clock.sleep(afterMs, new AbortController().signal);
        expect(await tell(changes(...numbers))).toEqual(delivered(...numbers));
      });
      await clock.advance(60_000);
      await Promise.all(told);
      const ids = requests.flatMap((request) => request.ids);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toHaveLength(next);
      expect(requests.every((request) => request.ids.length <= limits.batchCount)).toBe(true);
      // A burst of one second, and two a second.
      expect(requests.every(({ atMs }, n) => n < 2 || atMs - (requests[n - 2]?.atMs ?? 0) >= 500)).toBe(true);
    }),
    { numRuns: 50 },
  );
});
