/**
 * How fast the emulator takes events in and gives them out: one process serves, this one sends and
 * reads with the official SDK, 100,000 events of 1.5 KB through 4 partitions to 4 readers.
 *
 *     npm run bench:emulator -- [events]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { startEventHubsEmulator } from '../src/index.ts';

const partitionCount = 4;
const bodyBytes = 1500;
const eventHubName = 'bench';
/** Less than what is sent, so that flat memory is put to the test. */
const retention = { bytesMax: 16 * 1024 * 1024 };
/** Events that a reader may be behind: well within the retention. */
const lagMax = 5_000;

interface Usage {
  readonly rssMiB: number;
  readonly heapMiB: number;
  readonly buffersMiB: number;
  /** Since the process started. */
  readonly cpuMs: number;
}

async function serve(send: (message: unknown) => void): Promise<void> {
  const emulator = await startEventHubsEmulator({ eventHubs: [{ name: eventHubName, partitionCount }], retention });
  process.on('message', () => {
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1000;
    send({ rssMiB: mebibytes(rss), heapMiB: mebibytes(heapUsed), buffersMiB: mebibytes(arrayBuffers), cpuMs });
  });
  process.on('disconnect', () => void emulator.stop());
  send(emulator.connectionString());
}

async function measure(events: number): Promise<void> {
  const server = fork(import.meta.filename, ['serve']);
  const answer = async () => (await once(server, 'message'))[0] as unknown;
  const connectionString = String(await answer());
  const usage = async (): Promise<Usage> => {
    server.send('usage');
    return (await answer()) as Usage;
  };
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const consumer = new EventHubConsumerClient('$Default', connectionString, eventHubName);
  const producers = Array.from(
    { length: partitionCount },
    () => new EventHubProducerClient(connectionString, eventHubName),
  );

  let cpuBeforeMs = (await usage()).cpuMs;
  const report = async (what: string, startedMs: number) => {
    const perSecond = Math.round((events / (performance.now() - startedMs)) * 1000);
    const { rssMiB, heapMiB, buffersMiB, cpuMs } = await usage();
    const cpuPerEvent = Math.round(((cpuMs - cpuBeforeMs) / events) * 1000);
    cpuBeforeMs = cpuMs;
    print(
      `${what}: ${perSecond} events/s; emulator: ${cpuPerEvent} µs of CPU per event, ` +
        `${rssMiB} MiB (heap ${heapMiB}, buffers ${buffersMiB})`,
    );
  };

  let startedMs = performance.now();
  await Promise.all(producers.map((producer, index) => sendAll(producer, String(index), events / partitionCount)));
  await report('in', startedMs);

  for (const round of ['in and out, first round', 'in and out, second round']) {
    startedMs = performance.now();
    const progress = producers.map(() => ({ received: 0 }));
    const readers = await Promise.all(progress.map((of, index) => startReader(consumer, String(index), of)));
    await Promise.all(
      producers.map(async (producer, index) => {
        const count = events / partitionCount;
        await sendAll(producer, String(index), count, progress[index]);
        while ((progress[index]?.received ?? count) < count) await sleep(5);
      }),
    );
    await report(round, startedMs);
    await Promise.all(readers.map((reader) => reader.close()));
  }
  await Promise.all([consumer.close(), ...producers.map((producer) => producer.close())]);
  server.disconnect();
}

interface Progress {
  received: number;
}

/** Reads what comes after the events that are there now. */
async function startReader(consumer: EventHubConsumerClient, partitionId: string, progress: Progress) {
  const { lastEnqueuedSequenceNumber: sequenceNumber } = await consumer.getPartitionProperties(partitionId);
  return consumer.subscribe(
    partitionId,
    {
      processEvents: (events) => {
        progress.received += events.length;
        return Promise.resolve();
      },
      processError: (error) => Promise.reject(error),
    },
    { maxBatchSize: 500, startPosition: { sequenceNumber }, skipParsingBodyAsJson: true },
  );
}

/**
 * Sends in batches of 100; waits for the reader before it is so far behind that retention would
 * overtake it.
 */
async function sendAll(producer: EventHubProducerClient, partitionId: string, count: number, progress?: Progress) {
  const body = Buffer.alloc(bodyBytes, 'x');
  let sent = 0;
  while (sent < count) {
    while (progress && sent - progress.received > lagMax) await sleep(1);
    const batch = await producer.createBatch({ partitionId });
    while (sent + batch.count < count && batch.count < 100 && batch.tryAdd({ body }));
    await producer.sendBatch(batch);
    sent += batch.count;
  }
}

if (process.argv[2] === 'serve') await serve((message) => process.send?.(message));
else await measure(Number(process.argv[2] ?? 100_000));
