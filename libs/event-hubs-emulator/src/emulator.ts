import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AmqpServer } from './amqp-server.ts';
import { makeCertificates } from './certificate.ts';
import { ClientConnection } from './client-connection.ts';
import type { EntraRights } from './entra-token.ts';
import { EventHub, type EventHubDefinition } from './event-hub.ts';
import { InjectedFaults, type Faults } from './faults.ts';
import { PartitionLogFile } from './partition-log-file.ts';
import { PartitionLog, type Retention } from './partition-log.ts';
import { SharedAccessKeys, type SharedAccessKey, type WhichKey } from './shared-access-signature.ts';

export interface EventHubsEmulatorOptions {
  /** Default 0: a free one. */
  readonly port?: number;
  /**
   * The address to listen on, default 127.0.0.1. Containers and other machines reach `0.0.0.0`, and
   * so does every client on the network that has the key.
   */
  readonly host?: string;
  /** With it, every port takes TLS too, with a certificate that is made now. */
  readonly tls?: TlsOptions;
  /**
   * A second port for `GET /health`, which the first answers too: Microsoft's emulator has 5300.
   */
  readonly healthPort?: number;
  /**
   * The server asks clients to send something this often, and closes them after twice this time of
   * silence. Default 120,000 as the service.
   */
  readonly idleTimeoutMs?: number;
  readonly eventHubs: readonly EventHubDefinition[];
  /** Default: `RootManageSharedAccessKey` with all rights on the namespace and random keys. */
  readonly keys?: readonly SharedAccessKey[];
  /**
   * What a token of Microsoft Entra ID allows, by its claims; their signature is not verified. Left
   * out, such tokens are refused. The SDKs send them over TLS alone.
   */
  readonly entraRights?: EntraRights;
  /** Per partition; default 1,000,000 events, 64 MiB of content, 24 hours. */
  readonly retention?: Partial<Retention>;
  /**
   * Where events are kept over restarts; left out, they are kept in memory only. For one emulator
   * at a time.
   */
  readonly dataFolder?: string;
  /**
   * Milliseconds since 1970: for enqueued times, expiry of tokens, retention and throttling.
   * Default `Date.now`.
   */
  readonly now?: () => number;
}

export interface TlsOptions {
  /** A port beside the first one, for clients that expect TLS elsewhere: the service has 5671. */
  readonly port?: number;
  /**
   * Host names and addresses for which the certificate is good, beside `localhost`, 127.0.0.1, ::1
   * and `host`.
   */
  readonly hosts?: readonly string[];
}

/** What clients need for TLS. */
export interface TlsStatus {
  readonly port: number;
  /** The certificate of the authority that clients must trust, in PEM. */
  readonly authority: string;
  /** The same as a file, which `stop` removes. */
  readonly authorityFile: string;
}

export interface PartitionStatus {
  readonly partitionId: string;
  readonly beginSequenceNumber: number;
  /** -1 when the partition never had an event. */
  readonly lastSequenceNumber: number;
  /** Bytes of content kept. */
  readonly bytes: number;
}

export interface EventHubsEmulator {
  readonly port: number;
  /** Undefined without `tls`. */
  readonly tls: TlsStatus | undefined;
  readonly faults: Faults;
  /**
   * A connection string with the primary key of this name, default the first key. Without
   * `entityPath` it names the Event Hub only when the key is confined to one. `host` is the name by
   * which the reader reaches this machine, for example `host.docker.internal`; default is the
   * address listened on, or 127.0.0.1 for all addresses. With `tls` the string has the port for TLS
   * and does without `UseDevelopmentEmulator`, at which the SDKs leave TLS out. Throws when there
   * is no such key, or no TLS.
   */
  connectionString(options?: {
    readonly keyName?: string;
    readonly entityPath?: string;
    readonly host?: string;
    readonly tls?: boolean;
  }): string;
  /** Throws when there is one of this name, or the definition is not allowed. */
  createEventHub(definition: EventHubDefinition): void;
  /** Does nothing when it is there. Throws when there is no such Event Hub. */
  addConsumerGroup(eventHubName: string, consumerGroup: string): void;
  /** Replaces one of the two keys by a random one and returns it. Links that are open stay open. */
  regenerateKey(keyName: string, which: WhichKey, eventHubName?: string): string;
  /** In order of partition. Throws when there is no such Event Hub. */
  partitions(eventHubName: string): PartitionStatus[];
  /** Tells the clients, closes sockets and files. A second call waits for the first. */
  stop(): Promise<void>;
}

const messageBytesMax = 1024 * 1024;
/** What the service announces when a connection opens, as the logs of its SDKs show. */
const defaultIdleTimeoutMs = 120_000;
const defaultRetention: Retention = { eventsMax: 1_000_000, bytesMax: 64 * 1024 * 1024, ageMaxMs: 24 * 60 * 60 * 1000 };
const rootKey: SharedAccessKey = { name: 'RootManageSharedAccessKey', rights: ['Manage', 'Send', 'Listen'] };

/**
 * Starts an Event Hubs namespace on this machine. Rejects when the port is taken, when a definition
 * is not allowed, or when the data folder cannot be read.
 */
export async function startEventHubsEmulator(options: EventHubsEmulatorOptions): Promise<EventHubsEmulator> {
  const now = options.now ?? Date.now;
  const host = options.host ?? '127.0.0.1';
  const retention = checkRetention({ ...defaultRetention, ...options.retention });
  const keys = new SharedAccessKeys(options.keys ?? [rootKey]);
  const eventHubs = new Map<string, EventHub>();
  const logs: PartitionLog[] = [];
  const findEventHub = (name: string) => eventHubs.get(name.toLowerCase());

  const createEventHub = (definition: EventHubDefinition) => {
    const key = definition.name.toLowerCase();
    if (eventHubs.has(key)) throw new RangeError(`Failed to create the Event Hub ${definition.name}: it exists.`);
    const openPartition = (partitionId: string) => {
      const { dataFolder } = options;
      const folder = dataFolder === undefined ? undefined : join(dataFolder, key, partitionId);
      const log = openPartitionLog({ retention, now }, folder);
      logs.push(log);
      return log;
    };
    eventHubs.set(key, new EventHub(definition, now(), openPartition));
  };
  const existing = (name: string): EventHub => {
    const eventHub = findEventHub(name);
    if (eventHub === undefined) throw new RangeError(`Failed to find the Event Hub ${name}: there is none.`);
    return eventHub;
  };
  const closeLogs = () => logs.forEach((log) => log.close());

  const certificates = options.tls && makeCertificates(certificateHosts(host, options.tls), Date.now());
  const namespace = {
    findEventHub,
    keys,
    entraRights: options.entraRights,
    faults: new InjectedFaults(now, () => server.dropConnections()),
    now,
    messageBytesMax,
  };
  const server: AmqpServer = new AmqpServer({
    messageBytesMax,
    idleTimeoutMs: options.idleTimeoutMs ?? defaultIdleTimeoutMs,
    ...(certificates ? { tls: certificates } : {}),
    health: () => ({ status: 'healthy', eventHubs: [...eventHubs.values()].map(({ name }) => name) }),
    serve: (connection, stream) => new ClientConnection(connection, stream, namespace),
  });
  let port: number;
  let tls: TlsStatus | undefined;
  try {
    for (const definition of options.eventHubs) createEventHub(definition);
    port = await server.listen(host, options.port ?? 0);
    if (options.healthPort !== undefined) await server.listen(host, options.healthPort);
    if (options.tls && certificates) {
      const tlsPort = options.tls.port === undefined ? port : await server.listen(host, options.tls.port);
      tls = { port: tlsPort, authority: certificates.authority, authorityFile: writeAuthority(certificates.authority) };
    }
  } catch (error) {
    closeLogs();
    await server.stop();
    throw error;
  }
  let stopped: Promise<void> | undefined;

  return {
    port,
    tls,
    faults: namespace.faults,
    connectionString: ({ keyName, entityPath, host: name = reachableHost(host), tls: secure = false } = {}) => {
      const { name: policyName, key, eventHubName } = keys.key(keyName, entityPath);
      if (secure && tls === undefined) throw new RangeError('Failed to give a connection string: start with `tls`.');
      const path = entityPath ?? eventHubName;
      return (
        `Endpoint=sb://${name}:${secure ? (tls?.port ?? port) : port}/;SharedAccessKeyName=${policyName};SharedAccessKey=${key};` +
        `${path === undefined ? '' : `EntityPath=${path};`}${secure ? '' : 'UseDevelopmentEmulator=true'}`
      );
    },
    createEventHub,
    addConsumerGroup: (eventHubName, consumerGroup) => existing(eventHubName).addConsumerGroup(consumerGroup),
    regenerateKey: (keyName, which, eventHubName) => keys.regenerate(keyName, which, eventHubName),
    partitions: (eventHubName) =>
      existing(eventHubName).partitions.map((partition, index) => {
        const { beginSequenceNumber, lastSequenceNumber, bytes } = partition.state();
        return { partitionId: String(index), beginSequenceNumber, lastSequenceNumber, bytes };
      }),
    stop: () =>
      (stopped ??= server.stop().finally(() => {
        closeLogs();
        if (tls) rmSync(dirname(tls.authorityFile), { recursive: true, force: true });
      })),
  };
}

/** The name in a URL under which this machine reaches the address that is listened on. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function certificateHosts(host: string, { hosts = [] }: TlsOptions): string[] {
  return [...new Set(['localhost', '127.0.0.1', '::1', host, ...hosts])];
}

function writeAuthority(authority: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'event-hubs-emulator-')), 'authority.pem');
  writeFileSync(file, authority);
  return file;
}

/** The log of a partition: kept in the folder, where there is one. */
function openPartitionLog(
  terms: { readonly retention: Retention; readonly now: () => number },
  folder: string | undefined,
): PartitionLog {
  if (folder === undefined) return new PartitionLog(terms);
  const { file, events, end } = PartitionLogFile.open(folder);
  return new PartitionLog({ ...terms, storage: file, recovered: { events, end } });
}

function checkRetention(retention: Retention): Retention {
  for (const [name, value] of Object.entries(retention)) {
    if (!(value >= 1))
      throw new RangeError(`Failed to start the emulator: retention.${name} is ${value}. Use 1 or more.`);
  }
  return retention;
}
