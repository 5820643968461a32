import type { TokenCredential } from '@azure/core-auth';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { RestError, TableClient, type TableServiceClientOptions } from '@azure/data-tables';
import { ContainerClient } from '@azure/storage-blob';
import { QueueClient } from '@azure/storage-queue';
import { refuseWebPages } from './not-the-store.ts';
import { addressFault } from './storage-address.ts';

/**
 * Where a storage account is and how to sign in: a connection string (Azurite, tests), or the
 * endpoints of its services with a credential (Azure, by managed identity). Endpoints as Azure
 * gives them, such as `https://name.table.core.windows.net`. The table endpoint may name several,
 * separated by commas: the ledger is spread over them (`ledger-tables.ts`).
 */
export type StorageConnection =
  | { readonly connectionString: string }
  | {
      readonly tableEndpoint: string;
      readonly blobEndpoint: string;
      readonly queueEndpoint: string;
      readonly credential: TokenCredential;
    };

/**
 * Three tries with short waits: a caller with a deadline must hear of a failure while it can still
 * settle its work.
 */
const triesMax = 3;
const retryDelayMs = 200;
const retryDelayMaxMs = 2_000;
/** How often each request to a table was sent. */
const timesSent = new WeakMap<object, number>();
/**
 * Writes U+2028 and U+2029 in a request as JSON escapes, which the table store reads as the same
 * text: Azurite ends a line of a transaction at them, and refuses the whole.
 */
const escapeSeparators: PipelinePolicy = {
  name: 'activationHubEscapeSeparators',
  sendRequest: (request, next) => {
    const { body } = request;
    if (typeof body === 'string' || Buffer.isBuffer(body)) {
      if (body.includes('\u2028') || body.includes('\u2029'))
        request.body = body.toString().replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
    }
    return next(request);
  },
};
const tableOptions: TableServiceClientOptions = {
  additionalPolicies: [
    { position: 'perCall', policy: escapeSeparators },
    { position: 'perCall', policy: refuseWebPages },
    {
      position: 'perRetry',
      policy: {
        name: 'activationHubCountTimesSent',
        sendRequest: (request, next) => {
          timesSent.set(request, (timesSent.get(request) ?? 0) + 1);
          return next(request);
        },
      },
    },
  ],
  retryOptions: { maxRetries: triesMax - 1, retryDelayInMs: retryDelayMs, maxRetryDelayInMs: retryDelayMaxMs },
};
const pipelineOptions = {
  retryOptions: { maxTries: triesMax, retryDelayInMs: retryDelayMs, maxRetryDelayInMs: retryDelayMaxMs },
};

/**
 * A client of one table. Nothing is sent yet. Throws, as the two others do, when the connection
 * cannot be understood or would send data over plain http to another machine.
 */
export function tableClient(connection: StorageConnection, tableName: string): TableClient {
  return checked('table', () => {
    // Allowed here, and refused by `checked` for every endpoint but this machine's own.
    const options = { ...tableOptions, allowInsecureConnection: true };
    return 'connectionString' in connection
      ? TableClient.fromConnectionString(connection.connectionString, tableName, options)
      : new TableClient(connection.tableEndpoint, tableName, connection.credential, options);
  });
}

/**
 * Whether the request of a table that failed with this error of the SDK had been sent before,
 * without an answer that counts: what it asks for may have been done then.
 */
export function wasSentBefore(error: unknown): boolean {
  const request = error instanceof RestError ? error.request : undefined;
  return request !== undefined && (timesSent.get(request) ?? 0) > 1;
}

/** The part of a storage account that a blob container needs. */
export type BlobConnection =
  { readonly connectionString: string } | { readonly blobEndpoint: string; readonly credential: TokenCredential };

/** A client of one blob container. */
export function containerClient(connection: BlobConnection, containerName: string): ContainerClient {
  return checked('blob', () =>
    'connectionString' in connection
      ? new ContainerClient(connection.connectionString, containerName, pipelineOptions)
      : new ContainerClient(within(connection.blobEndpoint, containerName), connection.credential, pipelineOptions),
  );
}

/** A client of one queue. */
export function queueClient(connection: StorageConnection, queueName: string): QueueClient {
  return checked('queue', () =>
    'connectionString' in connection
      ? new QueueClient(connection.connectionString, queueName, pipelineOptions)
      : new QueueClient(within(connection.queueEndpoint, queueName), connection.credential, pipelineOptions),
  );
}

/** Whether a client talks to an emulator: plain http, which no other store is allowed. */
export function isEmulator(client: { readonly url: string }): boolean {
  return new URL(client.url).protocol === 'http:';
}

/**
 * Whether a client of a table talks to Cosmos DB for Table, which takes less in a transaction; the
 * SDK tells by the same hosts.
 */
export function isCosmos(client: { readonly url: string }): boolean {
  return /\.table\.cosmos(?:db)?\./.test(new URL(client.url).hostname);
}

function within(endpoint: string, name: string): string {
  return `${endpoint.replace(/\/+$/, '')}/${name}`;
}

function checked<Client extends { readonly url: string }>(service: string, make: () => Client): Client {
  let client: Client;
  let host: string;
  try {
    client = make();
    ({ host } = new URL(client.url));
  } catch {
    // Without the cause: the SDK's errors may quote the connection string, and that holds the
    // account's key.
    throw new Error(
      `Failed to connect to the ${service} store: its connection string or endpoint cannot be understood. ` +
        'Copy it again from the storage account, or from what the emulator printed.',
    );
  }
  const fault = addressFault(client.url);
  if (fault !== undefined) throw new Error(`Failed to connect to the ${service} store at ${host}: ${fault}`);
  return client;
}
