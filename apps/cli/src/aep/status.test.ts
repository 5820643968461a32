import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import {
  BlobDeadLetters,
  containerClient,
  queueClient,
  StorageRetryQueue,
  tableClient,
  TableLedger,
} from '@activation-hub/azure-adapters';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aepEnvironment, audience, audienceIds, hubWords } from '../../testing/aep-environment.ts';
import { hubConnectionString } from '../environment/hub-connection.ts';
import { capturedTerminal } from '../../testing/captured-terminal.ts';

const [a = ''] = audienceIds;
const hourMs = 3_600_000;
const signal = new AbortController().signal;
const words = ['status', '-a', 'dev.yaml', '--hours', '2'];
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

/**
 * A dataflow that exported 10 in the hour before, of which AEP could not send 2, and a hub that
 * took 7 in this hour.
 */
async function started() {
  let agoMs = hourMs;
  const environment = await aepEnvironment({ now: () => Date.now() - agoMs });
  await environment.writeFile(audience('fans', a));
  await environment.aep('apply', '-a', 'dev.yaml', ...hubWords);
  const flowId = String(environment.platform.sandbox().flows()[0]?.id);
  environment.platform.sandbox().countProfiles(flowId, { received: 10, failed: 2 });
  agoMs = 0;
  const address = { namespace: 'local', eventHubName: 'profile-exports', sasKeyName: 'adobe' };
  const hub = hubConnectionString(
    { ...address, sasKey: environment.azure.keys().primary },
    capturedTerminal({ environment: environment.environment }),
  );
  const producer = new EventHubProducerClient(hub);
  await producer.sendBatch(
    Array.from({ length: 7 }, () => ({ body: {} })),
    { partitionId: '1' },
  );
  await producer.close();
  return environment;
}

/**
 * What the function app keeps, with one row of the ledger, one dead letter, and a checkpoint after
 * three of the seven events.
 */
async function fillStores(): Promise<void> {
  const connection = { connectionString: azurite.connectionString };
  const ledger = new TableLedger(tableClient(connection, 'ledger'));
  const deadLetters = new BlobDeadLetters(containerClient(connection, 'dead-letters'));
  const retries = new StorageRetryQueue(containerClient(connection, 'retries'), queueClient(connection, 'retries'));
  await Promise.all([ledger.createTable(signal), deadLetters.createContainer(signal), retries.createStores(signal)]);
  const event = { body: Buffer.from('{}'), partitionId: '1', sequenceNumber: 1, enqueuedAtMs: Date.now() };
  const known = { status: 'realized', isMember: true, qualifiedAtMs: 0, content: '', ...event } as const;
  const key = {
    destination: 'crm',
    identity: { namespace: 'email', value: 'x' },
    audience: { namespace: 'ups', id: a },
  };
  await ledger.write(
    [
      {
        key,
        record: { known, rowState: { is: 'delivered' }, attributes: {}, delivered: known, inDoubt: false },
        expected: undefined,
      },
    ],
    signal,
  );
  const failures = [{ path: '$', reason: 'The body is not JSON.' }];
  await deadLetters.put(
    [{ event, outcome: 'unreadable', class: 'invalid-json', failures, attempts: 0, givenUpAtMs: Date.now() }],
    signal,
  );
  const checkpoints = containerClient(connection, 'azure-webjobs-eventhub');
  await checkpoints.createIfNotExists();
  await new BlobCheckpointStore(checkpoints).updateCheckpoint({
    fullyQualifiedNamespace: '127.0.0.1',
    eventHubName: 'profile-exports',
    consumerGroup: 'activation-hub',
    partitionId: '1',
    sequenceNumber: 2,
    offset: '2',
  });
}

test('AEP’s runs stand beside what the hub took and what became of it', async () => {
  const environment = await started();
  await fillStores();
  const stores = {
    DATA_STORAGE_CONNECTION_STRING: azurite.connectionString,
    AzureWebJobsStorage: azurite.connectionString,
  };
  const { code, output, errors } = await environment.activation(['aep', ...words, ...hubWords], {
    environment: stores,
  });
  expect(errors).toBe('');
  expect(output).toMatch(
    /^Activation Hub dev in the sandbox prod: enabled, 1 audience, 0 attributes, to profile-exports of local\n/,
  );
  const rows = output.split('\n').filter((line) => /^\d{4}-\d\d-\d\d \d\d:00/.test(line));
  // Not by their place: an hour may end while this runs.
  const cells = rows.map((row) => row.split(/ {2,}/).slice(1));
  expect(cells).toHaveLength(3);
  expect(cells.find(([received]) => received !== '–')?.slice(0, 3)).toEqual(['10', '8', '2']);
  const sums = [3, 4, 5, 6, 7].map((column) => cells.reduce((sum, row) => sum + Number(row[column]), 0));
  expect(sums).toEqual([7, 1, 0, 0, 1]);
  expect(output).toContain('! AEP failed to send 2: UPS-DEST-5001 Failed to deliver.');
  expect(output).toContain('AEP says it sent 8, but the event hub took 0.');
  expect(output).toMatch(/! 4 events of the event hub are not yet passed by the function, the oldest since 2/);
  expect(output).toContain('! There are dead letters');
  expect(output).toContain('event hub took: events by the hour');
  expect(code).toBe(0);
});

test('without a hub and stores it says what AEP says, and what is left out', async () => {
  const environment = await started();
  const none = {
    AEP_SAS_KEY: '',
    DATA_STORAGE_CONNECTION_STRING: '',
    AzureWebJobsStorage: '',
    EVENT_HUB_CONNECTION_STRING: '',
  };
  const { output, errors, code } = await environment.activation(['aep', ...words, '--json'], { environment: none });
  expect(errors).toBe('');
  const status = JSON.parse(output) as { hours: { hour: string; aep?: object }[] };
  expect(status).toMatchObject({
    event: 'status',
    destination: { enabled: true, audiences: [{ id: a }] },
    leftOut: [
      expect.stringContaining('The event hub is not'),
      expect.stringContaining('checkpoints'),
      expect.stringContaining('stores'),
    ],
  });
  expect(status.hours.map(({ hour }) => hour.slice(13))).toEqual(Array(3).fill(':00:00.000Z'));
  expect(status.hours.flatMap(({ aep }) => aep ?? [])).toMatchObject([{ received: 10, sent: 8, failed: 2 }]);
  expect(code).toBe(0);
  const prose = await environment.activation(['aep', ...words], { environment: none });
  expect(prose.errors).toContain('note The event hub is not configured: give its options, or --environment.\n');
});

test(
  'a hub that refuses the key is left out with its words, and a missing destination is a failure',
  { timeout: 300_000 },
  async () => {
    const environment = await started();
    const more = { AEP_SAS_KEY: Buffer.from('wrong').toString('base64') };
    const { output, errors, code } = await environment.activation(['aep', ...words, ...hubWords], {
      environment: more,
    });
    expect(output).toMatch(/^hour \(UTC\) +AEP received +AEP sent +AEP failed$/m);
    expect(errors).toContain('note The event hub could not be read: InvalidSignature');
    expect(errors).not.toContain(more.AEP_SAS_KEY);
    expect(code).toBe(0);
    const none = await environment.aep('status', '-a', 'other.yaml');
    expect(none.errors).toMatch(
      /^Failed to find the destination of activation-hub\/other in the sandbox prod: there is none/,
    );
    expect(none.code).toBe(1);
  },
);
