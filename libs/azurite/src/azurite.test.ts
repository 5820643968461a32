import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { QueueServiceClient, type QueueClient } from '@azure/storage-queue';
import { expect, onTestFinished, test } from 'vitest';
import { startAzurite, type Azurite, type AzuriteOptions } from './azurite.ts';

type Connection = Pick<Azurite, 'connectionString'>;
const containerClient = ({ connectionString }: Connection, name: string): ContainerClient =>
  BlobServiceClient.fromConnectionString(connectionString).getContainerClient(name);
const queueClient = ({ connectionString }: Connection, name: string): QueueClient =>
  QueueServiceClient.fromConnectionString(connectionString).getQueueClient(name);
const tableClient = ({ connectionString }: Connection, name: string): TableClient =>
  TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true });

async function start(options?: AzuriteOptions): Promise<Azurite> {
  const azurite = await startAzurite(options);
  onTestFinished(() => azurite.stop());
  return azurite;
}

async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test('two in memory run side by side, on ports of their own, and know nothing of each other', async () => {
  const [first, second] = await Promise.all([start(), start()]);
  expect(new Set([first, second].flatMap((each) => [each.blobPort, each.queuePort, each.tablePort])).size).toBe(6);
  await containerClient(first, 'something').create();
  expect(await containerClient(first, 'something').exists()).toBe(true);
  expect(await containerClient(second, 'something').exists()).toBe(false);
});

test('a data folder keeps blobs, messages and rows over a restart on the same ports', async () => {
  const folder = join(await dataFolder(), 'made', 'when', 'missing');
  const first = await start({ dataFolder: folder });
  await containerClient(first, 'something').create();
  await containerClient(first, 'something').getBlockBlobClient('a').upload('kept', 4);
  await queueClient(first, 'something').create();
  await queueClient(first, 'something').sendMessage('kept');
  await tableClient(first, 'something').createTable();
  await tableClient(first, 'something').createEntity({ partitionKey: 'p', rowKey: 'r', column: 'kept' });
  await first.stop();
  const ports = { blob: first.blobPort, queue: first.queuePort, table: first.tablePort };
  const second = await start({ dataFolder: folder, ports });
  expect(second.connectionString).toBe(first.connectionString);
  expect((await containerClient(second, 'something').getBlobClient('a').downloadToBuffer()).toString()).toBe('kept');
  expect(
    (await queueClient(second, 'something').peekMessages()).peekedMessageItems.map(({ messageText }) => messageText),
  ).toEqual(['kept']);
  expect(await tableClient(second, 'something').getEntity('p', 'r')).toMatchObject({ column: 'kept' });
});

test('a port that is taken is named', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void holder.close());
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  for (const ports of [{ blob: port }, { queue: port }, { table: port }]) {
    await expect(startAzurite({ ports })).rejects.toThrow(
      `Failed to start Azurite: port ${port} of 127.0.0.1 is taken.`,
    );
  }
});

test('a stop ends the process, and a second stop is no harm', async () => {
  const azurite = await start();
  await azurite.stop();
  await azurite.exited;
  expect(await listens(azurite.tablePort)).toBe(false);
  await azurite.stop();
});

test('it outlives an interrupt that its parent survives, and ends when its parent is killed', async () => {
  const program = `
    import { startAzurite } from ${JSON.stringify(new URL('azurite.ts', import.meta.url).href)};
    const { connectionString, tablePort } = await startAzurite();
    process.on('SIGINT', () => console.log('interrupted'));
    console.log(JSON.stringify({ connectionString, tablePort }));`;
  // A group of its own, as a terminal gives one to what it runs; and an account that Azurite is not
  // to take.
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    detached: true,
    env: { AZURITE_ACCOUNTS: 'somebody:a2V5' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const lines = createInterface({ input: parent.stdout });
  const [ready] = (await once(lines, 'line')) as [string];
  const azurite = JSON.parse(ready) as { connectionString: string; tablePort: number };

  const interrupted = once(lines, 'line');
  process.kill(-(parent.pid ?? 0), 'SIGINT');
  expect(await interrupted).toEqual(['interrupted']);
  for (const name of ['one', 'two', 'three']) await tableClient(azurite, name).createTable();

  parent.kill('SIGKILL');
  const deadlineMs = performance.now() + 120_000;
  while ((await listens(azurite.tablePort)) && performance.now() < deadlineMs) await pause(20);
  expect(await listens(azurite.tablePort)).toBe(false);
});

test('with a certificate it takes tokens of Microsoft Entra ID, as a storage account of Azure does, and no other ones', async () => {
  const pem = (name: string): string =>
    join(import.meta.dirname, '../../destination-kit/fixtures/mutual-tls', `${name}.pem`);
  const azurite = await start({ https: { certificate: pem('server'), key: pem('server-key') } });
  setDefaultCACertificates([...getCACertificates('default'), await readFile(pem('authority'), 'utf8')]);
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const signedIn = (over: object) => {
    const claims = {
      aud: 'https://storage.azure.com',
      iss: 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/',
      iat: nowSeconds - 60,
      nbf: nowSeconds - 60,
      exp: nowSeconds + 3_600,
      ...over,
    };
    const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.e30`;
    const credential = { getToken: () => Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
    const address = `https://127.0.0.1:${azurite.blobPort}/devstoreaccount1`;
    return new BlobServiceClient(address, credential).getContainerClient('something');
  };
  await signedIn({}).create();
  expect(await containerClient(azurite, 'something').exists()).toBe(true);
  await expect(signedIn({ exp: nowSeconds - 1 }).exists()).rejects.toMatchObject({ statusCode: 403 });
  await expect(signedIn({ aud: 'https://vault.azure.net' }).exists()).rejects.toMatchObject({ statusCode: 403 });
});
