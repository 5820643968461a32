import type { ActivationContext, ObserveChange } from '@activation-hub/activation';
import type { ActivationFile } from '@activation-hub/activation-file';
import type { DataStorage, FoundStorage } from '../environment/data-storage.ts';
import type { ReadSecret } from '../environment/secrets.ts';
import { withDestination } from '../operate/ledger-walk.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * With what a person operates: the activation file, the stores, and the rights with which the
 * console was started.
 */
export interface Operator {
  readonly file: ActivationFile;
  /** Its path. */
  readonly activationFile: string;
  /** The stack of the environment; absent on this machine. */
  readonly environment?: string;
  readonly storage: DataStorage;
  readonly terminal: Terminal;
  /** Gives the secrets of the file, as far as the person may read them. */
  readonly readSecret: ReadSecret;
  /** A failure with what the person lacks or can do about it. */
  readonly explained: FoundStorage['explained'];
  /** Who is told of changes that are made from here. */
  readonly observe?: ObserveChange;
  readonly now: () => number;
}

/**
 * Sets up one destination beside the function app, runs something with it, and closes it. Throws
 * `CommandError`.
 */
export function atDestination<Result>(
  { activationFile, storage, terminal, readSecret, observe }: Operator,
  destination: string,
  run: (context: ActivationContext) => Promise<Result>,
): Promise<Result> {
  return withDestination(destination, { activations: activationFile, readSecret }, storage, terminal, (context) =>
    run(observe === undefined ? context : { ...context, observe }),
  );
}
