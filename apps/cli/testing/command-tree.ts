import type { Argument, Command, Option } from 'commander';
import { createProgram } from '../src/main.ts';
import { capturedTerminal } from './captured-terminal.ts';

/** A command of the command line with its words, such as `ledger show`. */
export interface ListedCommand {
  readonly words: readonly string[];
  readonly options: readonly Option[];
  readonly arguments: readonly Argument[];
  /** Whether it only groups others. */
  readonly isGroup: boolean;
}

/**
 * Every command that there is, each after the one that it belongs to; the first is `activation`
 * itself.
 */
export async function everyCommand(): Promise<readonly ListedCommand[]> {
  return listed(await createProgram(undefined, capturedTerminal()), []);
}

function listed(command: Command, words: readonly string[]): readonly ListedCommand[] {
  return [
    {
      words,
      options: command.options,
      arguments: command.registeredArguments,
      isGroup: command.commands.length > 0,
    },
    ...command.commands.flatMap((inner) => listed(inner, [...words, inner.name()])),
  ];
}
