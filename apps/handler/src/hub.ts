import { AsyncLocalStorage } from 'node:async_hooks';
import {
  activate,
  FollowedControls,
  LedgerCache,
  RetriesInWork,
  timingOf,
  type ActivationContext,
} from '@activation-hub/activation';
import { createMatcher, problemLine, withCanary, type ActivationFile } from '@activation-hub/activation-file';
import {
  BlobControls,
  BlobDeadLetters,
  containerClient,
  openLedger,
  queueClient,
  StorageRetryQueue,
  type SpreadLedger,
  type StorageConnection,
} from '@activation-hub/azure-adapters';
import { systemClock, type ControlStore } from '@activation-hub/delivery';
import { createHttpClient } from '@activation-hub/destination-kit';
import { managedIdentity, setUpTarget, type SetUpOptions } from '@activation-hub/destinations';
import { dataStores } from '@activation-hub/handler-contract';
import type { Counters, Telemetry } from '@activation-hub/telemetry';
import type { InvocationContext } from '@azure/functions';
import { createAppTelemetry } from './app-telemetry.ts';
import { canaryTarget, canaryToldAtMs } from './canary.ts';
import type { Configuration } from './configuration.ts';
import { importPackage } from './destination-packages.ts';
import { exportLedger } from './export-ledger.ts';
import { createHealthCheck, type HealthDetails } from './health.ts';
import { incomingEvents } from './incoming-events.ts';
import { once } from './once.ts';
import { reportBacklog } from './report-backlog.ts';
import type { Settings, StorageSettings } from './settings.ts';
import { shownControls } from './shown-controls.ts';
import { sweep } from './sweep.ts';
import { putBackRetry, takeRetry } from './take-retry.ts';

/**
 * How much of the ledger the cache holds, about 100,000 typical rows, and how long it believes
 * them.
 */
const cacheOptions = { bytesMax: 128 * 1024 * 1024, ageMaxMs: 5 * 60_000 };
/** How long the stores may take to answer at the start and on the health page. */
const storesTimeoutMs = 20_000;

/**
 * What the functions of the app do. Each throws when what it takes cannot be settled, and the host
 * then gives it again.
 */
export interface Hub {
  /** Takes a batch of the trigger: raw bodies, with what the context says of them. */
  readonly takeEvents: (bodies: unknown, context: InvocationContext) => Promise<void>;
  /** Takes a message of the retry queue. */
  readonly takeRetry: (message: string, context: InvocationContext) => Promise<void>;
  /** Takes a message of the retry queue that the host has put aside. */
  readonly putBackRetry: (message: string, context: InvocationContext) => Promise<void>;
  readonly sweep: (context: InvocationContext) => Promise<void>;
  readonly reportLag: (context: InvocationContext) => Promise<void>;
  readonly exportLedger: (context: InvocationContext) => Promise<void>;
  readonly checkHealth: () => Promise<HealthDetails>;
  /** Sends what telemetry still holds, before the process ends. */
  readonly close: () => Promise<void>;
}

/**
 * Puts together what the configuration says. Calls no store yet: the first invocation does, and the
 * next if it fails.
 */
export function createHub(configuration: Configuration): Hub {
  const { file, settings, build } = configuration;
  const appTelemetry = createAppTelemetry(settings, build, systemClock);
  const stores = createStores(settings);
  const { allowPrivateAddresses, proxies } = settings;
  const http = createHttpClient({ allowPrivateAddresses, proxies });

  /**
   * A listener prints to the log of the invocation that calls it: the library warns of each line
   * for an invocation that has ended.
   */
  const invocations = new AsyncLocalStorage<InvocationContext>();
  const print = (line: string): void => (invocations.getStore() ?? console).log(line);

  const openObserver = once(async (url: string) => (await import('./observer.ts')).createObserver(url));

  const openParts = once(async (context: InvocationContext): Promise<Omit<ActivationContext, 'telemetry'>> => {
    const telemetry = await appTelemetry.of(context);
    const observer = settings.observerUrl === undefined ? undefined : await openObserver(settings.observerUrl);
    const client = observer?.observedHttp(http) ?? http;
    const { traceHeaders } = appTelemetry;
    const traced = { http: client, ...(traceHeaders === undefined ? {} : { traceHeaders }) };
    const [own] = await Promise.all([setUpTargets(configuration, { ...traced, print }, telemetry), stores.open()]);
    const targets = observer?.observedTargets(own, systemClock) ?? own;
    announce(file, telemetry);
    const { ledger, deadLetters, retryQueue } = stores;
    const ledgerCache = new LedgerCache(cacheOptions);
    appTelemetry.observe({ targets, ledgerCache, clock: systemClock });
    return {
      matcher: createMatcher(withCanary(file)),
      targets,
      ledger,
      ledgerCache,
      deadLetters,
      retryQueue,
      retriesInWork: new RetriesInWork(),
      stall: file.stall,
      controls: new FollowedControls(stores.controls, systemClock),
      timing: timingOf(settings.leaseSeconds * 1_000),
      clock: systemClock,
      ...(observer === undefined ? {} : { observe: observer.observeChange }),
    };
  });
  /** With telemetry that writes to the log of this invocation. */
  const openActivation = async (context: InvocationContext): Promise<ActivationContext> => ({
    ...(await openParts(context)),
    telemetry: await appTelemetry.of(context),
  });

  const within = <Result>(context: InvocationContext, work: () => Promise<Result>): Promise<Result> =>
    invocations.run(context, () => appTelemetry.within(context, work));

  return {
    takeEvents: async (bodies, context) => {
      const activation = await openActivation(context);
      const events = incomingEvents(bodies, context.triggerMetadata, activation.clock.now());
      if (settings.observerUrl !== undefined) (await openObserver(settings.observerUrl)).observeEvents(events);
      if (events.length > 0) await within(context, () => activate({ events }, activation));
    },
    takeRetry: async (message, context) => {
      const activation = await openActivation(context);
      await within(context, () => takeRetry(message, activation));
    },
    putBackRetry: async (message, context) =>
      putBackRetry(message, { ...stores, clock: systemClock, telemetry: await appTelemetry.of(context) }),
    sweep: async (context) => {
      const activation = await openActivation(context);
      await invocations.run(context, () => sweep(activation));
    },
    reportLag: async (context) => {
      // The way to Event Hubs itself, which nothing else here needs.
      const { lagSource, reportLag } = await import('./report-lag.ts');
      const telemetry = await appTelemetry.of(context);
      await reportLag(lagSource(settings, systemClock), telemetry);
      // Only gauges show it.
      if (appTelemetry.isExported) await reportBacklog(stores, telemetry);
    },
    exportLedger: async (context) =>
      exportLedger(stores.ledger, stores.ledgerExports, {
        telemetry: await appTelemetry.of(context),
        now: systemClock.now,
      }),
    checkHealth: healthCheck(configuration, stores, appTelemetry.counters),
    close: () => appTelemetry.close(),
  };
}

/** The stores of the app, which are opened again for every call of `open`. */
interface Stores {
  readonly ledger: SpreadLedger;
  readonly deadLetters: BlobDeadLetters;
  readonly retryQueue: StorageRetryQueue;
  readonly open: () => Promise<void>;
  readonly controls: ControlStore;
  readonly ledgerExports: ReturnType<typeof containerClient>;
}

function createStores({ dataStorage, ledgerMoves }: Settings): Stores {
  const connection = storageConnection(dataStorage);
  const ledgerExports = containerClient(connection, dataStores.containers.ledgerExports);
  const { tables } = dataStores;
  const names = { rows: tables.ledger, layout: tables.ledgerLayout };
  const ledger = openLedger(connection, names, { isMoving: ledgerMoves });
  const deadLetters = new BlobDeadLetters(containerClient(connection, dataStores.containers.deadLetters));
  const retryQueue = new StorageRetryQueue(
    containerClient(connection, dataStores.containers.retries),
    queueClient(connection, dataStores.queues.retries),
  );
  const controls = new BlobControls(containerClient(connection, dataStores.containers.controls));
  const open = async (): Promise<void> => {
    const signal = AbortSignal.timeout(storesTimeoutMs);
    await Promise.all([
      ledger.createTables(signal),
      deadLetters.createContainer(signal),
      controls.createContainer(signal),
      retryQueue.createStores(signal),
    ]);
  };
  return { ledger, ledgerExports, deadLetters, retryQueue, controls, open };
}

function healthCheck(
  { build, file }: Configuration,
  { open, ledger, controls }: Stores,
  counters: Counters,
): () => Promise<HealthDetails> {
  return createHealthCheck({
    look: async () => {
      await open();
      return canaryToldAtMs(ledger, AbortSignal.timeout(storesTimeoutMs));
    },
    readControls: () => shownControls(controls, systemClock, AbortSignal.timeout(storesTimeoutMs)),
    about: () => ({
      build,
      destinations: [...file.destinations.keys()],
      audiences: [...file.audiences.keys()],
      counters: counters.values(),
    }),
    clock: systemClock,
  });
}

async function setUpTargets(
  { file, settings }: Configuration,
  parts: Pick<SetUpOptions, 'http' | 'traceHeaders' | 'print'>,
  telemetry: Telemetry,
): Promise<ActivationContext['targets']> {
  const options = {
    importPackage,
    ...parts,
    clock: systemClock,
    readSecret: (name: string) => Promise.resolve(settings.secret(name) ?? ''),
    // The build has checked the file, and so long ago that a version may be near its end by now.
    warn: (sentence: string) => telemetry.emit('activation-file-warned', { problem: sentence }),
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
