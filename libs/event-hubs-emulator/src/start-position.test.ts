import type { EventPosition } from '@azure/event-hubs';
import { expect, test } from 'vitest';
import { consumerFor, emulatorForTest, producerFor, subscribe, until } from '../testing/official-client.ts';
import type { EventHubsEmulator } from './index.ts';
import { InvalidStartPosition, parseStartPosition } from './start-position.ts';

const startMs = 1_700_000_000_000;

/** Ten events 0 to 9 in partition 0, enqueued one second apart from `startMs` on. */
async function tenEvents(): Promise<{
  emulator: EventHubsEmulator;
  bodiesFrom: (position: EventPosition) => Promise<unknown[]>;
}> {
  let nowMs = startMs;
  const emulator = await emulatorForTest({ now: () => nowMs });
  const producer = producerFor(emulator);
  for (let index = 0; index < 10; index += 1) {
    await producer.sendBatch([{ body: index }], { partitionId: '0' });
    nowMs += 1_000;
  }
  const bodiesFrom = async (position: EventPosition) => {
    const reader = subscribe(consumerFor(emulator), '0', position);
    // The last event is in every answer, so its arrival ends the wait.
    await until(() => reader.events.some(({ body }) => body === 9) || reader.errors.length > 0, 'the last event');
    await reader.close();
    if (reader.errors[0]) throw reader.errors[0];
    return reader.events.map(({ body }): unknown => body);
  };
  return { emulator, bodiesFrom };
}

test('a reader starts with the earliest event', async () => {
  const { bodiesFrom } = await tenEvents();
  expect(await bodiesFrom({ offset: '-1' })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a reader starts with the latest event and sees only what comes after', async () => {
  const { emulator } = await tenEvents();
  const producer = producerFor(emulator);
  const reader = subscribe(consumerFor(emulator), '0', { offset: '@latest' });
  let sent = 0;
  // The link opens some time after subscribe returns: send until something arrives.
  await until(async () => {
    await producer.sendBatch([{ body: `new ${sent++}` }], { partitionId: '0' });
    return reader.events.length > 0;
  }, 'a new event');
  expect(String(reader.events[0]?.body)).toMatch(/^new \d+$/);
});

test('a reader starts at a sequence number, with or without the event itself', async () => {
  const { bodiesFrom } = await tenEvents();
  expect(await bodiesFrom({ sequenceNumber: 6 })).toEqual([7, 8, 9]);
  expect(await bodiesFrom({ sequenceNumber: 6, isInclusive: true })).toEqual([6, 7, 8, 9]);
});

test('a reader starts at an offset, with or without the event itself', async () => {
  const { emulator, bodiesFrom } = await tenEvents();
  const all = await subscribe(consumerFor(emulator), '0', { offset: '-1' }).count(10);
  const offset = all[7]?.offset ?? '';
  expect(await bodiesFrom({ offset })).toEqual([8, 9]);
  expect(await bodiesFrom({ offset, isInclusive: true })).toEqual([7, 8, 9]);
});

test('a reader starts after an enqueued time', async () => {
  const { bodiesFrom } = await tenEvents();
  expect(await bodiesFrom({ enqueuedOn: new Date(startMs + 4_000) })).toEqual([5, 6, 7, 8, 9]);
  expect(await bodiesFrom({ enqueuedOn: startMs + 3_999 })).toEqual([4, 5, 6, 7, 8, 9]);
  expect(await bodiesFrom({ enqueuedOn: 0 })).toHaveLength(10);
});

test('a position beyond the end is refused, as the service does', async () => {
  const { emulator } = await tenEvents();
  const bySequenceNumber = await subscribe(consumerFor(emulator), '0', { sequenceNumber: 10 }).error();
  expect(bySequenceNumber).toMatchObject({ code: 'ArgumentError', retryable: false });
  expect(bySequenceNumber.message).toContain("The supplied sequence number '10' is invalid");
  const byOffset = await subscribe(consumerFor(emulator), '0', { offset: '999999' }).error();
  expect(byOffset.message).toContain("The supplied offset '999999' is invalid");
});

test('a subscription that starts after the last event waits for the next', async () => {
  const { emulator } = await tenEvents();
  const reader = subscribe(consumerFor(emulator), '0', { sequenceNumber: 9 });
  await producerFor(emulator).sendBatch([{ body: 'next' }], { partitionId: '0' });
  expect((await reader.count(1))[0]?.body).toBe('next');
});

test('the selector is parsed strictly', () => {
  const inclusive = true;
  const parse = (rest: string) => parseStartPosition(`amqp.annotation.x-opt-${rest}`);
  expect(parse("enqueued-time >= '5'")).toEqual({ kind: 'enqueued-time', timeMs: 5, inclusive });
  expect(parse("offset > '@latest'")).toEqual({ kind: 'latest' });
  expect(parse("sequence-number > '-1'")).toEqual({ kind: 'sequence-number', sequenceNumber: -1, inclusive: false });
  expect(parseStartPosition(undefined)).toEqual({ kind: 'earliest' });
  for (const wrong of ["offset < '1'", "offset > 'one'", "offset > '1' OR 1=1", "colour > '1'", "offset > '1e400'"]) {
    expect(() => parse(wrong), wrong).toThrow(InvalidStartPosition);
  }
});
