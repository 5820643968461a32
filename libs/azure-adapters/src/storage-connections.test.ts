import type { TokenCredential } from '@azure/core-auth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { containerClient, queueClient, tableClient, type StorageConnection } from './storage-connections.ts';

const credential: TokenCredential = { getToken: () => Promise.resolve(null) };
const clients = [tableClient, containerClient, queueClient];
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

function endpoints(origin: (service: string) => string): StorageConnection {
  return { tableEndpoint: origin('table'), blobEndpoint: origin('blob'), queueEndpoint: origin('queue'), credential };
}

test('a connection string leads to all three services', async () => {
  await tableClient(azurite, 'something').createTable();
  await containerClient(azurite, 'something').create();
  const queue = queueClient(azurite, 'something');
  await queue.create();
  await queue.sendMessage('hello');
  expect((await queue.receiveMessages()).receivedMessageItems.map(({ messageText }) => messageText)).toEqual(['hello']);
});

test.each(['', '/'])('endpoints that end with "%s" lead to the things in them', (end) => {
  const connection = endpoints((service) => `https://contoso.${service}.core.windows.net${end}`);
  expect(tableClient(connection, 'ledger').tableName).toBe('ledger');
  expect(new URL(tableClient(connection, 'ledger').url).host).toBe('contoso.table.core.windows.net');
  expect(containerClient(connection, 'dead-letters').url).toBe('https://contoso.blob.core.windows.net/dead-letters');
  expect(queueClient(connection, 'retry').url).toBe('https://contoso.queue.core.windows.net/retry');
});

test.each(clients)('plain http to another machine is refused by %o', (client) => {
  const connection = endpoints((service) => `http://${service}.contoso.example/account`);
  expect(() => client(connection, 'something')).toThrow(
    /^Failed to connect to the (\w+) store at \1\.contoso\.example: plain http is allowed only to an emulator/,
  );
  const elsewhere = { connectionString: azurite.connectionString.replaceAll('127.0.0.1', '10.0.0.7') };
  expect(() => client(elsewhere, 'something')).toThrow('plain http is allowed only to an emulator on this machine');
});

test.each(clients)('a connection that cannot be understood is refused without being quoted by %o', (client) => {
  for (const connectionString of ['', 'hunter2', 'AccountName=a;AccountKey=hunter2;DefaultEndpointsProtocol=https']) {
    const refused = (() => {
      try {
        return client({ connectionString }, 'something');
      } catch (error) {
        return error as Error;
      }
    })();
    expect(refused).toBeInstanceOf(Error);
    expect((refused as Error).message).toContain('cannot be understood');
    expect((refused as Error).stack).not.toContain('hunter2');
    expect((refused as Error).cause).toBeUndefined();
  }
  expect(() =>
    client(
      endpoints(() => 'not a url'),
      'something',
    ),
  ).toThrow('cannot be understood');
});
