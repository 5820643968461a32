import { join } from 'node:path';
import { AmqpServer } from './amqp-server.ts';
import { ClientConnection } from './client-connection.ts';
import { EventHub, type EventHubDefinition } from './event-hub.ts';
import { InjectedFaults, type Faults } from './faults.ts';
import { PartitionLogFile } from './partition-log-file.ts';
import { PartitionLog, type Retention } from './partition-log.ts';
import { SharedAccessKeys, type SharedAccessKey, type WhichKey } from './shared-access-signature.ts';

export interface EventHubsEmulatorOptions {
  /** Default 0: a free one. */
  readonly port?: number;
  /**
   * The address to listen on, default 127.0.0.1. Containers and other machines reach `0.0.0.0`: so does everybody on the network
   * who knows the key.
   */
  readonly host?: string;
  readonly eventHubs: readonly EventHubDefinition[];
  /** Default: `RootManageSharedAccessKey` with all rights on the namespace and random keys. */
  readonly keys?: readonly SharedAccessKey[];
  /** Per partition; default 1,000,000 events, 64 MiB of content, 24 hours. */
  readonly retention?: Partial<Retention>;
  /** Where events are kept over restarts; left out, they are kept in memory only. For one emulator at a time. */
  readonly dataFolder?: string;
  /** Milliseconds since 1970: for enqueued times, expiry of tokens, retention and throttling. Default `Date.now`. */
  readonly now?: () => number;
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
  readonly faults: Faults;
  /**
   * A connection string with the primary key of this name, default the first key. Without `entityPath` it names the
   * Event Hub only when the key is confined to one. `host` is the name by which the reader reaches this machine, for
   * example `host.docker.internal`; default is the address listened on, or 127.0.0.1 for all addresses. Throws when there is no
   * such key.
   */
  connectionString(options?: {
    readonly keyName?: string;
    readonly entityPath?: string;
    readonly host?: string;
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
const defaultRetention: Retention = { eventsMax: 1_000_000, bytesMax: 64 * 1024 * 1024, ageMaxMs: 24 * 60 * 60 * 1000 };
const rootKey: SharedAccessKey = { name: 'RootManageSharedAccessKey', rights: ['Manage', 'Send', 'Listen'] };

/**
 * Starts an Event Hubs namespace on this machine. Rejects when the port is taken, when a definition is not allowed, or
 * when the data folder cannot be read.
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
      const log = openPartitionLog(key, partitionId, retention, now, options.dataFolder);
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

  let server: AmqpServer;
  const faults = new InjectedFaults(now, () => server.dropConnections());
  const namespace = { findEventHub, keys, faults, now, messageBytesMax };
  try {
    for (const definition of options.eventHubs) createEventHub(definition);
    server = await AmqpServer.listen(
      { host, port: options.port ?? 0 },
      messageBytesMax,
      (connection, socket) => new ClientConnection(connection, socket, namespace),
    );
  } catch (error) {
    closeLogs();
    throw error;
  }
  const { port } = server;
  let stopped: Promise<void> | undefined;

  return {
    port,
    faults,
    connectionString: ({ keyName, entityPath, host: name = reachableHost(host) } = {}) => {
      const { name: policyName, key, eventHubName } = keys.key(keyName, entityPath);
      const path = entityPath ?? eventHubName;
      return (
        `Endpoint=sb://${name}:${port}/;SharedAccessKeyName=${policyName};SharedAccessKey=${key};` +
        `${path === undefined ? '' : `EntityPath=${path};`}UseDevelopmentEmulator=true`
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
    stop: () => (stopped ??= server.stop().finally(closeLogs)),
  };
}

/** The name in a URL under which this machine reaches the address that is listened on. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function openPartitionLog(
  eventHubFolder: string,
  partitionId: string,
  retention: Retention,
  now: () => number,
  dataFolder: string | undefined,
): PartitionLog {
  if (dataFolder === undefined) return new PartitionLog({ retention, now });
  const { file, events, end } = PartitionLogFile.open(join(dataFolder, eventHubFolder, partitionId));
  return new PartitionLog({ retention, now, storage: file, recovered: { events, end } });
}

function checkRetention(retention: Retention): Retention {
  for (const [name, value] of Object.entries(retention)) {
    if (!(value >= 1))
      throw new RangeError(`Failed to start the emulator: retention.${name} is ${value}. Use 1 or more.`);
  }
  return retention;
}
