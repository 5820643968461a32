import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createPlainServer } from 'node:http';
import { createServer, request as forward } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import {
  BlobControls,
  BlobDeadLetters,
  containerClient,
  ledgerTables,
  queueClient,
  SpreadLedger,
  StorageRetryQueue,
} from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { checkpointContainer, dataStores } from '@activation-hub/handler-contract';
import { EventHubProducerClient } from '@azure/event-hubs';
import { newSigningSecret } from '../src/traffic/local/example.ts';
import { startReceiver } from '../src/traffic/local/receiver.ts';
import { seedEnvironment, vipId, newsId } from './environment-seed.ts';

/** The roles of Azure that an operator needs, as `activation console --help` names them. */
export const operatorRoles = [
  'Storage Blob Data Contributor',
  'Storage Queue Data Contributor',
  'Storage Table Data Contributor',
  'Storage Blob Data Reader',
  'Azure Event Hubs Data Receiver',
  'Key Vault Secrets User',
] as const;
export type OperatorRole = (typeof operatorRoles)[number];

/** An environment as it is in Azure, on this machine. */
export interface DeployedEnvironment {
  /**
   * Where a command is run: it has an `infra` folder, a `pulumi` and an `az`, and `pulumi.asked`
   * and `az.asked` with the words of each call.
   */
  readonly folder: string;
  /** With what it is run. */
  readonly variables: Readonly<Record<string, string>>;
  /** Roles of the person who is signed in; changed while everything runs. */
  readonly roles: Set<OperatorRole>;
  readonly stores: Awaited<ReturnType<typeof openStores>>;
  /** What the CRM was told, such as `exited vip`. */
  readonly told: readonly string[];
  stop(): Promise<void>;
}

const certificates = join(import.meta.dirname, '../../../libs/destination-kit/fixtures/mutual-tls');
const person = 'ada@contoso.example';
const inADay = Math.floor(Date.now() / 1_000) + 86_400;

/**
 * Starts storage that takes tokens of Microsoft Entra ID (Azurite over https) behind servers that
 * know the person's roles, an event hub that takes such tokens, a vault and a receiver that stands
 * for the CRM, and fills the stores with what a function app leaves there.
 */
export async function startDeployedEnvironment(): Promise<DeployedEnvironment> {
  const ends: (() => unknown)[] = [];
  const roles = new Set<OperatorRole>(operatorRoles);
  const pem = (name: string): string => join(certificates, `${name}.pem`);
  const azurite = await startAzurite({ accounts: 2, https: { certificate: pem('server'), key: pem('server-key') } });
  ends.push(() => azurite.stop());
  const hub = await startEventHubsEmulator({
    tls: {},
    eventHubs: [{ name: 'profile-exports', partitionCount: 2, consumerGroups: ['activation-hub'] }],
    entraRights: ({ upn }) => (upn === person && roles.has('Azure Event Hubs Data Receiver') ? ['Listen'] : []),
  });
  ends.push(() => hub.stop());
  const authorities = [await readFile(pem('authority'), 'utf8'), hub.tls?.authority ?? ''];
  setDefaultCACertificates([...getCACertificates('default'), ...authorities]);

  const signingSecret = newSigningSecret();
  const told: string[] = [];
  const receiver = await startReceiver(signingSecret, (changes) =>
    told.push(...changes.map(({ change, audience }) => `${change} ${audience}`)),
  );
  ends.push(() => receiver.stop());
  const vault = await listen(createPlainServer(vaultAnswers(roles, signingSecret)));
  ends.push(vault.stop);

  const front = async (port: number, role: OperatorRole, account = 1) => {
    const started = await startFront(port, () => roles.has(role), pem);
    ends.push(started.stop);
    return `https://127.0.0.1:${started.port}/devstoreaccount${account}/`;
  };
  // The ledger is spread over both accounts.
  const ledgerFronts = await Promise.all(
    [1, 2].map((account) => front(azurite.tablePort, 'Storage Table Data Contributor', account)),
  );
  const outputs = {
    dataBlobEndpoint: await front(azurite.blobPort, 'Storage Blob Data Contributor'),
    dataQueueEndpoint: await front(azurite.queuePort, 'Storage Queue Data Contributor'),
    dataTableEndpoint: ledgerFronts.join(','),
    checkpointEndpoint: await front(azurite.blobPort, 'Storage Blob Data Reader'),
    eventHubsHostName: `localhost:${hub.tls?.port ?? 0}`,
    eventHubName: 'profile-exports',
    consumerGroup: 'activation-hub',
    vault: `http://127.0.0.1:${vault.port}`,
  };
  const folder = await writeFolder(outputs, receiver.url, authorities);
  ends.push(() => rm(folder, { recursive: true, force: true }));

  const stores = await openStores(azurite.connectionStrings);
  await seedEnvironment(stores, Date.now());
  await sendSome(hub.connectionString());
  return {
    folder,
    variables: {
      PATH: `${folder}${delimiter}${process.env.PATH ?? ''}`,
      AZURE_TOKEN_CREDENTIALS: 'AzureCLICredential',
      NODE_EXTRA_CA_CERTS: join(folder, 'authorities.pem'),
      // The CRM is on this machine, too.
      ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true',
    },
    roles,
    stores,
    told,
    stop: async () => {
      for (const end of ends.reverse()) await end();
    },
  };
}

/**
 * What the command finds: the project with its file, and `pulumi` and `az` as they answer a
 * signed-in user.
 */
async function writeFolder(outputs: object, crmUrl: string, authorities: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'activation-environment-'));
  await mkdir(join(folder, 'infra'));
  await mkdir(join(folder, 'apps', 'handler', 'activations'), { recursive: true });
  await writeFile(join(folder, 'infra', 'Pulumi.yaml'), 'name: activation-hub\n');
  await writeFile(join(folder, 'authorities.pem'), authorities.join('\n'));
  await writeFile(join(folder, 'apps', 'handler', 'activations', 'dev.yaml'), fileOf(crmUrl));
  const claims = {
    aud: 'https://storage.azure.com',
    iss: 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/',
    iat: 0,
    nbf: 0,
    exp: inADay,
    upn: person,
  };
  const accessToken = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.e30`;
  const commands = { pulumi: outputs, az: { accessToken, expires_on: inADay, tokenType: 'Bearer' } };
  for (const [command, printed] of Object.entries(commands)) {
    const script = `#!/bin/sh\necho "$*" >> '${join(folder, `${command}.asked`)}'\necho '${JSON.stringify(printed)}'\n`;
    await writeFile(join(folder, command), script, { mode: 0o755 });
  }
  return folder;
}

function fileOf(crmUrl: string): string {
  return `version: 1
destinations:
  crm:
    type: webhook
    settings:
      url: "${crmUrl}"
      signingSecret: { secret: crm-signing-secret }
  ads:
    type: webhook
    settings:
      url: https://ads.example.com/audiences
      signingSecret: { secret: ads-signing-secret }
audiences:
  vip:
    id: ${vipId}
    activate:
      - { destination: crm, identity: crmid, attributes: { firstName: person.name.firstName } }
      - { destination: ads, identity: email }
  newsletter:
    id: ${newsId}
    activate:
      - { destination: crm, identity: crmid }
`;
}

async function openStores(connectionStrings: readonly string[]) {
  const signal = AbortSignal.timeout(240_000);
  const accounts = connectionStrings.map((connectionString) => ({ connectionString }));
  const connection = { connectionString: connectionStrings[0] ?? '' };
  const stores = {
    ledger: new SpreadLedger(ledgerTables(accounts)),
    deadLetters: new BlobDeadLetters(containerClient(connection, dataStores.containers.deadLetters)),
    retryQueue: new StorageRetryQueue(
      containerClient(connection, dataStores.containers.retries),
      queueClient(connection, dataStores.queues.retries),
    ),
    controls: new BlobControls(containerClient(connection, dataStores.containers.controls)),
  };
  await stores.ledger.createTables(signal);
  await stores.deadLetters.createContainer(signal);
  await stores.retryQueue.createStores(signal);
  await stores.controls.createContainer(signal);
  await containerClient(connection, checkpointContainer).createIfNotExists();
  return stores;
}

/** Three events that no reader has taken yet. */
async function sendSome(connectionString: string): Promise<void> {
  const producer = new EventHubProducerClient(connectionString, 'profile-exports');
  await producer.sendBatch([{ body: {} }, { body: {} }, { body: {} }], { partitionId: '1' });
  await producer.close();
}

interface Front {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/**
 * Stands before a service of Azurite as Azure's own check of roles does: without the role it
 * answers 403 (AuthorizationPermissionMismatch).
 */
async function startFront(port: number, isAllowed: () => boolean, pem: (name: string) => string): Promise<Front> {
  const [cert, key] = await Promise.all([readFile(pem('server')), readFile(pem('server-key'))]);
  return await listen(
    createServer({ cert, key }, (incoming, response) => {
      if (isAllowed()) passOn(incoming, response, port);
      else {
        incoming.resume();
        const headers = { 'x-ms-error-code': 'AuthorizationPermissionMismatch', 'content-type': 'application/xml' };
        response.writeHead(403, headers).end();
      }
    }),
  );
}

function passOn(incoming: IncomingMessage, response: ServerResponse, port: number): void {
  const { method, url, headers } = incoming;
  const outgoing = forward({ host: '127.0.0.1', port, method, path: url, headers }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  outgoing.once('error', () => incoming.socket.destroy());
  incoming.pipe(outgoing);
}

/** Key Vault's answer to a read of a secret (REST reference, "Get Secret"). */
function vaultAnswers(roles: ReadonlySet<OperatorRole>, value: string) {
  return ({ url = '' }: IncomingMessage, response: ServerResponse): void => {
    const isThere = /^\/secrets\/(crm|ads)-signing-secret\?/.test(url);
    const status = roles.has('Key Vault Secrets User') ? (isThere ? 200 : 404) : 403;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ value }));
  };
}

async function listen(server: Server & { closeAllConnections(): void }): Promise<Front> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
