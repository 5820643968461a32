import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { createConnection } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { stallingProxy } from '../testing/stalling-proxy.ts';
import { emulatorForTest, noRetries, subscribe, until } from '../testing/official-client.ts';

/**
 * Many senders, readers that are slow, stuck or lost in the middle, clients that come and go: every
 * send ends, with an answer or because its own connection was cut, long before the SDK would give
 * it up.
 */
test('no send stays without an answer while readers stall, vanish and steal from each other', async () => {
  const emulator = await emulatorForTest({ eventHubs: [{ name: 'orders', partitionCount: 4 }] });
  const proxy = await stallingProxy(emulator);
  const stuck = new EventHubConsumerClient('$Default', proxy.connectionString, 'orders', noRetries);
  onTestFinished(async () => {
    // A client whose answers do not come waits for them for a minute before it is closed.
    proxy.resume();
    await stuck.close();
  });
  const stalled = subscribe(stuck, '0', { offset: '-1' });
  await until(() => stalled.context() !== undefined || proxy.bytesToClients() > 0, 'the reader that will be stuck');
  proxy.stall();

  const slowestMs: number[] = [];
  const rounds = 6;
  const send = async (partitionId: string) => {
    for (let round = 0; round < rounds; round += 1) {
      // A new client each round: each time the exchange with $cbs comes first.
      const producer = new EventHubProducerClient(emulator.connectionString(), 'orders', {
        retryOptions: { maxRetries: 0, timeoutInMs: 60_000 },
      });
      const startedMs = performance.now();
      await Promise.all(
        Array.from({ length: 20 }, () => producer.sendBatch([{ body: Buffer.alloc(10_000) }], { partitionId })),
      );
      slowestMs.push(performance.now() - startedMs);
      await producer.close();
    }
  };
  let sending = true;
  /** Connects, says half of a handshake and is gone: a worker that was killed. */
  const killed = async () => {
    while (sending) {
      const socket = createConnection(emulator.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.write('AMQP\x03\x01\x00\x00', resolve));
      socket.destroy();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  /** Takes a partition from its present receiver, reads a little and closes. */
  const steal = async (partitionId: string) => {
    for (let level = 1; sending; level += 1) {
      const consumer = new EventHubConsumerClient('$Default', emulator.connectionString(), 'orders', noRetries);
      const reader = subscribe(consumer, partitionId, { offset: '-1' }, { ownerLevel: level, maxBatchSize: 50 });
      await until(() => !sending || reader.events.length > 0 || reader.errors.length > 0, 'a reader that reads');
      await consumer.close();
    }
  };
  const others = [killed(), steal('1'), steal('2')];
  const senders = Array.from({ length: 8 }, (_, index) => send(String(index % 4)));
  await Promise.all(senders).finally(() => (sending = false));
  await Promise.all(others);

  expect(slowestMs).toHaveLength(8 * rounds);
  const stored = emulator.partitions('orders').reduce((sum, { lastSequenceNumber }) => sum + lastSequenceNumber + 1, 0);
  expect(stored).toBe(8 * rounds * 20);
});
