import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startEventHubsEmulator, type EventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { EventHubProducerClient, type EventData } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { onTestFinished } from 'vitest';
import type { LoadBalancing } from '../src/index.ts';
import { buildApp } from './built-app.ts';
import { eventually, runHost, type RunningHost } from './running-host.ts';

export const hub = 'Exports';
export const group = 'Functions';

/** What the fixture `event-hub` reports of a call. */
export interface Batch {
  readonly bodies: unknown[];
  readonly buffers: boolean;
  readonly partitionId: string;
  readonly retryContext?: {
    readonly retryCount: number;
    readonly maxRetryCount: number;
    readonly exception?: { readonly message: string };
  };
  readonly triggerMetadata?: Record<string, unknown>;
}

export interface EventHubBench {
  readonly emulator: EventHubsEmulator;
  /** The settings of an app with the fixture `event-hub`. */
  readonly settings: Readonly<Record<string, string>>;
  readonly send: (bodies: readonly unknown[], partitionId?: string) => Promise<void>;
  readonly sendEvents: (events: EventData[], partitionId?: string) => Promise<void>;
  /** Sequence number of the checkpoint of a partition; undefined when there is none. */
  readonly checkpoint: (partitionId?: string) => Promise<number | undefined>;
  readonly checkpointReaches: (sequenceNumber: number, partitionId?: string) => Promise<void>;
  /** Lets batches with the body `slow` end, also later ones; before that none ends. */
  readonly endSlow: () => Promise<void>;
  /** Owner of each partition that has one. */
  readonly owners: () => Promise<Record<string, string>>;
  readonly run: (options?: BenchRun) => Promise<RunningHost>;
}

export interface BenchRun {
  readonly settings?: Readonly<Record<string, string>>;
  readonly eventHubs?: Readonly<Record<string, unknown>>;
  readonly instanceName?: string;
  readonly drainTimeoutMs?: number;
  readonly loadBalancing?: LoadBalancing;
}

/**
 * An emulator with one event hub for this test, and the checkpoints that hosts write into a storage
 * that tests share.
 */
export async function eventHubBench(
  storageConnectionString: string,
  { partitionCount = 1, port = 0 } = {},
): Promise<EventHubBench> {
  const emulator = await startEventHubsEmulator({
    port,
    eventHubs: [{ name: hub, partitionCount, consumerGroups: [group] }],
  });
  onTestFinished(() => emulator.stop());
  const storage = BlobServiceClient.fromConnectionString(storageConnectionString);
  const container = storage.getContainerClient('azure-webjobs-eventhub');
  // Tests share the storage and the name of the namespace, so each begins without the marks of
  // those before.
  await container.createIfNotExists();
  for await (const { name } of container.listBlobsFlat()) await container.deleteBlob(name);

  // A producer for each sending, for one whose connection was cut takes a minute to notice.
  const sendEvents = async (events: EventData[], partitionId?: string): Promise<void> => {
    const producer = new EventHubProducerClient(emulator.connectionString(), hub);
    await producer.sendBatch(events, partitionId === undefined ? {} : { partitionId });
    await producer.close();
  };
  const metadataOf = async (kind: string): Promise<Map<string, Record<string, string>>> => {
    const prefix = `127.0.0.1/exports/functions/${kind}/`;
    const found = new Map<string, Record<string, string>>();
    for await (const { name, metadata } of container.listBlobsFlat({ prefix, includeMetadata: true })) {
      found.set(name.slice(prefix.length), metadata ?? {});
    }
    return found;
  };
  const checkpoint = async (partitionId = '0'): Promise<number | undefined> => {
    const sequenceNumber = (await metadataOf('checkpoint')).get(partitionId)?.sequencenumber;
    return sequenceNumber === undefined ? undefined : Number(sequenceNumber);
  };
  const slowUntil = join(await mkdtemp(join(tmpdir(), 'functions-host-slow-')), 'ends');
  onTestFinished(() => rm(dirname(slowUntil), { recursive: true, force: true }));
  const settings = {
    AzureWebJobsStorage: storageConnectionString,
    EventHub: emulator.connectionString(),
    HUB: hub,
    GROUP: group,
    DATA_TYPE: 'binary',
    SLOW_UNTIL: slowUntil,
  };
  return {
    emulator,
    settings,
    sendEvents,
    checkpoint,
    send: (bodies, partitionId) =>
      sendEvents(
        bodies.map((body) => ({ body: typeof body === 'string' ? Buffer.from(body) : body })),
        partitionId,
      ),
    async checkpointReaches(sequenceNumber, partitionId) {
      const reached = async (): Promise<true | undefined> =>
        (await checkpoint(partitionId)) === sequenceNumber ? true : undefined;
      await eventually(reached, `the checkpoint is at ${sequenceNumber}`);
    },
    endSlow: () => writeFile(slowUntil, ''),
    owners: async () =>
      Object.fromEntries(
        [...(await metadataOf('ownership'))].map(([partition, { ownerid }]) => [partition, ownerid ?? '']),
      ),
    run: async ({ settings: more = {}, eventHubs = {}, ...options } = {}) =>
      runHost({
        appFolder: await buildApp({ fixture: 'event-hub', hostJson: { extensions: { eventHubs } } }),
        settings: { ...settings, ...more },
        ...options,
      }),
  };
}
