import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { startEventHubsEmulator, type EventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { startFunctionsHost, type FunctionsHost, type HostLogEntry } from '@activation-hub/functions-host';
import type { AppSettings } from '@activation-hub/handler-contract';
import { CommandError, reasonOf } from '../../terminal/command-error.ts';
import { listenFailure } from '../../terminal/listen-failure.ts';
import { Cleanups } from './cleanups.ts';
import { takeDataFolder, type DataFolder } from './data-folder.ts';
import { makeStores } from './make-stores.ts';
import { localEventHub, localKeys } from './local-event-hub.ts';
import type { Running } from './plan.ts';
import { readSignal, type Signal } from './signals.ts';
import { plainWarning } from './plain-warning.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** Where only this machine reaches Event Hubs. */
const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

export interface MachineOptions extends Running {
  readonly eventHubsPort: number;
  readonly eventHubsHost: string;
  readonly eventHubsKey?: string;
  readonly eventHubsTls?: true;
  readonly storagePort: number;
  /** Absolute. */
  readonly data?: string;
  readonly partitions: number;
  readonly workers: number;
  /** Port of the first worker's debugger, one more for each other worker; 0 takes free ones. */
  readonly inspect?: number;
  /** The observer of every single change; absent when there is none. */
  readonly observerUrl?: string;
  readonly onSignal: (signal: Signal) => void;
  /** What a destination prints, such as one of type `log`. */
  readonly onPrinted: (line: string) => void;
  /** What host and app complain about otherwise. */
  readonly onWarning: (message: string) => void;
  /** Stops everything that was started. */
  readonly cleanups: Cleanups;
}

/** Event Hubs, storage and the built function app, all on this machine. */
export interface Machine {
  /** Names the hub too. */
  readonly eventHubsConnectionString: string;
  readonly storageConnectionString: string;
  readonly functions: readonly string[];
  /** Of the function apps that run now. */
  readonly healthUrls: () => readonly string[];
  readonly workerProcessIds: () => readonly number[];
  /** Where a debugger can attach now. */
  readonly inspectPorts: () => readonly number[];
  /** How far the handler is in each partition, as far as its log says. */
  partitions(): readonly {
    readonly partitionId: string;
    readonly events: number;
    readonly lastSequenceNumber: number;
  }[];
  /**
   * Deploys the function app anew with another activation file, as a rolling deployment does: new
   * apps are built and started, and when they run the old ones end what they have begun and stop.
   * Throws `CommandError` with the old ones running on when the new ones cannot start. One at a
   * time.
   */
  deploy(running: Running): Promise<void>;
  /**
   * Resolves when the handler has settled everything that is in the hub by now, or the signal
   * aborts.
   */
  drained(signal: AbortSignal): Promise<void>;
  /** Lets running invocations end. */
  stopHandler(): Promise<void>;
}

const drainedCheckEveryMs = 50;

/**
 * Starts everything at once where it can. Throws `CommandError`; `cleanups` then holds what has
 * been started.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { cleanups } = options;
  const data = options.data === undefined ? undefined : await takeDataFolder(options.data, options.partitions);
  if (data !== undefined) cleanups.add(() => data.release());
  const settled = new Map<string, number>();
  /** Where the inspectors of workers listen. */
  const inspectPorts = new Map<FunctionsHost, number>();
  const buildParent = options.inspect === undefined ? tmpdir() : inspectedFolder;
  let deployments = 0;
  let appParts = new Cleanups();
  const stopApp = (): Promise<void> => appParts.run((error) => options.onWarning(reasonOf(error)));
  const [emulator, azurite, appFolder] = await allStarted([
    startHub(options, data),
    startStorage(options, data),
    buildApp(appParts, options.activationFile, buildParent),
  ]).finally(() => cleanups.add(stopApp)); // The app first: it closes what it has open there.
  const before = new Map(lastSequenceNumbers(emulator));
  let hosts = await startHosts(options, appFolder, appParts);

  return {
    eventHubsConnectionString: emulator.connectionString({ entityPath: localEventHub.name }),
    storageConnectionString: azurite.connectionString,
    functions: hosts[0]?.functions.map(({ name }) => name) ?? [],
    healthUrls: () => hosts.map(({ httpPort }) => `http://127.0.0.1:${httpPort}/health`),
    workerProcessIds: () => hosts.flatMap(({ workerProcessId }) => workerProcessId ?? []),
    inspectPorts: () => hosts.flatMap((host) => inspectPorts.get(host) ?? []),
    partitions: () =>
      lastSequenceNumbers(emulator).map(([partitionId, last]) => ({
        partitionId,
        events: Math.max(0, last - (settled.get(partitionId) ?? before.get(partitionId) ?? -1)),
        lastSequenceNumber: last,
      })),
    async deploy(running) {
      const parts = new Cleanups();
      deployments += 1;
      try {
        const started = await startHosts(running, await buildApp(parts, running.activationFile, buildParent), parts);
        const stopOld = appParts;
        [hosts, appParts] = [started, parts];
        await stopOld.run((error) => options.onWarning(reasonOf(error)));
      } catch (error) {
        deployments -= 1;
        await parts.run(() => undefined);
        throw error;
      }
    },
    async drained(signal) {
      const target = lastSequenceNumbers(emulator);
      const isSettled = ([partitionId, last]: readonly [string, number]): boolean =>
        last <= (settled.get(partitionId) ?? before.get(partitionId) ?? -1);
      while (!signal.aborted && !target.every(isSettled)) {
        await sleep(drainedCheckEveryMs, undefined, { signal }).catch(() => undefined);
      }
    },
    async stopHandler() {
      await Promise.all(hosts.map((host) => host.stop()));
    },
  };

  /** Old and new workers run beside each other for a while. */
  function inspectPortOf(index: number): number | undefined {
    if (options.inspect === undefined || options.inspect === 0) return options.inspect;
    return options.inspect + deployments * options.workers + index;
  }

  async function startHosts(running: Running, folder: string, parts: Cleanups): Promise<readonly FunctionsHost[]> {
    // A worker that starts again finds the file with which it was deployed, whatever was edited
    // since.
    const activationFile = join(folder, 'activations', 'local-activations');
    await copyFile(running.activationFile, activationFile);
    return await allStarted(
      Array.from({ length: options.workers }, (_, index) => {
        const inspectPort = inspectPortOf(index);
        return startHost(
          {
            ...options,
            secrets: running.secrets,
            activationFile,
            appFolder: folder,
            instanceName: `local-${deployments * options.workers + index + 1}`,
            ...(inspectPort === undefined ? {} : { inspectPort }),
            cleanups: parts,
          },
          { emulator, azurite, settled, inspectPorts },
        );
      }),
    );
  }

  async function startHub(
    { eventHubsPort, eventHubsHost, eventHubsKey, eventHubsTls, partitions, onWarning }: MachineOptions,
    folder: DataFolder | undefined,
  ): Promise<EventHubsEmulator> {
    const hub = { name: localEventHub.name, partitionCount: partitions, consumerGroups: [localEventHub.consumerGroup] };
    try {
      const started = await startEventHubsEmulator({
        port: eventHubsPort,
        host: eventHubsHost,
        eventHubs: [hub],
        keys: eventHubsKey === undefined ? localKeys : localKeys.map((key) => ({ ...key, primaryKey: eventHubsKey })),
        ...(eventHubsTls ? { tls: {} } : {}),
        ...(folder === undefined ? {} : { dataFolder: folder.eventHubs }),
      });
      cleanups.add(() => started.stop());
      if (!loopback.has(eventHubsHost)) {
        onWarning(
          `Event Hubs listens on ${eventHubsHost}: every client that reaches it and has its key can send and read.`,
        );
      }
      if (started.tls) {
        onWarning(`Event Hubs takes TLS on port ${started.tls.port}: clients trust ${started.tls.authorityFile}`);
      }
      return started;
    } catch (error) {
      throw listenFailure(error, 'Event Hubs', eventHubsPort, '--event-hubs-port 0');
    }
  }

  async function startStorage({ storagePort }: MachineOptions, folder: DataFolder | undefined): Promise<Azurite> {
    const next = (offset: number): number => (storagePort === 0 ? 0 : storagePort + offset);
    try {
      const started = await startAzurite({
        ports: { blob: next(0), queue: next(1), table: next(2) },
        ...(folder === undefined ? {} : { dataFolder: folder.storage }),
      });
      cleanups.add(() => started.stop());
      await makeStores(started.connectionString);
      return started;
    } catch (error) {
      throw listenFailure(error, 'the storage', storagePort, '--storage-port 0');
    }
  }
}

/**
 * Waits for all, so that what has started can be stopped, and only then throws the first failure.
 */
async function allStarted<Parts extends readonly unknown[] | []>(
  parts: Parts,
): Promise<{ -readonly [Index in keyof Parts]: Awaited<Parts[Index]> }> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}

/**
 * Where `.vscode/launch.json` looks for what a debugger sees: VS Code takes source maps from there
 * only (`outFiles`).
 */
const inspectedFolder = fileURLToPath(new URL('../../../../handler/dist/inspected', import.meta.url));

/** Bundles of earlier starts, for those that find the same sources. */
const bundlesFolder = fileURLToPath(new URL('../../../../handler/dist/bundles', import.meta.url));

/**
 * Builds the function app into a folder of its own below `parent`, so that what runs is what would
 * be deployed, with the packages that this activation file names. Throws `CommandError`.
 */
export async function buildApp(cleanups: Cleanups, activationFile: string, parent = tmpdir()): Promise<string> {
  const folder = await makeTemporaryFolder('activation-handler-', parent);
  cleanups.add(() => folder.remove());
  // Apps do not import each other; this is the build script of one, run by the other.
  const script = new URL('../../../../handler/build.ts', import.meta.url).href;
  const { buildHandler } = (await import(script)) as {
    buildHandler: (options: {
      readonly outputFolder: string;
      readonly activationFiles: readonly string[];
      readonly bundlesFolder: string;
    }) => Promise<{ readonly folder: string }>;
  };
  try {
    const options = { outputFolder: folder.path, activationFiles: [activationFile], bundlesFolder };
    return (await buildHandler(options)).folder;
  } catch (error) {
    throw new CommandError(1, `Failed to build the handler: ${reasonOf(error)} Run nx build handler to see more.`, {
      cause: error,
    });
  }
}

interface HostOptions extends Omit<MachineOptions, 'inspect'> {
  readonly appFolder: string;
  readonly instanceName: string;
  readonly inspectPort?: number;
}

async function startHost(
  options: HostOptions,
  {
    emulator,
    azurite,
    settled,
    inspectPorts,
  }: {
    readonly emulator: EventHubsEmulator;
    readonly azurite: Azurite;
    readonly settled: Map<string, number>;
    readonly inspectPorts: Map<FunctionsHost, number>;
  },
): Promise<FunctionsHost> {
  const { appFolder, instanceName, inspectPort, activationFile, secrets, observerUrl, cleanups } = options;
  const { onSignal, onPrinted, onWarning } = options;
  const ownSettings: AppSettings = {
    AzureWebJobsStorage: azurite.connectionString,
    EventHubConnection: emulator.connectionString(),
    EVENT_HUB_NAME: localEventHub.name,
    EVENT_HUB_CONSUMER_GROUP: localEventHub.consumerGroup,
    DataStorage: azurite.connectionString,
    ACTIVATION_FILE: activationFile,
    ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true',
    ACTIVATION_LOG_LEVEL: 'information',
    ...(observerUrl === undefined ? {} : { ACTIVATION_OBSERVER_URL: observerUrl }),
  };
  const listening = Promise.withResolvers<number | undefined>();
  const log = ({ level, message, invocationId }: HostLogEntry): void => {
    const port = inspectorPort(message);
    if (port !== undefined) listening.resolve(port);
    else if (/^Starting inspector on .* failed/.test(message)) listening.resolve(undefined);
    const signal = readSignal(message);
    if (signal?.name === 'batch-settled') settled.set(signal.partitionId, signal.lastSequenceNumber);
    if (signal !== undefined) onSignal(signal);
    else if (level === 'information' && invocationId !== undefined) onPrinted(message);
    else if (isComplaint(level)) onWarning(plainWarning(message.split('\n')[0] ?? ''));
  };
  try {
    const host = await startFunctionsHost({
      appFolder,
      instanceName,
      log,
      ...(inspectPort === undefined ? {} : { inspectPort }),
      settings: {
        // One app, however often it is deployed: its timers run once.
        AzureFunctionsWebHost__hostid: `local-${process.pid}`,
        ...ownSettings,
        ...secrets,
      },
    });
    cleanups.add(() => host.stop());
    if (inspectPort === undefined) return host;
    const port = await listening.promise;
    if (port === undefined)
      throw new Error(
        `the debugger cannot listen, for port ${inspectPort} is taken. Give another one with --inspect; 0 takes a free one.`,
      );
    inspectPorts.set(host, port);
    return host;
  } catch (error) {
    throw new CommandError(1, `Failed to start the handler: ${reasonOf(error)}`, { cause: error });
  }
}

/** Node says on standard error where its inspector listens. */
function inspectorPort(line: string): number | undefined {
  const [, port] = /^Debugger listening on ws:\/\/[^/]+:(\d+)\//.exec(line) ?? [];
  return port === undefined ? undefined : Number(port);
}

function isComplaint(level: HostLogEntry['level']): boolean {
  return level === 'warning' || level === 'error' || level === 'critical';
}

function lastSequenceNumbers(emulator: EventHubsEmulator): readonly (readonly [string, number])[] {
  return emulator
    .partitions(localEventHub.name)
    .map(({ partitionId, lastSequenceNumber }) => [partitionId, lastSequenceNumber] as const);
}
