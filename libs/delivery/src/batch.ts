import type { Change, Delivery, DestinationLimits, JsonValue } from '@activation-hub/destination-kit';

/**
 * Splits deliveries into batches that may share a request: of one direction, where the destination
 * wants it of one route, and within its limits of count and bytes. A delivery that alone is larger
 * than the limit is a batch of its own, for the destination to refuse. The order of deliveries is
 * kept within a batch.
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
    // Measuring means writing the JSON; where even the most that it can be fits everywhere, there
    // is no need.
    const bytesMax = bytesAtMost(change);
    const bytes =
      bytesMax * limits.batchCount <= limits.batchBytes ? bytesMax : Buffer.byteLength(JSON.stringify(change));
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

/** More than the JSON of any value takes in bytes, at the cost of a few additions. */
function bytesAtMost(value: JsonValue | Change): number {
  switch (typeof value) {
    case 'string':
      // A character is at most six bytes: `\u001f`. Two quotes.
      return 6 * value.length + 2;
    case 'object': {
      if (value === null) return 4;
      const object = value as Readonly<Record<string, JsonValue>>;
      let bytes = 2;
      // Name, colon and comma; of an array the name is the index, which is not written.
      for (const name in object) bytes += 6 * name.length + 4 + bytesAtMost(object[name] ?? null);
      return bytes;
    }
    default:
      // The longest number is `-1.2345678901234567e-100`.
      return 24;
  }
}
