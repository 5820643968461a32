import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MessageFromHost, MessageToHost } from './host-process.ts';

const hostProcess = fileURLToPath(new URL('./host-process.ts', import.meta.url));
const startTimeoutMs = 120_000;
/** A worker notices at once that its host is gone; this is for a machine that is busy. */
const orphanMaxMs = 10_000;
/** How long hosts that are replaced may take to settle what they have. */
const replaceMaxMs = 5_000;
const lookEveryMs = 20;

export interface HostsOptions {
  readonly appFolder: string;
  /** App settings, by what the host is to say of itself to receivers: a secret of its own. */
  readonly settings: (hostSecret: string) => Readonly<Record<string, string>>;
  /** Every line that a host printed, with the secret of that host. */
  readonly onLine: (line: string, hostSecret: string) => void;
}

interface Host {
  readonly child: ChildProcess;
  readonly closed: Promise<unknown>;
  workerProcessId: number | undefined;
}

/** Functions hosts that share partitions, each a process with a worker as its child. */
export class Hosts {
  readonly #options: HostsOptions;
  readonly #running: Host[] = [];
  readonly #closing: Promise<unknown>[] = [];
  #started = 0;
  #orphans = 0;

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#running.length;
  }

  /** Workers that lived on after their host was killed. */
  get orphans(): number {
    return this.#orphans;
  }

  /** Resolves when it listens. Throws when it ends before. */
  async start(): Promise<void> {
    this.#started += 1;
    const hostSecret = randomBytes(12).toString('hex');
    const child = fork(hostProcess, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const host: Host = { child, closed: once(child, 'close'), workerProcessId: undefined };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => this.#options.onLine(line, hostSecret));
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    child.on('message', (message: MessageFromHost) => {
      if (message.kind === 'ready') resolve(undefined);
      else if (message.kind === 'worker') host.workerProcessId = message.processId;
      else reject(new Error(`Failed to start a functions host: ${message.reason}`));
    });
    child.once('exit', () => reject(new Error('Failed to start a functions host: its process ended.')));
    const timer = setTimeout(
      () => reject(new Error('Failed to start a functions host: it took too long.')),
      startTimeoutMs,
    );
    const { appFolder, settings } = this.#options;
    send(child, { kind: 'start', appFolder, instanceName: `chaos-${this.#started}`, settings: settings(hostSecret) });
    try {
      await promise;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
    this.#running.push(host);
  }

  /** SIGKILL of one host. Resolves when it and its worker are gone. */
  async kill(pick: number): Promise<void> {
    const host = this.#take(pick);
    if (host === undefined) return;
    const { workerProcessId } = host;
    host.child.kill('SIGKILL');
    await once(host.child, 'exit');
    if (workerProcessId !== undefined && !(await isGone(workerProcessId))) {
      this.#orphans += 1;
      process.kill(workerProcessId, 'SIGKILL');
    }
    await host.closed;
  }

  /** SIGKILL of the worker of one host, which starts another. */
  killWorker(pick: number): void {
    const host = this.#running[indexOf(pick, this.#running)];
    if (host !== undefined) send(host.child, { kind: 'kill-worker' });
  }

  /**
   * Asks one host to end, as a scale-in does; its partitions go to the others. Resolves when it has
   * been asked.
   */
  remove(pick: number): void {
    const host = this.#take(pick);
    if (host === undefined) return;
    send(host.child, { kind: 'stop' });
    this.#closing.push(host.closed);
  }

  /**
   * Ends all hosts and starts as many again, as a deployment does: one is killed, the others are
   * asked, and killed when they take long. `between` runs while there is none.
   */
  async replaceAll(between: () => Promise<void>): Promise<void> {
    const { length } = this.#running;
    await this.kill(0);
    const others = [...this.#running];
    while (this.#running.length > 0) this.remove(0);
    const patience = setTimeout(() => {
      for (const { child } of others) child.kill('SIGKILL');
    }, replaceMaxMs);
    await Promise.all(this.#closing);
    clearTimeout(patience);
    await between();
    await Promise.all(Array.from({ length }, () => this.start()));
  }

  /** Asks all hosts to end, and resolves when everything that they printed has been read. */
  async stop(): Promise<void> {
    while (this.#running.length > 0) this.remove(0);
    await Promise.all(this.#closing);
  }

  #take(pick: number): Host | undefined {
    return this.#running.splice(indexOf(pick, this.#running), 1)[0];
  }
}

function send(child: ChildProcess, message: MessageToHost): void {
  // A process that is gone says so by its exit.
  child.send(message, () => undefined);
}

function indexOf(pick: number, { length }: readonly unknown[]): number {
  return Math.min(length - 1, Math.floor(pick * length));
}

async function isGone(processId: number): Promise<boolean> {
  const giveUpAtMs = performance.now() + orphanMaxMs;
  while (performance.now() < giveUpAtMs) {
    try {
      process.kill(processId, 0);
    } catch {
      return true;
    }
    await sleep(lookEveryMs);
  }
  return false;
}
