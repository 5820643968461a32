import { EventHubProducerClient } from '@azure/event-hubs';
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { expect, onTestFinished, test } from 'vitest';
import { countHubHours } from './hub-hours.ts';

const hourMs = 3_600_000;
const fromMs = Date.UTC(2026, 0, 31, 12);
const signal = new AbortController().signal;

/** A hub that was sent so many events at these times, on two partitions. */
async function hubWith(sent: readonly (readonly [timeMs: number, events: number])[], eventsMax?: number) {
  let nowMs = fromMs;
  const emulator = await startEventHubsEmulator({
    eventHubs: [{ name: 'exports', partitionCount: 2 }],
    now: () => nowMs,
    retention: { ageMaxMs: 1e12, ...(eventsMax === undefined ? {} : { eventsMax }) },
  });
  const connectionString = emulator.connectionString({ entityPath: 'exports' });
  // Its token is made with this machine's time.
  nowMs = Date.now();
  const producer = new EventHubProducerClient(connectionString);
  onTestFinished(async () => {
    await producer.close();
    await emulator.stop();
  });
  await producer.getPartitionIds();
  for (const [timeMs, events] of sent) {
    for (let event = 0; event < events; event += 1) {
      const batch = await producer.createBatch({ partitionId: String(event % 2) });
      batch.tryAdd({ body: 'x' });
      nowMs = timeMs;
      await producer.sendBatch(batch);
      nowMs = Date.now();
    }
  }
  return connectionString;
}

test('events are counted by the hour in which the hub took them, on every partition', async () => {
  const connectionString = await hubWith([
    [fromMs - 1, 3],
    [fromMs, 2],
    [fromMs + hourMs - 1, 3],
    [fromMs + 2 * hourMs, 1],
    [fromMs + 5 * hourMs, 4],
  ]);
  expect(await countHubHours(connectionString, fromMs, 4, signal)).toEqual({ events: [5, 0, 1, 0] });
});

test('an empty hub took nothing', async () => {
  expect(await countHubHours(await hubWith([]), fromMs, 2, signal)).toEqual({ events: [0, 0] });
});

test(
  'what retention has removed is not counted, and it is said from when on events are kept',
  { timeout: 300_000 },
  async () => {
    const connectionString = await hubWith(
      [
        [fromMs, 6],
        [fromMs + hourMs + 7, 4],
      ],
      2,
    );
    const expected = { events: [0, 4], keptFromMs: fromMs + hourMs + 7 };
    expect(await countHubHours(connectionString, fromMs, 2, signal)).toEqual(expected);
  },
);
