import { expect, test } from 'vitest';
import { incomingEvents } from './incoming-events.ts';

const now = Date.UTC(2026, 0, 1);
const body = Buffer.from('{}');

test('bodies get partition, number and time from the metadata', () => {
  const events = incomingEvents(
    [body, body],
    {
      partitionContext: { partitionId: '3' },
      sequenceNumberArray: [41, 42],
      enqueuedTimeUtcArray: ['2026-01-01T03:04:05.678', '2026-01-01T03:04:06Z'],
    },
    now,
  );
  expect(events).toEqual([
    { body, partitionId: '3', sequenceNumber: 41, enqueuedAtMs: Date.UTC(2026, 0, 1, 3, 4, 5, 678) },
    { body, partitionId: '3', sequenceNumber: 42, enqueuedAtMs: Date.UTC(2026, 0, 1, 3, 4, 6) },
  ]);
});

test.each([
  [7, 7],
  ['9007199254740991', 9_007_199_254_740_991],
  [{ low: 5, high: 0, unsigned: false }, 5],
  [{ low: -1, high: 0, unsigned: false }, 4_294_967_295],
  [{ low: 0, high: 1, unsigned: false }, 4_294_967_296],
  [{ low: 'x', high: 1 }, -1],
  ['12x', -1],
  [1e300, -1],
  [undefined, -1],
  [null, -1],
  [-1, -1],
  [-2, -1],
  ['-7', -1],
  [{ low: 0, high: -1, unsigned: false }, -1],
  [{ low: 1, high: 0.5 }, -1],
  [{ low: 0, high: 0x7fff_ffff }, -1],
  [2 ** 53, -1],
  [1.5, -1],
  [Number.NaN, -1],
])('a sequence number %j is read as %d', (given, expected) => {
  expect(incomingEvents([body], { sequenceNumberArray: [given] }, now)[0]?.sequenceNumber).toBe(expected);
});

test('events without metadata are enqueued now, in an unknown partition', () => {
  expect(incomingEvents([body], undefined, now)).toEqual([
    { body, partitionId: 'unknown', sequenceNumber: -1, enqueuedAtMs: now },
  ]);
  expect(
    incomingEvents([body], { enqueuedTimeUtcArray: ['never'], partitionContext: null }, now)[0]?.enqueuedAtMs,
  ).toBe(now);
});

test.each(['+057000-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '1601-01-01T00:00:00Z'])(
  'a time that no hub has, such as %s, counts as unknown',
  (time) => {
    expect(incomingEvents([body], { enqueuedTimeUtcArray: [time] }, now)[0]?.enqueuedAtMs).toBe(now);
  },
);

test('an empty batch is no events', () => {
  expect(incomingEvents([], {}, now)).toEqual([]);
});

test('bodies that the host has parsed are refused, for the declaration is wrong', () => {
  expect(() => incomingEvents([{}], {}, now)).toThrow("dataType 'binary'");
  expect(() => incomingEvents(['{}'], {}, now)).toThrow("dataType 'binary'");
  expect(() => incomingEvents({}, {}, now)).toThrow('cardinality many');
});

test.each([
  ['9948-02-11T00:00:00Z'],
  ['2026-01-02T00:00:00.001Z'],
  ['+275760-09-13T00:00:00Z'],
  ['0001-01-01T00:00:00'],
  ['1970-01-01T00:00:00Z'],
  ['-000001-01-01T00:00:00Z'],
  ['2014-10-29T23:59:59Z'],
  [1_767_225_600_000],
  [''],
])('an enqueued time %j is none, and counts as now', (time) => {
  expect(incomingEvents([body], { enqueuedTimeUtcArray: [time] }, now)[0]?.enqueuedAtMs).toBe(now);
});

test.each([['2026-01-02T00:00:00Z'], ['2025-10-01T12:00:00+0200'], ['2014-10-30T00:00:00Z']])(
  'an enqueued time %s is taken as it is',
  (time) => {
    const [event] = incomingEvents([body], { enqueuedTimeUtcArray: [time] }, now);
    expect(event?.enqueuedAtMs).toBe(Date.parse(time));
  },
);

test.each([
  ['31', '31'],
  [0, '0'],
  ['1023', '1023'],
  ['', 'unknown'],
  ['-1', 'unknown'],
  [-1, 'unknown'],
  [1.5, 'unknown'],
  [1e21, 'unknown'],
  [Number.NaN, 'unknown'],
  ['../3', 'unknown'],
  ['3/4', 'unknown'],
  ['123456', 'unknown'],
])('a partition %j is called %s, which is fit for a name', (partitionId, name) => {
  expect(incomingEvents([body], { partitionContext: { partitionId } }, now)[0]?.partitionId).toBe(name);
});
