import { spawnSync } from 'node:child_process';
import { emitKeypressEvents, type Key } from 'node:readline';
import type { KeySignal } from './signal-process.ts';

/** A terminal with a person before it: one line stays below what is printed, and keys are heard. */
export interface Screen {
  /** Runs what writes whole lines to the terminal, so that they stand above the line that stays. */
  above(write: () => void): void;
  /**
   * The line that stays last, without colours, as `lineFor` makes it for so many columns each time
   * that it is drawn; an empty one takes it away.
   */
  setStatus(lineFor: (columns: number) => string): void;
  /**
   * Hears keys until the function that it gives is called: what a key writes, or its name where it
   * writes nothing (`escape`). Ctrl-C, Ctrl-\ and Ctrl-Z do what they do in every terminal.
   */
  hearKeys(onKey: (key: string) => void): () => void;
  /** Asks this process to end, as Ctrl-C does. */
  interrupt(): void;
  /** Removes the line and releases the keys. Repeatable. */
  close(): void;
}

export interface ScreenOptions {
  readonly input: NodeJS.ReadableStream & { setRawMode?(isRaw: boolean): unknown };
  readonly output: NodeJS.WritableStream & { readonly columns?: number };
  /** Colours the line that stays. */
  readonly paint: (line: string) => string;
  /** Sends a signal to this process: the terminal does not while it hands over each key. */
  readonly signal: (name: KeySignal) => void;
  /**
   * Whether this process is in the foreground of its terminal; the system stops a background
   * process that reads keys.
   */
  readonly isForeground: () => boolean;
}

const columnsUsual = 80;
const eraseLine = '\r\u001B[2K';

/** By what Ctrl-C, Ctrl-\ and Ctrl-Z write. */
const signals: ReadonlyMap<string, KeySignal> = new Map([
  ['\u0003', 'SIGINT'],
  ['\u001C', 'SIGQUIT'],
  ['\u001A', 'SIGTSTP'],
]);

/** A screen over these streams. Writes nothing until there is a status. */
export function createScreen({ input, output, paint, signal, isForeground }: ScreenOptions): Screen {
  let lineFor: Parameters<Screen['setStatus']>[0] = () => '';
  let drawn = '';
  // The last column would break the line on some terminals.
  const line = (): string => lineFor((output.columns ?? columnsUsual) - 1);
  const erase = (): void => {
    if (drawn !== '') output.write(eraseLine);
    drawn = '';
  };
  const draw = (): void => {
    drawn = line();
    if (drawn !== '') output.write(paint(drawn));
  };
  const stops = new Set<() => void>();
  const above = (write: () => void): void => {
    erase();
    write();
    draw();
  };
  const setStatus: Screen['setStatus'] = (by) => {
    lineFor = by;
    if (line() === drawn) return;
    erase();
    draw();
  };

  const hearKeys = (onKey: (key: string) => void): (() => void) => {
    const takeKeys = (): void => {
      if (isForeground()) input.setRawMode?.(true);
    };
    const hear = (text: string | undefined, { sequence = '', name }: Key): void => {
      const asked = signals.get(sequence);
      if (asked === undefined) {
        onKey(name === 'escape' ? name : (text ?? name ?? ''));
        return;
      }
      if (asked === 'SIGTSTP') {
        input.setRawMode?.(false);
        erase();
      }
      signal(asked);
    };
    const goOn = (): void => {
      takeKeys();
      draw();
    };
    emitKeypressEvents(input);
    takeKeys();
    input.on('keypress', hear);
    input.resume();
    process.on('SIGCONT', goOn);
    const stop = (): void => {
      if (!stops.delete(stop)) return;
      input.off('keypress', hear);
      process.off('SIGCONT', goOn);
      input.setRawMode?.(false);
      input.pause();
    };
    stops.add(stop);
    return stop;
  };

  return {
    above,
    setStatus,
    hearKeys,
    interrupt: () => signal('SIGINT'),
    close() {
      setStatus(() => '');
      for (const stop of stops) stop();
    },
  };
}

/**
 * Whether this process is of the group to which the terminal's keys go, by `ps`; where that cannot
 * be asked, it is taken to be.
 */
export function isForegroundProcess(): boolean {
  if (process.platform === 'win32') return true;
  const { stdout, status } = spawnSync('ps', ['-o', 'pgid=,tpgid=', '-p', String(process.pid)], { encoding: 'utf8' });
  if (status !== 0) return true;
  const [group, foreground] = stdout.trim().split(/\s+/);
  return group === foreground;
}
