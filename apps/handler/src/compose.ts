import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LedgerCache, type ActivationContext } from '@activation-hub/activation';
import {
  createMatcher,
  loadActivationFile,
  problemLine,
  secretNames,
  withCanary,
  type ActivationFile,
} from '@activation-hub/activation-file';
import {
  BlobDeadLetters,
  containerClient,
  exportTableToBlob,
  queueClient,
  StorageRetryQueue,
  tableClient,
  TableLedger,
  type StorageConnection,
} from '@activation-hub/azure-adapters';
import { systemClock } from '@activation-hub/delivery';
import { createHttpClient, type HttpClient } from '@activation-hub/destination-kit';
import { loadDestinations, setUpTarget } from '@activation-hub/destinations';
import { Counters, createTelemetry, type Telemetry } from '@activation-hub/telemetry';
import { ManagedIdentityCredential } from '@azure/identity';
import type { InvocationContext } from '@azure/functions';
import { canaryTarget, canaryToldAtMs } from './canary.ts';
import { importPackage } from './destination-packages.ts';
import type { LedgerExport } from './export-ledger.ts';
import { createHealthCheck, type HealthDetails } from './health.ts';
import { checkpointContainer, dataStores } from './needs.ts';
import type { LagSource } from './report-lag.ts';
import { secretVariable, type Settings, type StorageSettings } from './settings.ts';

/** How many ledger rows the cache holds (some hundred bytes each), and how long it believes them. */
const cacheOptions = { entriesMax: 100_000, ageMaxMs: 5 * 60_000 };
/** How long the stores may take to answer at the start and on the health page. */
const storesTimeoutMs = 20_000;

/** The function app, put together: what the triggers ask for. */
export interface Composition extends LedgerExport {
  /** The hub, with telemetry that writes to the log of this invocation. Tried anew until the stores can be reached. */
  readonly openActivation: (context: InvocationContext) => Promise<ActivationContext>;
  readonly checkHealth: () => Promise<HealthDetails>;
  readonly lagSource: LagSource;
}

/**
 * Puts the app together. Throws, so that the app does not start, when the activation file is wrong, a secret
 * that it names is missing or a proxy cannot be used; a store that cannot be reached is no reason not to start.
 */
export async function compose(settings: Settings, appFolder: string): Promise<Composition> {
  const file = await loadActivationFile(resolve(appFolder, settings.activationFile), {
    destinations: (types) => loadDestinations(types, importPackage),
  });
  requireSecrets(file, settings);
  const { allowPrivateAddresses, proxies } = settings;
  const http = createHttpClient({ allowPrivateAddresses, proxies });
  const build = readBuild(appFolder);

  const counters = new Counters();
  const telemetryFor = (context: InvocationContext): Telemetry =>
    createTelemetry({ level: settings.logLevel, counters, write: (level, line) => logs[level](context, line) });

  const connection = storageConnection(settings.dataStorage);
  const ledgerTable = tableClient(connection, dataStores.tables.ledger);
  const ledger = new TableLedger(ledgerTable);
  const deadLetters = new BlobDeadLetters(containerClient(connection, dataStores.containers.deadLetters));
  const retryQueue = new StorageRetryQueue(
    containerClient(connection, dataStores.containers.retries),
    queueClient(connection, dataStores.queues.retries),
  );
  const openStores = async (): Promise<void> => {
    const signal = AbortSignal.timeout(storesTimeoutMs);
    await Promise.all([
      ledger.createTable(signal),
      deadLetters.createContainer(signal),
      retryQueue.createStores(signal),
    ]);
  };

  const openParts = once(async (context: InvocationContext): Promise<Omit<ActivationContext, 'telemetry'>> => {
    const [targets] = await Promise.all([setUpTargets(file, settings, http, context), openStores()]);
    announce(file, telemetryFor(context));
    return {
      matcher: createMatcher(withCanary(file)),
      targets,
      ledger,
      ledgerCache: new LedgerCache(cacheOptions),
      deadLetters,
      retryQueue,
      stall: file.stall,
      timing: timingOf(settings),
      clock: systemClock,
    };
  });

  return {
    telemetryFor,
    lagSource: lagSource(settings),
    exportLedger: (signal) =>
      exportTableToBlob(ledgerTable, containerClient(connection, dataStores.containers.ledgerExports), {
        nowMs: systemClock.now(),
        signal,
      }),
    now: systemClock.now,
    openActivation: async (context) => ({ ...(await openParts(context)), telemetry: telemetryFor(context) }),
    checkHealth: createHealthCheck({
      look: async () => {
        await openStores();
        return canaryToldAtMs(ledger, AbortSignal.timeout(storesTimeoutMs));
      },
      about: () => ({
        build,
        destinations: [...file.destinations.keys()],
        audiences: [...file.audiences.keys()],
        counters: counters.values(),
      }),
      clock: systemClock,
    }),
  };
}

/** What `build.ts` wrote into the app's manifest. */
function readBuild(appFolder: string): string {
  const { contents } = JSON.parse(readFileSync(join(appFolder, 'package.json'), 'utf8')) as {
    readonly contents: string;
  };
  return contents;
}

/** Waits for destinations for two thirds of a lease's life and writes to the stores for a sixth more; the rest is for clocks that differ. */
function timingOf({ leaseSeconds }: Settings): ActivationContext['timing'] {
  const leaseMs = leaseSeconds * 1_000;
  // Whole milliseconds: a timer refuses a fraction.
  const share = (of: number): number => Math.floor(leaseMs * of);
  return { waitMaxMs: 5_000, deadlineMs: share(2 / 3), settleByMs: share(5 / 6), leaseMs };
}

function requireSecrets(file: ActivationFile, settings: Settings): void {
  const missing = secretNames(file).filter((name) => (settings.secret(name) ?? '') === '');
  if (missing.length === 0) return;
  throw new Error(
    `Failed to start: the activation file names secrets that have no value: ${missing.join(', ')}. ` +
      `Set the app settings ${missing.map(secretVariable).join(', ')}.`,
  );
}

async function setUpTargets(
  file: ActivationFile,
  settings: Settings,
  http: HttpClient,
  context: InvocationContext,
): Promise<ActivationContext['targets']> {
  const options = {
    importPackage,
    http,
    clock: systemClock,
    print: (line: string) => context.log(line),
    readSecret: (name: string) => Promise.resolve(settings.secret(name) ?? ''),
  };
  const targets = await Promise.all([...file.destinations.values()].map((entry) => setUpTarget(entry, options)));
  return new Map([...targets, canaryTarget(systemClock)].map((target) => [target.key, target]));
}

function announce(file: ActivationFile, telemetry: Telemetry): void {
  for (const problem of file.warnings) telemetry.emit('activation-file-warned', { problem: problemLine(problem) });
  telemetry.emit('handler-started', {
    destinations: file.destinations.size,
    audiences: file.audiences.size,
    routes: file.routes.length,
  });
}

function storageConnection(storage: StorageSettings): StorageConnection {
  if ('connectionString' in storage) return storage;
  const { clientId, ...endpoints } = storage;
  return { ...endpoints, credential: managedIdentity(clientId) };
}

function lagSource({ eventHub, hostStorage }: Settings): LagSource {
  const { connection, name, consumerGroup } = eventHub;
  const storage =
    'connectionString' in hostStorage
      ? hostStorage
      : { blobEndpoint: hostStorage.blobEndpoint, credential: managedIdentity(hostStorage.clientId) };
  return {
    eventHub:
      'connectionString' in connection
        ? connection
        : {
            fullyQualifiedNamespace: connection.fullyQualifiedNamespace,
            credential: managedIdentity(connection.clientId),
          },
    eventHubName: name,
    consumerGroup,
    checkpoints: containerClient(storage, checkpointContainer),
    now: systemClock.now,
  };
}

function managedIdentity(clientId: string | undefined): ManagedIdentityCredential {
  return new ManagedIdentityCredential(clientId === undefined ? {} : { clientId });
}

/** Does the work once; a failure is not kept, so that the next caller tries again. */
function once<Argument, Result>(
  work: (argument: Argument) => Promise<Result>,
): (argument: Argument) => Promise<Result> {
  let done: Promise<Result> | undefined;
  return (argument) => {
    done ??= work(argument).catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}

const logs = {
  debug: (context: InvocationContext, line: string) => context.debug(line),
  information: (context: InvocationContext, line: string) => context.info(line),
  warning: (context: InvocationContext, line: string) => context.warn(line),
  error: (context: InvocationContext, line: string) => context.error(line),
} as const;
