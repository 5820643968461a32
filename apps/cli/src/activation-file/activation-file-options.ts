import { existsSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import type { Command } from 'commander';
import { CommandError } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface ActivationFileOptions {
  readonly activations?: string;
  readonly environment?: string;
}

/** Which activation file, and the environment that it is for. */
export interface ChosenFile {
  /** From the terminal's folder, or absolute. */
  readonly path: string;
  readonly environment: string;
}

/** Adds `--activations`; `--environment` comes with the options of the hub. */
export function addActivationFileOption(command: Command): Command {
  return command.option(
    '-a, --activations <file>',
    'activation file (default: apps/handler/activations/<environment>.yaml, here or in a folder above)',
  );
}

/** Throws `CommandError` (2) when nothing says which file. */
export function chooseActivationFile(options: ActivationFileOptions, { folder }: Terminal): ChosenFile {
  const { activations, environment } = options;
  if (activations !== undefined) {
    return { path: activations, environment: environment ?? basename(activations, extname(activations)) };
  }
  if (environment === undefined) {
    throw new CommandError(2, 'Failed to choose the activation file: give --activations <file>, or --environment.');
  }
  const name = join('apps', 'handler', 'activations', `${environment}.yaml`);
  for (let from = folder; ; from = dirname(from)) {
    const path = join(from, name);
    if (existsSync(path)) return { path: relative(folder, path), environment };
    if (dirname(from) === from) break;
  }
  throw new CommandError(2, `Failed to find ${name} here or in a folder above. Give --activations <file>.`);
}
