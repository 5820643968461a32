import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { CommandError } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { startOf } from './command-path.ts';

/** The commands of others that a step runs. */
export interface Shell {
  /**
   * What a command prints, without the line feed; nothing where it ends with an error, as for
   * something that is not there.
   */
  readonly ask: (...words: readonly string[]) => Promise<string | undefined>;
  /**
   * Runs a command in front of the person, who may be asked by it. Throws `CommandError` (1) when
   * it ends with an error.
   */
  readonly run: (...words: readonly string[]) => Promise<void>;
}

/**
 * Runs commands in the terminal's folder. Throws `CommandError` (1) for one that is not installed.
 */
export function createShell({ folder, environment, interrupted }: Terminal): Shell {
  const start = async (words: readonly string[], stdio: 'inherit' | 'pipe') => {
    const [command = '', ...rest] = words;
    // Windows writes the name of the variable otherwise.
    const [file, ...before] = startOf(command, process.platform, environment.PATH ?? environment.Path ?? '');
    const child = spawn(file, [...before, ...rest], {
      cwd: folder,
      env: environment,
      // What a command prints is for the person, and never for who reads the output of this one.
      stdio: stdio === 'pipe' ? ['ignore', 'pipe', 'ignore'] : ['inherit', 2, 2],
      signal: interrupted,
    });
    const printed = child.stdout === null ? Promise.resolve('') : text(child.stdout);
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, printed: (await printed).trim() };
    } catch (error) {
      if (interrupted.aborted)
        throw new CommandError(1, 'Stopped, as asked. Start it again to go on.', { cause: error });
      throw new CommandError(
        1,
        `Failed to run ${command}: it is not installed. docs/operating/deploy.md says where it is from.`,
        {
          cause: error,
        },
      );
    }
  };
  return {
    async ask(...words) {
      const { code, printed } = await start(words, 'pipe');
      return code === 0 ? printed : undefined;
    },
    async run(...words) {
      const { code } = await start(words, 'inherit');
      if (code === 0) return;
      const shown = words[0] === 'bash' ? 'a command of the bootstrap' : words.slice(0, 4).join(' ');
      throw new CommandError(
        1,
        `Failed to run ${shown}: it ended with ${String(code)}, and printed the reason above. Correct it, then start again: finished steps stay finished.`,
      );
    },
  };
}
