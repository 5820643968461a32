import type { LedgerRow } from '@activation-hub/membership';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LedgerCache } from './ledger-cache.ts';

const rowOf = (version: string): LedgerRow => ({
  version,
  record: {
    known: { status: 'realized', isMember: true, qualifiedAtMs: 0, enqueuedAtMs: 0, sequenceNumber: 0, content: '' },
    rowState: { is: 'delivered' },
    attributes: {},
    inDoubt: false,
  },
});

test('a row is found until it is deleted', () => {
  const cache = new LedgerCache({ entriesMax: 10, ageMaxMs: 1_000 });
  expect(cache.get('a', 0)).toBeUndefined();
  cache.set('a', rowOf('1'), 0);
  cache.set('a', rowOf('2'), 0);
  expect(cache.get('a', 0)?.version).toBe('2');
  cache.delete('a');
  expect(cache.get('a', 0)).toBeUndefined();
});

test('a row is believed no longer than its age, however often it is used', () => {
  const cache = new LedgerCache({ entriesMax: 10, ageMaxMs: 1_000 });
  cache.set('a', rowOf('1'), 0);
  expect(cache.get('a', 600)?.version).toBe('1');
  expect(cache.get('a', 1_000)?.version).toBe('1');
  expect(cache.get('a', 1_001)).toBeUndefined();
  cache.set('a', rowOf('2'), 1_001);
  expect(cache.get('a', 2_001)?.version).toBe('2');
});

test('what is used stays when others push in', () => {
  const cache = new LedgerCache({ entriesMax: 10, ageMaxMs: 1_000 });
  cache.set('used', rowOf('1'), 0);
  cache.set('unused', rowOf('1'), 0);
  for (let n = 0; n < 50; n += 1) {
    cache.set(`other-${n}`, rowOf('1'), 0);
    expect(cache.get('used', 0)).toBeDefined();
  }
  expect(cache.get('unused', 0)).toBeUndefined();
});

test('it holds no more than its bound, and never an outdated row', () => {
  const key = fc.integer({ min: 1, max: 12 }).map((n) => `key-${n}`);
  const step = fc.oneof(
    fc.record({ is: fc.constantFrom('get', 'set', 'delete'), key }),
    fc.record({ is: fc.constant('set'), key: fc.nat().map(String) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 100 }), (entriesMax, steps) => {
      const cache = new LedgerCache({ entriesMax, ageMaxMs: 1_000 });
      const truth = new Map<string, string>();
      for (const [index, { is, key: keyText }] of steps.entries()) {
        if (is === 'set') {
          cache.set(keyText, rowOf(String(index)), 0);
          truth.set(keyText, String(index));
        } else if (is === 'delete') {
          cache.delete(keyText);
          truth.delete(keyText);
        } else {
          const found = cache.get(keyText, 0);
          if (found !== undefined) expect(found.version).toBe(truth.get(keyText));
        }
        expect(cache.size).toBeLessThanOrEqual(entriesMax);
      }
    }),
  );
});

test('a gap in a partition forgets everything, and events that come again do not', () => {
  const cache = new LedgerCache({ entriesMax: 10, ageMaxMs: 1_000 });
  const follow = (partitionId: string, ...numbers: number[]): void =>
    cache.follow(
      numbers.map((sequenceNumber) => ({ partitionId, sequenceNumber, body: new Uint8Array(), enqueuedAtMs: 0 })),
    );
  follow('0', 5, 6, 7);
  cache.set('a', rowOf('1'), 0);
  for (const numbers of [[], [8], [6, 7], [9, 10]]) follow('0', ...numbers);
  follow('1', 100);
  expect(cache.get('a', 0)).toBeDefined();
  follow('0', 12);
  expect(cache.get('a', 0)).toBeUndefined();
});
