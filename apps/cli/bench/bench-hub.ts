import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { Cleanups } from '../src/traffic/local/cleanups.ts';
import { buildApp } from '../src/traffic/local/machine.ts';
import type { BenchExport } from './entries.ts';
import type { HubMessage, HubSettings, SettledBatch } from './hub-process.ts';
import { monotonicMs } from './monotonic.ts';
import { processorSeconds } from './processor-time.ts';
import { startStorageDelays, type StorageDelays } from './storage-delays.ts';

/** An event as the bare consumer got it: when, and where it is in the hub. */
export interface BareReceipt {
  readonly atMs: number;
  readonly partitionId: string;
  readonly sequenceNumber: number;
}

export interface BenchHubOptions {
  readonly partitions: number;
  /** Its text. */
  readonly activationFile: string;
  /** What every request to the storage takes longer; 0 by default. */
  readonly storageDelayMs?: number;
  readonly seed: number;
}

/**
 * The hub as `activation local` runs it, with one worker, and what is seen of it from outside.
 * Times are those of `monotonicMs`.
 */
export interface BenchHub {
  readonly partitions: number;
  /** Sends exports to one partition, in one batch, and gives when the hub had accepted them. */
  send(exports: readonly BenchExport[], partition: number): Promise<number>;
  /** The same for more than fit into one send. */
  sendAll(exports: readonly BenchExport[], partition: number): Promise<number>;
  /** Whether the handler has settled the event of this person. */
  isSettled(person: string): boolean;
  /** Of every event, by the person of its export: what a consumer without a handler got. */
  readonly bare: ReadonlyMap<string, BareReceipt>;
  readonly batches: readonly SettledBatch[];
  /** Changes that were deferred, each time, and those that wait now. */
  deferred(): { readonly times: number; readonly waiting: number };
  /** Requests to the storage so far, by service; only with a delay. */
  storageRequests(): ReturnType<StorageDelays['requests']>;
  /** MiB that the worker has in memory. */
  workerMiB(): Promise<number>;
  /** Seconds of processors that the worker has taken. */
  workerSeconds(): Promise<number>;
  stop(): Promise<void>;
}

const bareConsumerGroup = 'bare';
/** In one send: what fits into 1 MB. */
const sendMax = 200;

/** Starts everything. Throws, with nothing left running, when something cannot be started. */
export async function startBenchHub(options: BenchHubOptions): Promise<BenchHub> {
  const cleanups = new Cleanups();
  try {
    return await start(options, cleanups);
  } catch (error) {
    await cleanups.run(complain);
    throw error;
  }
}

async function start(
  { partitions, activationFile, storageDelayMs = 0, seed }: BenchHubOptions,
  cleanups: Cleanups,
): Promise<BenchHub> {
  const folder = await mkdtemp(join(tmpdir(), 'activation-bench-'));
  cleanups.add(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'bench.yaml');
  await writeFile(path, activationFile);
  const azurite = await startAzurite();
  cleanups.add(() => azurite.stop());
  const delays = await delaysOf(azurite, storageDelayMs, seed, cleanups);
  const events = new HubEvents();
  const { connectionString, workerProcessId } = await forkHub(
    {
      partitions,
      appFolder: await buildApp(cleanups, path),
      activationFile: path,
      storageConnectionString: delays?.connectionString ?? azurite.connectionString,
      bareConsumerGroup,
    },
    events,
    cleanups,
  );
  const bare = await startBareConsumer(connectionString, cleanups);
  const producer = new EventHubProducerClient(connectionString);
  cleanups.add(() => producer.close());
  const send: BenchHub['send'] = async (exports, partition) => {
    const batch = exports.map(({ person, body }) => ({ body: Buffer.from(body), messageId: person }));
    await producer.sendBatch(batch, { partitionId: String(partition) });
    return monotonicMs();
  };
  return {
    partitions,
    bare,
    send,
    sendAll: async (exports, partition) => {
      for (let start = 0; start < exports.length; start += sendMax)
        await send(exports.slice(start, start + sendMax), partition);
      return monotonicMs();
    },
    isSettled: (person) => {
      const { partitionId, sequenceNumber = Infinity } = bare.get(person) ?? {};
      return events.settledUpTo(partitionId ?? '') >= sequenceNumber;
    },
    batches: events.batches,
    deferred: () => ({ times: events.deferred, waiting: events.waiting }),
    storageRequests: () => delays?.requests() ?? Promise.resolve({ blob: 0, queue: 0, table: 0 }),
    workerMiB: async () => {
      const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(workerProcessId)]);
      return Number(stdout) / 1024;
    },
    workerSeconds: () => processorSeconds(workerProcessId),
    stop: () => cleanups.run(complain),
  };
}

async function delaysOf(
  azurite: Azurite,
  delayMs: number,
  seed: number,
  cleanups: Cleanups,
): Promise<StorageDelays | undefined> {
  if (delayMs === 0) return undefined;
  const delays = await startStorageDelays(azurite, delayMs, seed);
  cleanups.add(() => delays.stop());
  return delays;
}

/** What the process of the hub says, summed up. */
class HubEvents {
  readonly batches: SettledBatch[] = [];
  readonly #settled = new Map<string, number>();
  deferred = 0;
  waiting = 0;

  settledUpTo(partitionId: string): number {
    return this.#settled.get(partitionId) ?? -1;
  }

  take(message: HubMessage): void {
    if (message.kind === 'complaint') process.stderr.write(`${message.message}\n`);
    if (message.kind === 'batch') {
      this.batches.push(message.batch);
      this.#settled.set(message.batch.partitionId, message.batch.lastSequenceNumber);
    }
    if (message.kind !== 'batch' && message.kind !== 'retry') return;
    const outcomes = message.kind === 'batch' ? message.batch.outcomes : message.outcomes;
    const changes = Object.values(outcomes).flatMap((byOutcome) => Object.entries(byOutcome));
    for (const [outcome, count] of changes) {
      if (outcome === 'deferred') this.deferred += count;
      // What is deferred waits until a retry settles it, or defers it again.
      if (outcome === 'deferred') this.waiting += count;
      if (message.kind === 'retry') this.waiting -= count;
    }
  }
}

async function forkHub(
  settings: HubSettings,
  events: HubEvents,
  cleanups: Cleanups,
): Promise<Extract<HubMessage, { kind: 'ready' }>> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./hub-process.ts', import.meta.url)), [
    JSON.stringify(settings),
  ]);
  const { promise, resolve, reject } = Promise.withResolvers<Extract<HubMessage, { kind: 'ready' }>>();
  const ended = once(child, 'exit');
  child.once('exit', () => reject(new Error('Failed to start the hub: its process ended.')));
  child.on('message', (message: HubMessage) => {
    if (message.kind === 'ready') resolve(message);
    events.take(message);
  });
  cleanups.add(async () => {
    if (child.connected) child.disconnect();
    await ended;
  });
  return promise;
}

/**
 * Reads all partitions from their start, with the SDK alone, one after the other, as the trigger
 * does.
 */
async function startBareConsumer(
  connectionString: string,
  cleanups: Cleanups,
): Promise<ReadonlyMap<string, BareReceipt>> {
  const received = new Map<string, BareReceipt>();
  const consumer = new EventHubConsumerClient(bareConsumerGroup, connectionString);
  cleanups.add(() => consumer.close());
  for (const partitionId of await consumer.getPartitionIds()) {
    consumer.subscribe(
      partitionId,
      {
        processEvents: (events) => {
          const atMs = monotonicMs();
          for (const { messageId, sequenceNumber } of events)
            received.set(String(messageId), { atMs, partitionId, sequenceNumber });
          return Promise.resolve();
        },
        processError: (error) => {
          complain(error);
          return Promise.resolve();
        },
      },
      { startPosition: earliestEventPosition, maxBatchSize: 100, skipParsingBodyAsJson: true },
    );
  }
  return received;
}

/** What fails as everything is stopped changes nothing of what was measured. */
function complain(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}

/**
 * Waits, looking every 20 ms, until something is so or the time is over; gives whether it is so.
 */
export async function until(isSo: () => boolean, timeoutMs: number): Promise<boolean> {
  const endsMs = monotonicMs() + timeoutMs;
  while (!isSo() && monotonicMs() < endsMs) await sleep(20);
  return isSo();
}
