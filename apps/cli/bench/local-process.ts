import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What `activation local` says once it runs. */
export interface ReadyLocal {
  readonly connectionString: string;
  readonly eventHubName: string;
  readonly storageConnectionString: string;
  /** The process ids of the command itself, and of the handler's workers. */
  readonly processIds: { readonly local: number; readonly workers: readonly number[] };
}

/** `activation local` as a child, with the sums of what it said so far. */
export interface LocalProcess {
  readonly child: ChildProcess;
  readonly ready: Promise<ReadyLocal>;
  /** Exports that are settled. */
  settled(): number;
  /** Changes that were deferred, as often as they were. */
  deferred(): number;
  /** Changes that wait in the retry queue. */
  waiting(): number;
  ledgerReads(): number;
  ledgerWrites(): number;
}

interface Line {
  readonly event: string;
  readonly eventHubsConnectionString?: string;
  readonly storageConnectionString?: string;
  readonly eventHubName?: string;
  readonly processIds?: ReadyLocal['processIds'];
  readonly partitionId?: string;
  readonly lastSequenceNumber?: number;
  readonly ledgerReads?: number;
  readonly ledgerWrites?: number;
  readonly outcomes?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Starts it with an activation file, on free ports, without the simulator. */
export function startLocal(
  activationFile: string,
  options: { readonly partitions: number; readonly environment?: Readonly<Record<string, string>> },
): LocalProcess {
  const command = fileURLToPath(new URL('../bin/activation.js', import.meta.url));
  const words = ['local', '--json', '--no-simulator', '--event-hubs-port', '0', '--storage-port', '0'];
  const child = spawn(
    process.execPath,
    [command, ...words, '--partitions', String(options.partitions), '-a', activationFile],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...options.environment } },
  );
  const { promise: ready, resolve, reject } = Promise.withResolvers<ReadyLocal>();
  const last = new Map<string, number>();
  let deferred = 0;
  let waiting = 0;
  let ledgerReads = 0;
  let ledgerWrites = 0;
  child.on('exit', () => reject(new Error('activation local ended.')));
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    if (line.event === 'ready') {
      resolve({
        connectionString: line.eventHubsConnectionString ?? '',
        eventHubName: line.eventHubName ?? '',
        storageConnectionString: line.storageConnectionString ?? '',
        processIds: line.processIds ?? { local: child.pid ?? 0, workers: [] },
      });
    }
    if (line.event === 'batch-settled') last.set(line.partitionId ?? '', (line.lastSequenceNumber ?? -1) + 1);
    ledgerReads += line.ledgerReads ?? 0;
    ledgerWrites += line.ledgerWrites ?? 0;
    // What is deferred waits in the retry queue until a retry settles it, or defers it again.
    for (const [outcome, count] of Object.values(line.outcomes ?? {}).flatMap((counts) => Object.entries(counts))) {
      if (outcome === 'deferred') deferred += count;
      if (outcome === 'deferred') waiting += count;
      if (line.event === 'retry-settled') waiting -= count;
    }
  });
  return {
    child,
    ready,
    settled: () => [...last.values()].reduce((sum, each) => sum + each, 0),
    deferred: () => deferred,
    waiting: () => waiting,
    ledgerReads: () => ledgerReads,
    ledgerWrites: () => ledgerWrites,
  };
}
