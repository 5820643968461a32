import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEventHubTrigger, type LoadBalancing } from './event-hub-trigger.ts';
import type { HostLog } from './host-log.ts';
import { readHostJson } from './host-json.ts';
import { openHostStorage } from './host-storage.ts';
import { startHttpTrigger } from './http-trigger.ts';
import { startQueueTrigger } from './queue-trigger.ts';
import type { FunctionMetadata, InvocationInput, InvocationOutcome } from './rpc.ts';
import { Settings } from './settings.ts';
import { startTimerTrigger } from './timer-trigger.ts';
import { errorText, type RegisteredFunction, type TriggerListener, type TriggerServices } from './trigger.ts';
import { WorkerProcess } from './worker-process.ts';

const drainTimeoutDefaultMs = 30_000;
/** The appTerminate hooks have this long even when the drain took all of its time. */
const terminateGraceMs = 5_000;

/** An invocation that has ended. */
export interface FinishedInvocation {
  readonly functionName: string;
  readonly invocationId: string;
  readonly durationMs: number;
  /** The function threw, took longer than `functionTimeout`, or its worker died. */
  readonly failed: boolean;
  /** Events in the batch; only event hub triggers have it. */
  readonly batchSize?: number;
}

export interface FunctionsHostOptions {
  /** Holds host.json, package.json with `main`, and the built bundle. */
  readonly appFolder: string;
  /**
   * What local.settings.json or the app settings would hold; they become the worker's environment
   * as well.
   */
  readonly settings: Readonly<Record<string, string>>;
  /** Default 0: a free port. Without HTTP functions nothing listens. */
  readonly httpPort?: number;
  /** Prefix of the owner's name in the ownership of partitions. Default `host`. */
  readonly instanceName?: string;
  /** The worker listens here for a debugger, with source maps. */
  readonly inspectPort?: number;
  /** How long `stop` waits for running invocations. Default 30,000. */
  readonly drainTimeoutMs?: number;
  readonly loadBalancing?: LoadBalancing;
  readonly log: HostLog;
  /** Called after every invocation, repeated attempts included. */
  readonly observe?: (invocation: FinishedInvocation) => void;
}

export interface FunctionsHost {
  readonly functions: readonly RegisteredFunction[];
  /** 0 when the app has no HTTP function. */
  readonly httpPort: number;
  /** Undefined while no worker runs; another one after a restart. */
  readonly workerProcessId: number | undefined;
  /**
   * Receives no more, lets running invocations end for up to `drainTimeoutMs`, writes checkpoints
   * of what ended well, releases partitions and leases, runs the appTerminate hooks and ends the
   * worker. What did not end comes again later. Repeatable.
   */
  stop(): Promise<void>;
}

/**
 * Loads a built function app into a worker process and drives its triggers as Azure would. Resolves
 * when all functions are loaded and the triggers listen. Throws, with nothing left running, when
 * the app cannot be loaded, a setting is missing, host.json is wrong, or the app uses a trigger or
 * binding that this host does not run; an event hub that cannot be reached is no reason, it is
 * retried.
 */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const appFolder = resolve(options.appFolder);
  const hostJson = await readHostJson(appFolder);
  const worker = await startWorker(appFolder, options);
  const listeners: TriggerListener[] = [];
  const drainTimeoutMs = options.drainTimeoutMs ?? drainTimeoutDefaultMs;
  const stop = once(() => stopAll(listeners, worker, drainTimeoutMs));
  try {
    const functions = (await worker.functions).map(registeredFunction);
    const settings = new Settings(options.settings);
    const services: TriggerServices = {
      settings,
      hostJson,
      log: options.log,
      hostId:
        settings.find('AzureFunctionsWebHost__hostid') ??
        createHash('sha256').update(appFolder).digest('hex').slice(0, 32),
      instanceName: options.instanceName ?? 'host',
      invoke: (registered, input, batchSize) =>
        invoke(worker, registered, input, { ...options, batchSize, timeoutMs: hostJson.functionTimeoutMs }),
    };
    const httpPort = await startTriggers(functions, services, options, listeners);
    return {
      functions,
      httpPort,
      get workerProcessId() {
        return worker.processId;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Loads a built function app, tells what it registers, and ends it again: for tests of a bundle.
 * Throws when it cannot be loaded.
 */
export async function readRegisteredFunctions(
  appFolder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<RegisteredFunction[]> {
  const worker = await startWorker(resolve(appFolder), { settings, log: () => undefined });
  const functions = await worker.functions;
  await worker.stop(terminateGraceMs);
  return functions.map(registeredFunction);
}

async function startWorker(
  appFolder: string,
  { settings, inspectPort, log }: Pick<FunctionsHostOptions, 'settings' | 'inspectPort' | 'log'>,
) {
  try {
    return await WorkerProcess.start({
      appFolder,
      settings,
      log,
      ...(inspectPort === undefined ? {} : { inspectPort }),
    });
  } catch (error) {
    throw new Error(`Failed to load the function app in ${appFolder}: ${errorText(error)}`, { cause: error });
  }
}

/**
 * Adds every listener to `listeners` as soon as it listens, so that a failure can stop those before
 * it. Returns the HTTP port.
 */
async function startTriggers(
  functions: readonly RegisteredFunction[],
  services: TriggerServices,
  options: FunctionsHostOptions,
  listeners: TriggerListener[],
): Promise<number> {
  if (functions.length === 0)
    throw new Error('Failed to start the functions host: the app has registered no function.');
  for (const registered of functions) assertSupported(registered);
  const ofType = (type: string): RegisteredFunction[] => functions.filter(({ triggerType }) => triggerType === type);
  const storage = once(() => openHostStorage(services.settings));

  for (const registered of ofType('queueTrigger')) listeners.push(await startQueueTrigger(registered, services));
  for (const registered of ofType('eventHubTrigger')) {
    listeners.push(await startEventHubTrigger(registered, services, await storage(), options.loadBalancing ?? {}));
  }
  for (const registered of ofType('timerTrigger'))
    listeners.push(startTimerTrigger(registered, services, await storage()));
  const httpFunctions = ofType('httpTrigger');
  if (httpFunctions.length === 0) return 0;
  const http = await startHttpTrigger(httpFunctions, services, options.httpPort ?? 0);
  listeners.push(http);
  return http.port;
}

const supportedTriggers = new Set(['eventHubTrigger', 'queueTrigger', 'timerTrigger', 'httpTrigger']);

function assertSupported({ name, triggerType, trigger, bindings }: RegisteredFunction): void {
  if (!supportedTriggers.has(triggerType)) {
    throw new Error(
      `Failed to start function ${name}: this host does not run ${triggerType}, only ${[...supportedTriggers].join(', ')}.`,
    );
  }
  const others = Object.values(bindings).filter(
    (binding) => binding !== trigger && binding.type?.toLowerCase() !== 'http',
  );
  if (others[0]) {
    throw new Error(
      `Failed to start function ${name}: this host does not run its binding ${String(others[0].type)}. Use the SDK's client in the function.`,
    );
  }
}

function registeredFunction({ name, bindings, retryOptions }: FunctionMetadata): RegisteredFunction {
  const trigger = Object.values(bindings).find(({ type }) => type !== undefined && /trigger$/i.test(type)) ?? {};
  const type = trigger.type ?? '';
  const triggerType =
    [...supportedTriggers].find((supported) => supported.toLowerCase() === type.toLowerCase()) ?? type;
  return { name, triggerType, trigger, bindings, ...(retryOptions ? { retry: retryOptions } : {}) };
}

async function invoke(
  worker: WorkerProcess,
  registered: RegisteredFunction,
  input: InvocationInput,
  {
    batchSize,
    timeoutMs,
    log,
    observe,
  }: Pick<FunctionsHostOptions, 'log' | 'observe'> & {
    readonly batchSize: number | undefined;
    readonly timeoutMs: number | undefined;
  },
): Promise<InvocationOutcome> {
  const functionName = registered.name;
  const startedAt = performance.now();
  const { invocationId, ...outcome } = await worker.invoke(functionName, input, timeoutMs);
  if (outcome.failed) log({ level: 'error', functionName, invocationId, message: outcome.error.stack });
  observe?.({
    functionName,
    invocationId,
    durationMs: performance.now() - startedAt,
    failed: outcome.failed,
    ...(batchSize === undefined ? {} : { batchSize }),
  });
  return outcome;
}

async function stopAll(
  listeners: readonly TriggerListener[],
  worker: WorkerProcess,
  drainTimeoutMs: number,
): Promise<void> {
  const drain = new AbortController();
  const drained = new AbortController();
  const timer = sleep(drainTimeoutMs, undefined, { signal: drained.signal }).then(
    () => drain.abort(),
    () => undefined,
  );
  await Promise.all(listeners.map((listener) => listener.stop(drain.signal)));
  drained.abort();
  await timer;
  await worker.stop(terminateGraceMs);
}

function once<Result>(produce: () => Result): () => Result {
  let produced: { result: Result } | undefined;
  return () => (produced ??= { result: produce() }).result;
}
