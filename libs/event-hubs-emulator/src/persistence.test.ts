import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { consumerFor, emulatorForTest, producerFor, subscribe } from '../testing/official-client.ts';
import type { EventHubsEmulatorOptions } from './index.ts';

const eventHubs = [{ name: 'orders', partitionCount: 1 }];
const earliest = { offset: '-1' };

function folderForTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'event-hubs-emulator-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Starts an emulator on the folder, sends the bodies one by one, reads all there is, and stops. */
async function live(dataFolder: string, bodies: readonly unknown[], options: Partial<EventHubsEmulatorOptions> = {}) {
  const emulator = await emulatorForTest({ eventHubs, dataFolder, ...options });
  const producer = producerFor(emulator);
  for (const body of bodies) await producer.sendBatch([{ body }], { partitionKey: 'key' });
  const [partition] = emulator.partitions('orders');
  const kept = (partition?.lastSequenceNumber ?? -1) - (partition?.beginSequenceNumber ?? 0) + 1;
  const events = await subscribe(consumerFor(emulator), '0', earliest).count(kept);
  const properties = await producer.getPartitionProperties('0');
  await emulator.stop();
  return { events, properties };
}

const partitionFolder = (dataFolder: string) => join(dataFolder, 'orders', '0');
const segmentsOf = (dataFolder: string) => readdirSync(partitionFolder(dataFolder)).sort();
const lastSegment = (dataFolder: string) => join(partitionFolder(dataFolder), segmentsOf(dataFolder).at(-1) ?? '');

test('a restart goes on with the same events, sequence numbers and offsets', async () => {
  const dataFolder = folderForTest();
  const first = await live(dataFolder, ['a', 'b', 'c']);
  const second = await live(dataFolder, ['d']);

  const facts = (events: typeof first.events) =>
    events.map(({ body, sequenceNumber, offset, enqueuedTimeUtc, partitionKey }): unknown => ({
      body: body as unknown,
      sequenceNumber,
      offset,
      enqueuedTimeUtc,
      partitionKey,
    }));
  expect(facts(second.events.slice(0, 3))).toEqual(facts(first.events));
  expect(second.events[3]).toMatchObject({ body: 'd', sequenceNumber: 3, partitionKey: 'key' });
  expect(Number(second.events[3]?.offset)).toBeGreaterThan(Number(first.events[2]?.offset));

  const third = await live(dataFolder, []);
  expect(third.properties).toEqual(second.properties);
});

test('a reader goes on after a restart where it was', async () => {
  const dataFolder = folderForTest();
  await live(dataFolder, ['a', 'b', 'c']);
  const emulator = await emulatorForTest({ eventHubs, dataFolder });
  const [event] = await subscribe(consumerFor(emulator), '0', { sequenceNumber: 1 }).count(1);
  expect(event?.body).toBe('c');
});

test.each([1, 7, 20, 60])(
  'a last record that lacks %i bytes is cut off, and its number is used again',
  async (lacking) => {
    const dataFolder = folderForTest();
    await live(dataFolder, ['a', 'b', 'a much longer body than the sixty bytes that are taken away from it here']);
    const path = lastSegment(dataFolder);
    truncateSync(path, readFileSync(path).length - lacking);

    const { events } = await live(dataFolder, ['d']);
    expect(events.map(({ body, sequenceNumber }) => [body as unknown, sequenceNumber])).toEqual([
      ['a', 0],
      ['b', 1],
      ['d', 2],
    ]);
  },
);

test('garbage after the last record is cut off', async () => {
  const dataFolder = folderForTest();
  await live(dataFolder, ['a']);
  appendFileSync(lastSegment(dataFolder), Buffer.alloc(5_000, 0xab));
  const { events } = await live(dataFolder, ['b']);
  expect(events.map(({ body }): unknown => body)).toEqual(['a', 'b']);
});

test('a segment that a crash left empty does no harm', async () => {
  const dataFolder = folderForTest();
  await live(dataFolder, ['a']);
  writeFileSync(join(partitionFolder(dataFolder), `${'1'.padStart(16, '0')}.segment`), '');
  const { events } = await live(dataFolder, ['b']);
  expect(events.map(({ body, sequenceNumber }) => [body as unknown, sequenceNumber])).toEqual([
    ['a', 0],
    ['b', 1],
  ]);
});

test('retention removes old segments, and the sequence goes on when nothing is left', async () => {
  const dataFolder = folderForTest();
  let nowMs = 1_700_000_000_000;
  const options = { now: () => nowMs, retention: { bytesMax: 6_000_000, ageMaxMs: 60_000 } };
  const bodies = Array.from({ length: 40 }, () => Buffer.alloc(900_000));
  const { events } = await live(dataFolder, bodies, options);
  expect(events).toHaveLength(6);
  expect(segmentsOf(dataFolder).length).toBeLessThanOrEqual(2);
  expect(segmentsOf(dataFolder)[0]).not.toMatch(/^0+\./);

  nowMs += 120_000;
  const later = await live(dataFolder, [], options);
  expect(later.properties).toMatchObject({
    beginningSequenceNumber: 40,
    lastEnqueuedSequenceNumber: 39,
    isEmpty: true,
  });
  const next = await live(dataFolder, ['next'], options);
  expect(next.events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([40]);
});

test('damage in an older segment stops the start', async () => {
  const dataFolder = folderForTest();
  await live(
    dataFolder,
    Array.from({ length: 12 }, () => Buffer.alloc(900_000)),
  );
  const [oldest = '', ...others] = segmentsOf(dataFolder);
  expect(others.length).toBeGreaterThan(0);
  const path = join(partitionFolder(dataFolder), oldest);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(1_000_000) ^ 0xff, 1_000_000);
  writeFileSync(path, bytes);
  await expect(emulatorForTest({ eventHubs, dataFolder })).rejects.toThrow('is damaged at byte');

  rmSync(path);
  // Without the oldest segment nothing is missing in the middle: it is as if retention had removed
  // it.
  expect((await live(dataFolder, [])).events.length).toBeGreaterThan(0);
});
