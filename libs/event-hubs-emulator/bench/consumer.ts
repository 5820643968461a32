/**
 * How fast one consumer of the JavaScript SDK reads through the emulator: one process serves
 * 100,000 events of 1 KB in 4 partitions, this one reads them all, and says how much CPU each of
 * the two took.
 *
 *     npm run bench:emulator-consumer -- [events]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { startEventHubsEmulator } from '../src/index.ts';

const partitionCount = 4;
const bodyBytes = 1000;
const eventHubName = 'bench';

async function serve(send: (message: unknown) => void): Promise<void> {
  const emulator = await startEventHubsEmulator({ eventHubs: [{ name: eventHubName, partitionCount }] });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    send((user + system) / 1000);
  });
  process.on('disconnect', () => void emulator.stop());
  send(emulator.connectionString());
}

async function measure(events: number): Promise<void> {
  const server = fork(import.meta.filename, ['serve']);
  const answer = async () => (await once(server, 'message'))[0] as unknown;
  const connectionString = String(await answer());
  const serverCpuMs = async () => {
    server.send('usage');
    return Number(await answer());
  };
  const producer = new EventHubProducerClient(connectionString, eventHubName);
  const body = Buffer.alloc(bodyBytes, 'x');
  for (let sent = 0; sent < events; sent += 500) {
    const batch = Array.from({ length: Math.min(500, events - sent) }, () => ({ body }));
    await producer.sendBatch(batch, { partitionId: String((sent / 500) % partitionCount) });
  }
  await producer.close();

  const consumer = new EventHubConsumerClient('$Default', connectionString, eventHubName);
  const serverBeforeMs = await serverCpuMs();
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    const handlers = {
      processEvents: (batch: readonly unknown[]) => {
        received += batch.length;
        if (received >= events) resolve();
        return Promise.resolve();
      },
      processError: (error: Error) => {
        reject(error);
        return Promise.resolve();
      },
    };
    const options = { maxBatchSize: 1000, startPosition: earliestEventPosition, skipParsingBodyAsJson: true };
    for (let id = 0; id < partitionCount; id += 1) consumer.subscribe(String(id), handlers, options);
  });
  const elapsedMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const perEvent = (cpuMs: number) => `${((cpuMs / events) * 1000).toFixed(1)} µs`;
  process.stdout.write(
    `out: ${Math.round((events / elapsedMs) * 1000)} events/s to one consumer; CPU per event: ` +
      `consumer ${perEvent((user + system) / 1000)}, emulator ${perEvent((await serverCpuMs()) - serverBeforeMs)}\n`,
  );
  await consumer.close();
  server.disconnect();
}

if (process.argv[2] === 'serve') await serve((message) => process.send?.(message));
else await measure(Number(process.argv[2] ?? 100_000));
