import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../bin/activation.js', import.meta.url));

export interface RunOptions {
  readonly input?: string;
  /** Beside the test's own; what is undefined is taken away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
  /** Options of node itself. */
  readonly nodeOptions?: readonly string[];
}

/** Runs the real command to its end. */
export async function runActivation(words: readonly string[], options: RunOptions = {}) {
  const child = spawnActivation(words, options);
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  const ended = once(child, 'exit');
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code: child.exitCode, output, errors };
}

export type JsonEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** A command that runs until a signal ends it, with `--json`. */
export interface RunningActivation {
  /**
   * The first event of this name, also one that came before. Rejects when the command ends without
   * it.
   */
  event(name: string): Promise<JsonEvent>;
  readonly events: readonly JsonEvent[];
  /** Resolves at the next event. Rejects when the command ends before. */
  next(): Promise<void>;
  readonly errors: () => string;
  readonly processId: number;
  /** Sends the signal and gives the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export function startActivation(words: readonly string[], options: RunOptions = {}): RunningActivation {
  const child = spawnActivation([...words, '--json'], options);
  child.stdin.end();
  const events: JsonEvent[] = [];
  let errors = '';
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const each of woken) each();
  };
  // `close` comes after the last of the output.
  const ended = once(child, 'close').then(() => child.exitCode);
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (more: string) => (errors += more));
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line) as JsonEvent);
    wake();
  });
  const next = async (): Promise<void> => {
    if (hasEnded) throw new Error(`The command ended. It said: ${errors}`);
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    events,
    errors: () => errors,
    processId: child.pid ?? 0,
    next,
    async event(name) {
      for (;;) {
        const found = events.find(({ event }) => event === name);
        if (found !== undefined) return found;
        await next();
      }
    },
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

/** Resolves when `activation local` has settled so many events in all. */
export async function settled(local: RunningActivation, events: number): Promise<void> {
  const sum = (): number =>
    local.events.reduce((total, each) => total + (each.event === 'batch-settled' ? Number(each.events) : 0), 0);
  while (sum() < events) await local.next();
}

function spawnActivation(
  words: readonly string[],
  { environment = {}, folder, nodeOptions = [] }: RunOptions,
): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(process.execPath, [...nodeOptions, command, ...words], {
    cwd: folder ?? import.meta.dirname,
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
