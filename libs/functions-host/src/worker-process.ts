import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { HostLog, HostLogEntry } from './host-log.ts';
import { settledOrAborted } from './trigger.ts';
import type {
  FunctionMetadata,
  InvocationInput,
  InvocationOutcome,
  MessageFromWorker,
  MessageToWorker,
} from './rpc.ts';

const workerMain = fileURLToPath(new URL('./worker/worker-main.ts', import.meta.url));
/** The host of Azure gives a worker process a minute to start. */
const loadTimeoutMs = 60_000;
const restartDelayFirstMs = 100;
const restartDelayMaxMs = 10_000;
/**
 * A worker that lived this long was healthy, so the next restart begins with the first delay again.
 */
const healthyAfterMs = 10_000;
const outputEndsWithinMs = 1_000;

export interface WorkerOptions {
  readonly appFolder: string;
  /** Become environment variables of the worker. */
  readonly settings: Readonly<Record<string, string>>;
  readonly inspectPort?: number;
  readonly log: HostLog;
}

interface RunningInvocation {
  readonly worker: ChildProcess;
  readonly settle: (outcome: InvocationOutcome) => void;
}

/**
 * The child process that runs the app's code. When it dies, the invocations that it ran fail as if
 * the function had thrown, and another one is started after a delay that grows from 0.1 to 10
 * seconds; invocations wait for it meanwhile.
 */
export class WorkerProcess {
  readonly #options: WorkerOptions;
  readonly #running = new Map<string, RunningInvocation>();
  readonly #replaced = new WeakSet<ChildProcess>();
  readonly #stopping = new AbortController();
  #worker: ChildProcess | undefined;
  #loaded: Promise<FunctionMetadata[]>;
  #startedAt = 0;
  #restarts = 0;

  private constructor(options: WorkerOptions) {
    this.#options = options;
    this.#loaded = this.#spawn();
  }

  /** Resolves when the app is loaded; throws with the app's own error when it cannot be. */
  static async start(options: WorkerOptions): Promise<WorkerProcess> {
    const worker = new WorkerProcess(options);
    await worker.#loaded;
    return worker;
  }

  /** What the app has registered. */
  get functions(): Promise<FunctionMetadata[]> {
    return this.#loaded;
  }

  get processId(): number | undefined {
    return this.#worker?.pid;
  }

  /**
   * Runs one invocation and never throws: what goes wrong is a failed outcome. After `timeoutMs`
   * the worker is killed, for its code cannot be interrupted, and with it fail all invocations that
   * it runs.
   */
  async invoke(
    functionName: string,
    input: InvocationInput,
    timeoutMs: number | undefined,
  ): Promise<InvocationOutcome & { invocationId: string }> {
    const invocationId = randomUUID();
    try {
      await this.#loaded;
    } catch (error) {
      return { ...failure(error instanceof Error ? error.message : String(error)), invocationId };
    }
    const worker = this.#worker;
    if (!worker) return { ...failure('The worker process is stopped.'), invocationId };
    const outcome = await new Promise<InvocationOutcome>((settle) => {
      this.#running.set(invocationId, { worker, settle });
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => this.#timeOut(invocationId, functionName, timeoutMs), timeoutMs);
      const settleOnce = (result: InvocationOutcome): void => {
        clearTimeout(timer);
        this.#running.delete(invocationId);
        settle(result);
      };
      this.#running.set(invocationId, { worker, settle: settleOnce });
      const message: MessageToWorker = { kind: 'invoke', invocationId, functionName, input };
      worker.send(message, (error) => {
        if (error) settleOnce(failure(`The worker process could not be reached: ${error.message}`));
      });
    });
    return { ...outcome, invocationId };
  }

  /** Runs the appTerminate hooks, for at most `graceMs`, and ends the process. */
  async stop(graceMs: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    const worker = this.#worker;
    if (worker?.exitCode !== null || worker.signalCode !== null) return;
    const ended = once(worker, 'exit');
    const outputEnded = once(worker, 'close');
    const kill = setTimeout(() => worker.kill('SIGKILL'), graceMs);
    const terminate: MessageToWorker = { kind: 'terminate' };
    worker.send(terminate, (error) => {
      if (error) worker.kill('SIGKILL');
    });
    await ended;
    clearTimeout(kill);
    // A process that the app has started may keep the output open.
    await settledOrAborted([outputEnded], AbortSignal.timeout(outputEndsWithinMs));
  }

  #spawn(): Promise<FunctionMetadata[]> {
    const { appFolder, settings, inspectPort } = this.#options;
    const worker = fork(workerMain, {
      cwd: appFolder,
      // eslint-disable-next-line no-restricted-properties -- the worker is a process of its own and needs PATH, HOME and the like
      env: { ...process.env, ...settings },
      execArgv: inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`, '--enable-source-maps'],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#worker = worker;
    this.#startedAt = performance.now();
    this.#forwardLines(worker.stdout, () => 'information');
    this.#forwardLines(worker.stderr, levelOfErrorLine);
    const loaded = new Promise<FunctionMetadata[]>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`the app did not load within ${loadTimeoutMs / 1000} seconds.`));
        worker.kill('SIGKILL');
      }, loadTimeoutMs);
      worker.on('message', (message: MessageFromWorker) => {
        if (message.kind === 'loaded') resolve([...message.functions]);
        else if (message.kind === 'load-failed') reject(new Error(message.message));
        else if (message.kind === 'invoked') this.#running.get(message.invocationId)?.settle(message.outcome);
        else this.#forwardLog(message);
        if (message.kind === 'loaded' || message.kind === 'load-failed') clearTimeout(timer);
      });
      worker.once('error', reject);
      worker.once('exit', (code, signal) => {
        clearTimeout(timer);
        if (this.#worker === worker) this.#worker = undefined;
        reject(new Error(`the worker process ended ${endOf(code, signal)} before the app was loaded.`));
      });
    });
    const load: MessageToWorker = { kind: 'load', appFolder };
    // A worker that cannot be reached has ended, which rejects above.
    worker.send(load, () => undefined);
    loaded.then(
      () =>
        worker.once('exit', (code, signal) =>
          this.#replace(worker, `The worker process ended ${endOf(code, signal)}.`),
        ),
      () => worker.kill('SIGKILL'),
    );
    return loaded;
  }

  /** Once per worker: a worker that was killed is given up at once, not only when it has ended. */
  #replace(worker: ChildProcess, reason: string): void {
    if (this.#replaced.has(worker)) return;
    this.#replaced.add(worker);
    for (const { worker: ranOn, settle } of [...this.#running.values()]) if (ranOn === worker) settle(failure(reason));
    if (this.#stopping.signal.aborted) return;
    if (performance.now() - this.#startedAt > healthyAfterMs) this.#restarts = 0;
    this.#loaded = this.#respawn(reason);
    this.#loaded.catch(() => undefined); // A waiting caller gets the rejection; without one it must not crash the process.
  }

  /**
   * Tries for as long as the host runs: what stopped the app from loading may pass, as in Azure.
   */
  async #respawn(reason: string): Promise<FunctionMetadata[]> {
    for (let why = reason; ;) {
      const delayMs = Math.min(restartDelayFirstMs * 2 ** this.#restarts++, restartDelayMaxMs);
      this.#options.log({ level: 'error', message: `${why} It is started again in ${delayMs} ms.` });
      await sleep(delayMs, undefined, { signal: this.#stopping.signal });
      try {
        return await this.#spawn();
      } catch (error) {
        if (this.#stopping.signal.aborted) throw error;
        why = `Failed to start the worker process: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
  }

  #timeOut(invocationId: string, functionName: string, timeoutMs: number): void {
    const running = this.#running.get(invocationId);
    if (!running) return;
    running.settle(failure(`Timeout value of ${timeoutMs / 1000} seconds exceeded by function: ${functionName}.`));
    running.worker.kill('SIGKILL');
    this.#replace(
      running.worker,
      `The worker process was killed, for function ${functionName} took longer than functionTimeout.`,
    );
  }

  #forwardLog({ level, message, functionName, invocationId }: Extract<MessageFromWorker, { kind: 'log' }>): void {
    if (level === 'none') return;
    this.#options.log({
      level,
      message,
      ...(functionName === undefined ? {} : { functionName }),
      ...(invocationId === undefined ? {} : { invocationId }),
    });
  }

  #forwardLines(stream: Readable | null, levelOf: (line: string) => HostLogEntry['level']): void {
    if (!stream) return;
    createInterface({ input: stream }).on('line', (message) => this.#options.log({ level: levelOf(message), message }));
  }
}

function failure(message: string): InvocationOutcome {
  return { failed: true, error: { message, stack: message } };
}

function endOf(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `with exit code ${String(code)}` : `by ${signal}`;
}

/**
 * Azure's host judges a worker's stderr by its words, for warnings and the debugger's greeting come
 * there too (WorkerProcess.cs).
 */
function levelOfErrorLine(line: string): HostLogEntry['level'] {
  if (/warn/i.test(line)) return 'warning';
  return /error|fail|severe|unhandled|exception/i.test(line) ? 'error' : 'information';
}
