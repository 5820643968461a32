import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bindBatch, bindSingle, dateTimeOffset, dateTimeWithoutZone, json, longs, strings } from './typed-data.ts';

test('every safe integer survives as the two halves of a long', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const [half] = longs([value]).collectionSint64?.sint64 ?? [];
      expect((half?.high ?? NaN) * 2 ** 32 + ((half?.low ?? NaN) >>> 0)).toBe(value);
    }),
  );
});

test('binary bodies stay as they are, whatever they hold', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (bodies) => {
      const buffers = bodies.map((body) => Buffer.from(body));
      expect(bindBatch(buffers, 'binary').collectionBytes?.bytes).toEqual(buffers);
    }),
  );
});

test('without a dataType JSON keeps its digits, and an empty body is null', () => {
  const bodies = ['{"id":12345678901234567890123456789012345678}', ' ', '"x"'].map((text) => Buffer.from(text));
  expect(bindBatch(bodies, undefined)).toEqual({ json: '[{"id":12345678901234567890123456789012345678},null,"x"]' });
  expect(() => bindSingle(Buffer.from('x'), undefined)).toThrow("Declare dataType 'binary' and parse in the function.");
});

test('string arrays lose their empty entries, a single empty string stays', () => {
  expect(strings(['a', '', undefined, 'b'])).toEqual({ collectionString: { string: ['a', 'b'] } });
  expect(bindSingle(Buffer.from(''), 'string')).toEqual({ string: '' });
});

test('times are written as Json.NET writes them', () => {
  const instants = ['2026-11-22T10:20:30.000Z', '2026-11-22T10:20:30.120Z', '2026-11-22T10:20:30.007Z'].map(
    (text) => new Date(text),
  );
  expect(instants.map(dateTimeWithoutZone)).toEqual([
    '2026-11-22T10:20:30',
    '2026-11-22T10:20:30.12',
    '2026-11-22T10:20:30.007',
  ]);
  expect(instants.map(dateTimeOffset)[0]).toBe('2026-11-22T10:20:30+00:00');
});

test('an integer that JSON has no number for goes as text', () => {
  expect(json({ count: 2n ** 63n })).toEqual({ json: '{"count":"9223372036854775808"}' });
});
