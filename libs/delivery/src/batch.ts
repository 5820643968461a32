import type { Delivery, DestinationLimits } from '@activation-hub/destination-kit';

/**
 * Splits deliveries into batches that may share a request: of one direction, where the destination wants it of one
 * route, and within its limits of count and bytes. A delivery that alone is larger than the limit is a batch of its
 * own, for the destination to refuse. The order of deliveries is kept within a batch.
 */
export function splitIntoBatches(
  deliveries: readonly Delivery[],
  { limits, batchBy }: { readonly limits: DestinationLimits; readonly batchBy: 'destination' | 'route' },
): Delivery[][] {
  const batches: Delivery[][] = [];
  const open = new Map<string, { batch: Delivery[]; bytes: number }>();
  for (const delivery of deliveries) {
    const { change } = delivery;
    const group = batchBy === 'route' ? `${change.kind} ${change.audience.key}` : change.kind;
    const bytes = Buffer.byteLength(JSON.stringify(change));
    let filling = open.get(group);
    if (
      filling === undefined ||
      filling.batch.length >= limits.batchCount ||
      filling.bytes + bytes > limits.batchBytes
    ) {
      filling = { batch: [], bytes: 0 };
      open.set(group, filling);
      batches.push(filling.batch);
    }
    filling.batch.push(delivery);
    filling.bytes += bytes;
  }
  return batches;
}
