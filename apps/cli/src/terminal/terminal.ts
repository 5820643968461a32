import { SingleBar } from 'cli-progress';
import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import picocolors from 'picocolors';
import { CommandError } from './command-error.ts';
import { createScreen, isForegroundProcess, type Screen } from './screen.ts';
import { signalProcess } from './signal-process.ts';

/**
 * Where a command reads, writes and learns that it should end. One for the process; tests make
 * their own.
 */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder from which relative paths are read. */
  readonly folder: string;
  /** Aborted by the first SIGINT or SIGTERM, or when the reader of the output has closed it. */
  readonly interrupted: AbortSignal;
  /** Colours for `print`: none unless it goes to a terminal, or when NO_COLOR is set. */
  readonly colors: ReturnType<typeof picocolors.createColors>;
  /** How wide the terminal is to which `print` goes now; undefined where it goes into a pipe. */
  readonly columns: () => number | undefined;
  /** What the command is for, one line to standard output. */
  readonly print: (line: string) => void;
  /** What a person should know besides, one line to standard error. */
  readonly say: (line: string) => void;
  /**
   * Asks the person at the terminal, and gives the answer without blanks around it. Absent without
   * a terminal.
   */
  readonly ask?: (question: string) => Promise<string>;
  /** Resolves when standard output has taken what was printed, or takes nothing any more. */
  flush(): Promise<void>;
  /**
   * Work whose end is known: a bar when standard error is a terminal, otherwise a line every ten
   * seconds.
   */
  progress(what: string, total: number): Progress;
  /**
   * A line that stays and keys, for a person at a terminal; undefined in a pipe, in the background,
   * and where the terminal is a simple one.
   */
  openScreen(): Screen | undefined;
}

export interface Progress {
  update(done: number): void;
  end(): void;
}

const plainProgressEveryMs = 10_000;

/** The terminal of this process. Its `interrupt` is for the code that handles signals. */
export function processTerminal(): Terminal & { interrupt(): void } {
  const { stdin, stdout, stderr, env } = process;
  const interruption = new AbortController();
  // A pipe whose reader has gone is the end of the work and no failure.
  stdout.on('error', () => interruption.abort());
  stderr.on('error', () => interruption.abort());
  let screen: Screen | undefined;
  const write = (stream: NodeJS.WriteStream, line: string): void => {
    if (screen === undefined) stream.write(`${line}\n`);
    else screen.above(() => stream.write(`${line}\n`));
  };
  // `stdout.isTTY` is undefined for a pipe, and then picocolors would ask the environment instead.
  const colors = picocolors.createColors(isatty(stdout.fd) && (env.NO_COLOR ?? '') === '');
  return {
    stdin,
    environment: env,
    folder: process.cwd(),
    interrupted: interruption.signal,
    interrupt: () => interruption.abort(),
    colors,
    columns: () => (isatty(stdout.fd) ? stdout.columns || undefined : undefined),
    print: (line) => write(stdout, line),
    ...(stdin.isTTY && stderr.isTTY ? { ask: askOf(stdin, stderr, interruption.signal) } : {}),
    flush: () =>
      stdout.writableLength === 0 || stdout.destroyed
        ? Promise.resolve()
        : new Promise((resolve) => void stdout.write('', () => resolve())),
    say: (line) => write(stderr, line),
    progress: (what, total) =>
      stderr.isTTY ? barProgress(what, total) : lineProgress(what, total, (line) => void stderr.write(`${line}\n`)),
    openScreen: () => {
      if (!isatty(stdin.fd) || !isatty(stdout.fd) || env.TERM === 'dumb' || !isForegroundProcess()) return undefined;
      screen ??= createScreen({
        input: stdin,
        output: stdout,
        paint: colors.dim,
        // A terminal stops the whole job, of which a shell or npm may be the first.
        signal: (name) => signalProcess(name),
        isForeground: isForegroundProcess,
      });
      process.once('exit', () => screen?.close());
      return screen;
    },
  };
}

function barProgress(what: string, total: number): Progress {
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total} · {eta_formatted} to go`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  bar.start(total, 0);
  return { update: (done) => bar.update(done), end: () => bar.stop() };
}

function askOf(
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  signal: AbortSignal,
): NonNullable<Terminal['ask']> {
  return async (question) => {
    const lines = createInterface({ input, output });
    try {
      return (await lines.question(question, { signal })).trim();
    } catch (error) {
      throw new CommandError(1, 'Stopped, as asked. Nothing was written.', { cause: error });
    } finally {
      lines.close();
    }
  };
}

function lineProgress(what: string, total: number, write: (line: string) => void): Progress {
  let saidAt = performance.now();
  return {
    update(done) {
      if (performance.now() - saidAt < plainProgressEveryMs) return;
      saidAt = performance.now();
      write(`${what} ${done} of ${total}`);
    },
    end: () => undefined,
  };
}

/** Resolves when the signal aborts, at once when it has. Keeps the process alive until then. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const alive = setInterval(() => undefined, 1 << 30);
  const end = () => {
    clearInterval(alive);
    resolve(undefined);
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return promise;
}
