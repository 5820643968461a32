import type { LedgerRow } from '@activation-hub/membership';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LedgerCache } from './ledger-cache.ts';

const rowOf = (version: string, attributes: LedgerRow['record']['attributes'] = {}): LedgerRow => ({
  version,
  record: {
    known: { status: 'realized', isMember: true, qualifiedAtMs: 0, enqueuedAtMs: 0, sequenceNumber: 0, content: '' },
    rowState: { is: 'delivered' },
    attributes,
    inDoubt: false,
  },
});

test('a row is found until it is deleted', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000 });
  expect(cache.get('a', 0)).toBeUndefined();
  cache.set('a', rowOf('1'), 0);
  cache.set('a', rowOf('2'), 0);
  expect(cache.get('a', 0)?.version).toBe('2');
  cache.delete('a');
  expect(cache.get('a', 0)).toBeUndefined();
});

test('a row is believed no longer than its age, however often it is used', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000 });
  cache.set('a', rowOf('1'), 0);
  expect(cache.get('a', 600)?.version).toBe('1');
  expect(cache.get('a', 1_000)?.version).toBe('1');
  expect(cache.get('a', 1_001)).toBeUndefined();
  cache.set('a', rowOf('2'), 1_001);
  expect(cache.get('a', 2_001)?.version).toBe('2');
});

test('a row that was read before the clock was set back is not believed', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000 });
  cache.set('a', rowOf('1'), 5_000);
  expect(cache.get('a', 4_999)).toBeUndefined();
  expect(cache.get('a', 5_000)?.version).toBe('1');
});

test('what is used stays when others push in', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000 });
  cache.set('used', rowOf('1'), 0);
  cache.set('unused', rowOf('1'), 0);
  for (let n = 0; n < 50; n += 1) {
    cache.set(`other-${n}`, rowOf('1'), 0);
    expect(cache.get('used', 0)).toBeDefined();
  }
  expect(cache.get('unused', 0)).toBeUndefined();
});

test('it holds no more than its bound in bytes, and never an outdated row', () => {
  const key = fc.integer({ min: 1, max: 12 }).map((n) => `key-${n}`);
  const characters = fc.oneof(fc.constant(0), fc.nat(8_000));
  const step = fc.oneof(
    fc.record({ is: fc.constantFrom('get', 'set', 'delete'), key, characters }),
    fc.record({ is: fc.constant('set'), key: fc.nat().map(String), characters }),
  );
  fc.assert(
    fc.property(fc.nat(20_000), fc.array(step, { maxLength: 100 }), (bytesMax, steps) => {
      const cache = new LedgerCache({ bytesMax, ageMaxMs: 1_000 });
      const truth = new Map<string, string>();
      for (const [index, { is, key: keyText, characters: length }] of steps.entries()) {
        if (is === 'set') {
          cache.set(keyText, rowOf(String(index), { text: 'x'.repeat(length) }), 0);
          truth.set(keyText, String(index));
        } else if (is === 'delete') {
          cache.delete(keyText);
          truth.delete(keyText);
        } else {
          const found = cache.get(keyText, 0);
          if (found !== undefined) expect(found.version).toBe(truth.get(keyText));
        }
        expect(cache.bytes).toBeGreaterThanOrEqual(0);
        expect(cache.bytes).toBeLessThanOrEqual(bytesMax);
      }
      for (const keyText of truth.keys()) cache.delete(keyText);
      expect(cache.bytes).toBe(0);
    }),
  );
});

test('rows take at least their characters, so that large ones push out more than small ones do', () => {
  const attributes = { list: ['x'.repeat(1_000), { text: 'y'.repeat(1_000) }], number: 1, nothing: null };
  const bytesWith = (row: LedgerRow): number => {
    const cache = new LedgerCache({ bytesMax: 100_000, ageMaxMs: 1_000 });
    cache.set('a', row, 0);
    return cache.bytes;
  };
  const bare = bytesWith(rowOf('1'));
  expect(bytesWith(rowOf('1', attributes)) - bare).toBeGreaterThan(2_000);
  const { record, version } = rowOf('1');
  expect(bytesWith({ record: { ...record, deliveredAttributes: attributes }, version }) - bare).toBeGreaterThan(2_000);
  expect(bytesWith({ record: { ...record, history: 'x'.repeat(600) }, version }) - bare).toBe(1_200);
});

test('a key is expected to have no row once most of those before had none, each destination for itself', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000, expectAfterKeys: 10 });
  const look = (destination: string, found: number, absent: number): void => {
    for (let n = 0; n < found; n += 1) cache.countLookedFor(destination, true);
    for (let n = 0; n < absent; n += 1) cache.countLookedFor(destination, false);
  };
  look('crm', 0, 9);
  expect(cache.expectsNoRow('crm')).toBe(false);
  look('crm', 0, 1);
  expect(cache.expectsNoRow('crm')).toBe(true);
  expect(cache.expectsNoRow('ads')).toBe(false);
  look('ads', 3, 7);
  expect(cache.expectsNoRow('ads')).toBe(false);
  look('ads', 0, 5);
  expect(cache.expectsNoRow('ads')).toBe(true);
});

test('however long the expectation held, it ends soon after keys begin to have rows', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000, expectAfterKeys: 10 });
  for (let n = 0; n < 10_000; n += 1) cache.countLookedFor('crm', false);
  let more = 0;
  for (; cache.expectsNoRow('crm'); more += 1) cache.countLookedFor('crm', true);
  expect(more).toBeLessThanOrEqual(10);
});

test('a gap in a partition forgets everything, and events that come again do not', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000 });
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

/** What the cache counts for one row, by its estimate. */
function bytesOf(keyText: string, row: LedgerRow): number {
  const cache = new LedgerCache({ bytesMax: 1_000_000, ageMaxMs: 1_000 });
  cache.set(keyText, row, 0);
  // A row is counted once, however often it is set.
  cache.set(keyText, row, 0);
  return cache.bytes;
}

test('the estimate counts the row, two bytes for every character of its texts and names, and something for every value', () => {
  const empty = 1_000 + 2 * 3 + 32;
  expect(bytesOf('key', rowOf('1'))).toBe(empty);
  expect(bytesOf('key', rowOf('1', { name: 'Ada' }))).toBe(empty + 2 * 4 + 32 + 2 * 3);
  expect(bytesOf('key', rowOf('1', { list: [true, null] }))).toBe(empty + 2 * 4 + 32 + 2 * (2 * 1 + 32));
  const { record, version } = rowOf('1');
  expect(bytesOf('key', { record: { ...record, history: 'xe,1' }, version })).toBe(empty + 2 * 4);
  expect(bytesOf('key', { record: { ...record, deliveredAttributes: {} }, version })).toBe(empty + 32);
});

test('a generation is filled to the last byte', () => {
  const one = bytesOf('a', rowOf('1'));
  const smallest = new LedgerCache({ bytesMax: 2 * one, ageMaxMs: 1_000 });
  smallest.set('a', rowOf('1'), 0);
  expect(smallest.get('a', 0)).toBeDefined();
  const cache = new LedgerCache({ bytesMax: 4 * one, ageMaxMs: 1_000 });
  for (const key of ['a', 'b', 'c']) cache.set(key, rowOf('1'), 0);
  expect(cache.bytes).toBe(3 * one);
  expect(cache.get('a', 0)).toBeDefined();
});

test('a row that is set again after a while is counted once', () => {
  const one = bytesOf('a', rowOf('1'));
  const cache = new LedgerCache({ bytesMax: 4 * one, ageMaxMs: 1_000 });
  for (const key of ['a', 'b', 'c', 'a']) cache.set(key, rowOf('1'), 0);
  expect(cache.bytes).toBe(3 * one);
});

test('a gap in a partition is also the end of the expectation that keys have no row', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000, expectAfterKeys: 1 });
  const event = { body: new Uint8Array(), partitionId: '0', enqueuedAtMs: 0 };
  cache.follow([{ ...event, sequenceNumber: 1 }]);
  cache.countLookedFor('crm', false);
  expect(cache.expectsNoRow('crm')).toBe(true);
  cache.follow([{ ...event, sequenceNumber: 3 }]);
  expect(cache.expectsNoRow('crm')).toBe(false);
});

test('what was looked for last weighs most, and the counts are halved at four times the number', () => {
  const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000, expectAfterKeys: 1 });
  for (let n = 0; n < 4; n += 1) cache.countLookedFor('crm', false);
  expect(cache.expectsNoRow('crm')).toBe(true);
  // Two of three by now, and not four of five.
  cache.countLookedFor('crm', true);
  expect(cache.expectsNoRow('crm')).toBe(false);
});

test('a person whom a row remembers takes two bytes a character, and 128 besides', () => {
  const bytesWith = (...values: readonly string[]): number => {
    const cache = new LedgerCache({ bytesMax: 12_000, ageMaxMs: 1_000 });
    const { version, record } = rowOf('1');
    const formerOf = values.map((value) => ({ namespace: 'crmid', value, linkDigest: 'd' }));
    cache.set('a', { version, record: { ...record, formerOf } }, 0);
    return cache.bytes;
  };
  expect(bytesWith('x'.repeat(100)) - bytesWith()).toBe(328);
  expect(bytesWith('x'.repeat(100), 'y') - bytesWith()).toBe(328 + 130);
});
