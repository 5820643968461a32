import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { createScreen, type Screen } from '../src/terminal/screen.ts';

/** A screen without a terminal: keys are typed into it, and its last line can be read. */
export interface FakeScreen {
  readonly screen: Screen;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly type: (keys: string) => Promise<void>;
  /** The line that stays, as it stands now. */
  readonly status: () => string;
}

export function fakeScreen(): FakeScreen {
  const input = Object.assign(new PassThrough(), { setRawMode: () => undefined });
  const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { columns: 400 });
  const interruption = new AbortController();
  let written = '';
  output.on('data', (text: string) => (written = (written + text).slice(-4_000)));
  const screen = createScreen({
    input,
    output,
    paint: (line) => line,
    signal: () => interruption.abort(),
    isForeground: () => true,
  });
  return {
    screen,
    interrupted: interruption.signal,
    type: async (keys) => {
      for (const key of keys) {
        input.write(key);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    status: () => stripVTControlCharacters(written.split('\r').at(-1) ?? ''),
  };
}
