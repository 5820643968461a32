import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { buildApp } from '../testing/built-app.ts';
import { eventHubBench, type Batch, type EventHubBench } from '../testing/event-hub.ts';
import type { HostProcessOptions } from '../testing/host-process.ts';
import { eventually } from '../testing/running-host.ts';

let azurite: Azurite;
beforeAll(async () => (azurite = await startAzurite()));
afterAll(() => azurite.stop());

const partitions = ['0', '1', '2', '3'];
const nameOf = (owner: string): string => owner.replace(/-[0-9a-f]{8}-[0-9a-f-]{27}$/, '');

/** Resolves when every partition belongs to one of these hosts, and each has an equal part. */
async function sharedBy(bench: EventHubBench, ...hosts: string[]): Promise<void> {
  await eventually(
    async () => {
      const owners = Object.values(await bench.owners()).map(nameOf);
      const parts = hosts.map((host) => owners.filter((owner) => owner === host).length);
      return parts.every((part) => part === partitions.length / hosts.length) ? true : undefined;
    },
    `the partitions are shared by ${hosts.join(' and ')}`,
  );
}

async function sendToAll(bench: EventHubBench, text: string): Promise<void> {
  for (const partition of partitions) await bench.send([text], partition);
}

test('two hosts share the partitions, each event goes to one of them, and one takes all when the other stops', async () => {
  const bench = await eventHubBench(azurite.connectionString, { partitionCount: 4 });
  // A host that did not give its partitions back would keep them for an hour.
  const loadBalancing = { partitionOwnershipExpirationMs: 3_600_000 };
  const first = await bench.run({ instanceName: 'first', loadBalancing });
  await sharedBy(bench, 'first');
  const second = await bench.run({ instanceName: 'second', loadBalancing });
  await sharedBy(bench, 'first', 'second');
  await sendToAll(bench, 'shared');
  const batches = [...(await first.reported<Batch>('BATCH', 2)), ...(await second.reported<Batch>('BATCH', 2))];
  expect(batches.map(({ partitionId }) => partitionId).sort()).toEqual(partitions);

  await first.host.stop();
  await sharedBy(bench, 'second');
  await sendToAll(bench, 'all mine');
  const taken = (await second.reported<Batch>('BATCH', 6)).slice(2);
  expect(taken.map(({ partitionId }) => partitionId).sort()).toEqual(partitions);
});

test('when a host is killed, another takes its partitions within seconds and goes on behind its checkpoints', async () => {
  const bench = await eventHubBench(azurite.connectionString, { partitionCount: 4 });
  const child = fork(fileURLToPath(new URL('../testing/host-process.ts', import.meta.url)), { execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const options: HostProcessOptions = {
    appFolder: await buildApp({ fixture: 'event-hub' }),
    settings: bench.settings,
    instanceName: 'killed',
  };
  child.send(options);
  await sharedBy(bench, 'killed');
  await sendToAll(bench, 'before');
  for (const partition of partitions) await bench.checkpointReaches(0, partition);

  const survivor = await bench.run({ instanceName: 'survivor' });
  await sharedBy(bench, 'killed', 'survivor');
  child.kill('SIGKILL');
  await sharedBy(bench, 'survivor');
  await sendToAll(bench, 'after');
  const batches = await survivor.reported<Batch>('BATCH', 4);
  expect(batches.map(({ bodies }) => bodies.join())).toEqual(Array(4).fill('after'));
});

test('a batch that ends after its partition was taken writes no checkpoint', async () => {
  const bench = await eventHubBench(azurite.connectionString);
  const { reported, finished, logged, until } = await bench.run();
  await bench.send(['slow']);
  await reported<Batch>('BATCH', 1);
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    'azure-webjobs-eventhub',
  );
  const ownership = container.getBlobClient('127.0.0.1/exports/functions/ownership/0');
  await ownership.setMetadata({ ownerid: 'another-host' });
  await until(
    () => logged.some(({ message }) => message === 'Another host has taken partition 0.'),
    'the partition is lost',
  );
  await bench.endSlow();
  await until(() => finished.length === 1, 'the batch has ended');
  expect(finished).toMatchObject([{ failed: false }]);
  // The other host is not really there, so its ownership expires, and the batch comes again: proof
  // that nothing was written.
  const [, again] = await reported<Batch>('BATCH', 2);
  expect(again?.bodies).toEqual(['slow']);
  await bench.checkpointReaches(0);
});
