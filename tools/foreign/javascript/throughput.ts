import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { connection, emptyHub } from './harness.ts';

/**
 * Sends events of 1 KB in batches of 100 to two partitions, reads them with one client, and prints
 * both rates.
 */
export async function measureThroughput(events: number): Promise<void> {
  const producer = new EventHubProducerClient(connection, emptyHub);
  const body = Buffer.alloc(1000, 'x');
  await producer.getEventHubProperties();
  let startedMs = performance.now();
  const print = (way: string) => {
    process.stdout.write(`rate ${way} ${Math.round((events / (performance.now() - startedMs)) * 1000)}\n`);
  };
  await Promise.all(
    ['0', '1'].map(async (partitionId) => {
      for (let sent = 0; sent < events / 2; sent += 100) {
        const batch = await producer.createBatch({ partitionId });
        while (batch.count < 100 && batch.tryAdd({ body }));
        await producer.sendBatch(batch);
      }
    }),
  );
  print('in');
  await producer.close();

  const consumer = new EventHubConsumerClient('$Default', connection, emptyHub);
  startedMs = performance.now();
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
    for (const id of ['0', '1']) consumer.subscribe(id, handlers, options);
  });
  print('out');
  await consumer.close();
}
