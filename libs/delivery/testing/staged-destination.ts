import type { Connector, Delivery, Verdict } from '@activation-hub/destination-kit';
import { silentTelemetry } from '@activation-hub/telemetry';
import { createTarget, deliver } from '../src/deliver.ts';
import type { DeliveryResult } from '../src/delivery-result.ts';
import type { DeliverOptions, Target } from '../src/target.ts';
import { exampleDelivery } from './example-delivery.ts';
import { VirtualClock } from './virtual-clock.ts';

/** How the destination of a test answers a request. */
export type Answer = (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<readonly Verdict[]>;

/** Takes everything. */
export const take: Answer = (deliveries) =>
  Promise.resolve(deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' })));

interface Requested {
  readonly atMs: number;
  readonly ids: readonly string[];
}

/** A destination of one request a second, which notes when it was told of what. */
export function staged(answer: Answer = take, of: Partial<Target> = {}) {
  const clock = new VirtualClock(0);
  const requests: Requested[] = [];
  const method: Connector['enter'] = (deliveries, signal) => {
    requests.push({ atMs: clock.now(), ids: deliveries.map(({ change }) => change.id) });
    return answer(deliveries, signal);
  };
  const target = createTarget(
    {
      key: 'crm',
      connector: { enter: method, update: method, exit: method },
      limits: { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 1, concurrency: 8 },
      batchBy: 'destination',
      giveUpAfterMs: 86_400_000,
      ...of,
    },
    clock,
  );
  const tell = (deliveries: readonly Delivery[], more: Partial<DeliverOptions> = {}) =>
    deliver(target, deliveries, {
      telemetry: silentTelemetry,
      clock,
      waitMaxMs: 60_000,
      signal: new AbortController().signal,
      ...more,
    });
  return { clock, target, requests, tell };
}

export const changes = (...numbers: readonly number[]): readonly Delivery[] => numbers.map((n) => exampleDelivery(n));
export const delivered = (...numbers: readonly number[]): ReadonlyMap<string, DeliveryResult> =>
  new Map(numbers.map((n) => [`change-${n}`, { status: 'delivered' }]));

/** A call that has taken the place that is free before others come. */
export async function begun<Result>(call: Promise<Result>, clock: VirtualClock): Promise<() => Promise<Result>> {
  await clock.advance(0);
  return () => call;
}
