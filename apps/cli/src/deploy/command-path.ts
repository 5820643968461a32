import { existsSync } from 'node:fs';
import { win32 } from 'node:path';

/** How a command is started without a shell: the file, and words that come first. */
export type Started = readonly [file: string, ...before: string[]];

/**
 * How to start a command of others without a shell, whose quoting would change what is asked. On
 * Windows `az` is a script of cmd.exe, which only a shell can start; it runs `azure.cli` by the
 * Python that is installed beside it, and so does this. Everything else is a program under its own
 * name.
 */
export function startOf(
  command: string,
  platform: NodeJS.Platform,
  path: string,
  isThere: (file: string) => boolean = existsSync,
): Started {
  if (platform !== 'win32' || command !== 'az') return [command];
  const folder = path.split(win32.delimiter).find((each) => isThere(win32.join(each, 'az.cmd')));
  const python = folder === undefined ? undefined : win32.join(folder, '..', 'python.exe');
  return python !== undefined && isThere(python) ? [python, '-IBm', 'azure.cli'] : [command];
}
