import { Readable } from 'node:stream';
import picocolors from 'picocolors';
import type { Terminal } from '../src/terminal/terminal.ts';

export interface CapturedTerminal extends Terminal {
  /** Lines of standard output and standard error so far. */
  readonly printed: readonly string[];
  readonly said: readonly string[];
}

/** A terminal without a screen, for a command that runs in the test's own process. */
export function capturedTerminal(
  options: Partial<
    Pick<Terminal, 'stdin' | 'environment' | 'folder' | 'interrupted' | 'print' | 'openScreen' | 'ask'>
  > = {},
): CapturedTerminal {
  const printed: string[] = [];
  const said: string[] = [];
  return {
    stdin: Readable.from([]),
    environment: {},
    folder: import.meta.dirname,
    interrupted: new AbortController().signal,
    colors: picocolors.createColors(false),
    columns: () => undefined,
    say: (line) => void said.push(line),
    flush: () => Promise.resolve(),
    progress: () => ({ update: () => undefined, end: () => undefined }),
    openScreen: () => undefined,
    ...options,
    print: (line) => {
      printed.push(line);
      options.print?.(line);
    },
    printed,
    said,
  };
}
