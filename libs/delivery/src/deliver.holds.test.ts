import { DestinationError, type Connector, type Delivery, type Verdict } from '@activation-hub/destination-kit';
import { silentTelemetry } from '@activation-hub/telemetry';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import { createTarget, deliver, isShadowReason, routeHeldReason } from './deliver.ts';
import type { DeliveryResult } from './delivery-result.ts';
import type { Target } from './target.ts';

const startMs = Date.UTC(2026, 10, 22);
const hourMs = 3_600_000;
const never = new AbortController().signal;

type Answer = (deliveries: readonly Delivery[]) => readonly Verdict[] | Promise<readonly Verdict[]>;

const take: Answer = (deliveries) => deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' }));

/** A target whose answers come from `answer`; notes when each request came. */
function staged(answer: Answer, of: Partial<Target> = {}) {
  const clock = new VirtualClock(startMs);
  const requestedAtMs: number[] = [];
  const method: Connector['enter'] = (deliveries) => {
    requestedAtMs.push(clock.now() - startMs);
    return Promise.resolve().then(() => answer(deliveries));
  };
  const target = createTarget(
    {
      key: 'crm',
      connector: {
        enter: method,
        update: method,
        exit: method,
        poll: (_receipt, deliveries) => method(deliveries, never),
      },
      limits: { batchCount: 1, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 4 },
      batchBy: 'destination',
      giveUpAfterMs: 86_400_000,
      ...of,
    },
    clock,
  );
  const tell = (count: number, waitMaxMs = 0): Promise<ReadonlyMap<string, DeliveryResult>> => {
    const deliveries = Array.from({ length: count }, (_, n) => exampleDelivery(n));
    return deliver(target, deliveries, {
      telemetry: silentTelemetry,
      clock,
      waitMaxMs,
      signal: never,
      receipts: new Map(),
    });
  };
  return { clock, requestedAtMs, tell };
}

/** The ways in which a connector can name a time. */
const ways: Readonly<Record<string, (notBeforeMs: number) => Answer>> = {
  'an error': (notBeforeMs) => () => Promise.reject(new DestinationError('throttled', 'Too fast.', { notBeforeMs })),
  'a verdict': (notBeforeMs) => (deliveries) =>
    deliveries.map(({ change }) => ({ id: change.id, status: 'retry', reason: 'busy', notBeforeMs })),
  'a receipt': (askAtMs) => (deliveries) =>
    deliveries.map(({ change }) => ({ id: change.id, status: 'accepted', receipt: 'request-1', askAtMs })),
};

const timeIn = (result: DeliveryResult | undefined): number | undefined =>
  result?.status === 'retry' ? result.notBeforeMs : undefined;

/** The time that a change gets when the connector names this one. */
async function dueAtMs(way: string, namedMs: number, of: Partial<Target> = {}): Promise<number | undefined> {
  const { tell } = staged(ways[way]?.(namedMs) ?? expect.unreachable(), of);
  return timeIn((await tell(1)).get('change-0'));
}

test.each(Object.keys(ways))(
  'a time in %s is kept to the millisecond within an hour, and bounded beyond',
  async (way) => {
    expect(await dueAtMs(way, startMs + 1)).toBe(startMs + 1);
    expect(await dueAtMs(way, startMs + hourMs)).toBe(startMs + hourMs);
    for (const far of [hourMs + 1, 99_999_999_999_000, 8.64e15, 1e300, Infinity]) {
      expect(await dueAtMs(way, startMs + far)).toBe(startMs + hourMs);
    }
    for (const past of [startMs, startMs - 1, 0, -1, -1e300, -Infinity]) expect(await dueAtMs(way, past)).toBe(startMs);
    expect(await dueAtMs(way, Number.NaN)).toBeUndefined();
  },
);

test.each(Object.keys(ways))('whatever the number in %s, its time can be written', async (way) => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.double(), fc.integer(), fc.constantFrom('soon' as unknown as number)),
      async (named) => {
        const atMs = await dueAtMs(way, named);
        expect(atMs === undefined || new Date(atMs).toISOString() !== '').toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});

test('the bound is the one of the destination', async () => {
  const far = startMs + 86_400_000;
  expect(await dueAtMs('an error', far, { retryAfterMaxMs: 300_000 })).toBe(startMs + 300_000);
  expect(await dueAtMs('a verdict', far, { retryAfterMaxMs: 2 * 86_400_000 })).toBe(far);
});

test('a destination that asks to be left alone for ever is asked again at the bound, by one request', async () => {
  const { clock, tell, requestedAtMs } = staged(ways['an error']?.(Date.UTC(9999, 0)) ?? expect.unreachable());
  await tell(1);
  for (let hour = 1; hour <= 3; hour += 1) {
    await clock.advance(hourMs);
    const telling = tell(20, 5_000);
    await clock.advance(10_000);
    await telling;
  }
  expect(requestedAtMs.map((at) => Math.floor(at / hourMs))).toEqual([0, 1, 2, 3]);
});

test('after a hold one request goes first, and the others follow when it has ended well', async () => {
  const clocks: VirtualClock[] = [];
  let isThrottled = true;
  const { clock, tell, requestedAtMs } = staged(async (deliveries) => {
    if (isThrottled) throw new DestinationError('throttled', 'Too fast.', { notBeforeMs: startMs + 60_000 });
    await clocks[0]?.sleep(500, never);
    return take(deliveries);
  });
  clocks.push(clock);
  await tell(1);
  isThrottled = false;
  const telling = tell(4, 120_000);
  await clock.advance(120_000);
  expect([...(await telling).values()]).toEqual(Array(4).fill({ status: 'delivered' }));
  const [, first = 0, ...others] = requestedAtMs;
  expect(first).toBe(60_000);
  expect(others).toHaveLength(3);
  expect(Math.min(...others)).toBeGreaterThanOrEqual(60_500);
  // From then on as many at once as before.
  expect(new Set(others).size).toBe(1);
});

test('no request that waits for a place goes once the one before was answered with a wait', async () => {
  const { clock, tell, requestedAtMs } = staged(
    () => Promise.reject(new DestinationError('throttled', 'Too fast.', { notBeforeMs: startMs + 60_000 })),
    { limits: { batchCount: 1, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 1 } },
  );
  const both = Promise.all([tell(1, 5_000), tell(1, 5_000)]);
  await clock.advance(5_000);
  await both;
  expect(requestedAtMs).toEqual([0]);
});

test('what waits because of an operator says whether its route is paused or in shadow', () => {
  const [paused, shadow] = [routeHeldReason({}), routeHeldReason({ isShadow: true })];
  expect([paused, shadow]).toEqual(['an operator has paused the route', 'an operator has put the route into shadow']);
  expect([isShadowReason(paused), isShadowReason(shadow)]).toEqual([false, true]);
});
