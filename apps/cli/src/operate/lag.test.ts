import { containerClient } from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import { expect, onTestFinished, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { startDeployedEnvironment } from '../../testing/deployed-environment.ts';
import { runActivation } from '../../testing/run-activation.ts';
import { lagLines } from './lag.ts';
import { run } from '../main.ts';

/**
 * A hub of which partition 1 has six events, four of them settled, and a way to run the command on
 * it.
 */
async function startHub() {
  const azurite = await startAzurite({});
  onTestFinished(() => azurite.stop());
  const hub = await startEventHubsEmulator({
    eventHubs: [{ name: 'profile-exports', partitionCount: 2, consumerGroups: ['activation-hub'] }],
    now: () => Date.now() - 90_000,
  });
  onTestFinished(() => hub.stop());
  const checkpoints = containerClient(azurite, 'azure-webjobs-eventhub');
  await checkpoints.create();
  const producer = new EventHubProducerClient(hub.connectionString(), 'profile-exports');
  await producer.sendBatch(
    Array.from({ length: 6 }, (_, body) => ({ body })),
    { partitionId: '1' },
  );
  await new BlobCheckpointStore(checkpoints).updateCheckpoint({
    fullyQualifiedNamespace: producer.fullyQualifiedNamespace,
    eventHubName: 'profile-exports',
    consumerGroup: 'activation-hub',
    partitionId: '1',
    sequenceNumber: 3,
    offset: '3',
  });
  await producer.close();
  return async (...words: string[]) => {
    const terminal = capturedTerminal({});
    const hubWords = ['--connection-string', hub.connectionString(), '--event-hub', 'profile-exports'];
    const code = await run(['lag', ...hubWords, '--host-storage', azurite.connectionString, ...words], terminal);
    return { code, printed: terminal.printed, said: terminal.said };
  };
}

test('each partition says what was enqueued last, where the checkpoint is, and what is between them', async () => {
  const lag = await startHub();
  const { code, printed } = await lag();
  expect(code).toBe(0);
  expect(printed).toEqual([
    expect.stringMatching(/^partition {2}last enqueued {2}when {5,}checkpoint {2}behind {2}oldest of these$/),
    expect.stringMatching(/^0 {10}– {14}– {8,}– {11}0 {7}–$/),
    expect.stringMatching(/^1 {10}5 {14}\d+ s ago {2,}3 {11}2 {7}\d+ s ago$/),
    expect.stringMatching(/^2 events are not settled; the oldest came \d+ s ago\.$/),
  ]);
  const { printed: json } = await lag('--json');
  expect(JSON.parse(json[0] ?? '')).toMatchObject({
    event: 'lag',
    partitions: [
      { partitionId: '0', events: 0 },
      { partitionId: '1', events: 2, lastEnqueuedSequenceNumber: 5, checkpointSequenceNumber: 3 },
    ],
  });
  // Of another group everything is behind: it has no checkpoint.
  const other = await lag('--consumer-group', 'somebody-else');
  expect(other.printed.at(-1)).toMatch(/^6 events are not settled/);
});

test('where nothing listens the way out is named, and a key is never said', async () => {
  const nowhere =
    'Endpoint=sb://127.0.0.1:9/;SharedAccessKeyName=a;SharedAccessKey=very-secret;EntityPath=p;UseDevelopmentEmulator=true';
  const terminal = capturedTerminal({});
  expect(await run(['lag', '--connection-string', nowhere], terminal)).toBe(1);
  expect(terminal.said.join('\n')).toMatch(
    /^Failed to read how far the function app is behind: .* Check the connection strings/,
  );
  expect(terminal.said.join('\n')).not.toContain('very-secret');
});

test('of a hub in Azure the checkpoints are not looked for on this machine', async () => {
  const terminal = capturedTerminal({});
  const elsewhere =
    'Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=b;EntityPath=p';
  expect(await run(['lag', '--connection-string', elsewhere], terminal)).toBe(2);
  expect(terminal.said.join('\n')).toContain('give --host-storage, or set AzureWebJobsStorage');
});

test('a hub that is empty and one that is settled say so', () => {
  expect(lagLines([{ partitionId: '0', events: 0 }], 0).at(-1)).toBe('Nothing is behind.');
  expect(lagLines([{ partitionId: '0', events: 1, oldestEnqueuedAtMs: 0 }], 2_000).at(-1)).toBe(
    '1 event is not settled; the oldest came 2.0 s ago.',
  );
});

test(
  'an environment is asked with the rights of the person, and a role that is missing is named',
  { timeout: 300_000 },
  async () => {
    const environment = await startDeployedEnvironment();
    onTestFinished(() => environment.stop());
    const { folder, variables, roles } = environment;
    const lag = () => runActivation(['lag', '--environment', 'dev', '--json'], { folder, environment: variables });
    const seen = await lag();
    expect(seen.errors).toBe('');
    expect(JSON.parse(seen.output)).toMatchObject({
      partitions: [
        { partitionId: '0', events: 0 },
        { partitionId: '1', events: 3, lastEnqueuedSequenceNumber: 2 },
      ],
    });
    roles.delete('Azure Event Hubs Data Receiver');
    expect(await lag()).toMatchObject({
      code: 1,
      output: '',
      errors: expect.stringContaining('You lack the role Azure Event Hubs Data Receiver') as string,
    });
    roles.add('Azure Event Hubs Data Receiver');
    roles.delete('Storage Blob Data Reader');
    expect((await lag()).errors).toContain('You lack the role Storage Blob Data Reader');
  },
);
