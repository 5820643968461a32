import type { Change, Delivery } from '@activation-hub/destination-kit';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleDelivery } from '../testing/index.ts';
import { splitIntoBatches } from './batch.ts';

const limitsOf = (batchCount: number, batchBytes: number) => ({
  batchCount,
  batchBytes,
  requestsPerSecond: 1,
  concurrency: 1,
});

const bytesOf = (deliveries: readonly Delivery[]): number =>
  deliveries.reduce((sum, { change }) => sum + Buffer.byteLength(JSON.stringify(change)), 0);

const idsOf = (deliveries: readonly Delivery[]): readonly string[] => deliveries.map(({ change }) => change.id);

/**
 * Changes of any direction and audience, small and large, with characters that JSON escapes or that
 * take several bytes.
 */
const arbitraryDeliveries = fc
  .array(
    fc.record({
      kind: fc.constantFrom<Change['kind']>('entered', 'updated', 'exited'),
      audience: fc.constantFrom('sports-fans', 'travellers', 'a b').map((key) => ({ key, namespace: 'ups', id: key })),
      attributes: fc.dictionary(
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<string>),
        { maxKeys: 3 },
      ),
    }),
    { maxLength: 40 },
  )
  .map((changes) => changes.map((change, n) => exampleDelivery(n, change)));

test('nothing is lost or doubled, limits are kept, a batch is of one direction, and order stays', () => {
  fc.assert(
    fc.property(
      arbitraryDeliveries,
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 6_000 }),
      fc.constantFrom('destination', 'route'),
      (deliveries, batchCount, batchBytes, batchBy) => {
        const batches = splitIntoBatches(deliveries, { limits: limitsOf(batchCount, batchBytes), batchBy });
        expect(idsOf(batches.flat()).toSorted()).toEqual(idsOf(deliveries).toSorted());
        const groups = new Map<string, Delivery[]>();
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(batchCount);
          if (batch.length > 1) expect(bytesOf(batch)).toBeLessThanOrEqual(batchBytes);
          const names = new Set(
            batch.map(({ change }) => (batchBy === 'route' ? `${change.kind} ${change.audience.key}` : change.kind)),
          );
          expect(names.size).toBe(1);
          const [name = ''] = names;
          groups.set(name, [...(groups.get(name) ?? []), ...batch]);
        }
        for (const group of groups.values()) {
          const ids = new Set(idsOf(group));
          expect(idsOf(group)).toEqual(idsOf(deliveries).filter((id) => ids.has(id)));
        }
      },
    ),
  );
});

test('batches are no smaller than they must be', () => {
  const deliveries = Array.from({ length: 10 }, (_, n) => exampleDelivery(n));
  const one = bytesOf(deliveries.slice(0, 1));
  const sizes = (batchCount: number, batchBytes: number): readonly number[] =>
    splitIntoBatches(deliveries, { limits: limitsOf(batchCount, batchBytes), batchBy: 'destination' }).map(
      (batch) => batch.length,
    );
  expect(sizes(100, 1_000_000)).toEqual([10]);
  expect(sizes(4, 1_000_000)).toEqual([4, 4, 2]);
  expect(sizes(100, 3 * one)).toEqual([3, 3, 3, 1]);
  expect(sizes(100, 3 * one - 1)).toEqual([2, 2, 2, 2, 2]);
});

test('a change that alone is too large is a batch of its own', () => {
  const deliveries = [0, 1, 2].map((n) =>
    exampleDelivery(n, n === 1 ? { attributes: { note: 'x'.repeat(5_000) } } : {}),
  );
  const batches = splitIntoBatches(deliveries, { limits: limitsOf(10, 1_000), batchBy: 'destination' });
  expect(batches.map(idsOf)).toEqual([['change-0'], ['change-1'], ['change-2']]);
});

/**
 * Names of one control character in objects of their own, for there are 31 of these without `\0`.
 */
const manyNames = {
  names: Array.from({ length: 100 }, () =>
    Object.fromEntries(
      Array.from({ length: 31 }, (_, n) => [String.fromCharCode(n + 1), '\u001f'] as const).filter(
        ([name]) => JSON.stringify(name).length === 8,
      ),
    ),
  ),
};
const longestNumber = -1.2345678901234567e-100;

test.each<[string, Change['attributes']]>([
  ['text that JSON escapes', { note: '\u001f'.repeat(2_000) }],
  ['names that JSON escapes', { ['\u001f'.repeat(2_000)]: 1 }],
  ['many short names that JSON escapes', manyNames],
  ['long numbers', { scores: Array.from({ length: 200 }, () => Array<number>(8).fill(longestNumber)) }],
])(
  'two changes of which one byte is too many are two batches, however many bytes they take: %s',
  (_what, attributes) => {
    const deliveries = [0, 1].map((n) => exampleDelivery(n, { attributes }));
    const bytes = bytesOf(deliveries);
    const batches = (batchBytes: number) =>
      splitIntoBatches(deliveries, { limits: limitsOf(2, batchBytes), batchBy: 'destination' }).length;
    expect(batches(bytes - 1)).toBe(2);
    expect(batches(bytes)).toBe(1);
  },
);

test('no deliveries are no batches', () => {
  expect(splitIntoBatches([], { limits: limitsOf(1, 1), batchBy: 'route' })).toEqual([]);
});
