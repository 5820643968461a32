import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { containerClient } from '@activation-hub/azure-adapters';
import { startEventHubsEmulator, type EventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { reportLag, type LagSource } from './report-lag.ts';

let azurite: Azurite;
let emulator: EventHubsEmulator;
let source: LagSource;
const nowMs = Date.now();

beforeAll(async () => {
  azurite = await startAzurite({});
  emulator = await startEventHubsEmulator({
    eventHubs: [{ name: 'exports', partitionCount: 3, consumerGroups: ['handler'] }],
    now: () => nowMs - 60_000,
  });
  const checkpoints = containerClient(azurite, 'azure-webjobs-eventhub');
  await checkpoints.create();
  source = {
    eventHub: { connectionString: emulator.connectionString() },
    eventHubName: 'exports',
    consumerGroup: 'handler',
    checkpoints,
    now: () => nowMs,
  };
  const producer = new EventHubProducerClient(emulator.connectionString(), 'exports');
  for (const partitionId of ['0', '1']) {
    await producer.sendBatch(
      Array.from({ length: 5 }, (_, n) => ({ body: n })),
      { partitionId },
    );
  }
  await new BlobCheckpointStore(checkpoints).updateCheckpoint({
    fullyQualifiedNamespace: producer.fullyQualifiedNamespace,
    eventHubName: 'exports',
    consumerGroup: 'handler',
    partitionId: '1',
    sequenceNumber: 2,
    offset: '2',
  });
  await producer.close();
});
afterAll(async () => {
  await emulator.stop();
  await azurite.stop();
});

/** The lines of one measurement. */
async function measured(): Promise<readonly object[]> {
  const lines: string[] = [];
  const telemetry = createTelemetry({
    level: 'information',
    counters: new Counters(),
    write: (_, line) => void lines.push(line),
  });
  await reportLag(source, telemetry);
  return lines.map((line) => JSON.parse(line) as object);
}

test('each partition says how many events no checkpoint has passed, and how old the oldest is', async () => {
  expect(await measured()).toMatchObject([
    { signal: 'lag-measured', partitionId: '0', events: 5, oldestAgeMs: 60_000 },
    { signal: 'lag-measured', partitionId: '1', events: 2, oldestAgeMs: 60_000 },
    { signal: 'lag-measured', partitionId: '2', events: 0, oldestAgeMs: 0 },
  ]);
});

test('an age that cannot be read in time is not said to be none', async () => {
  emulator.faults.delay({ deliveryMs: 60_000 });
  onTestFinished(() => emulator.faults.clear());
  const lines = await measured();
  expect(lines).toMatchObject([{ events: 5 }, { events: 2 }, { events: 0, oldestAgeMs: 0 }]);
  for (const line of lines.slice(0, 2)) expect(line).not.toHaveProperty('oldestAgeMs');
});
