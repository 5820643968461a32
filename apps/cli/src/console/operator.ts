import type { ActivationContext, ObserveChange } from '@activation-hub/activation';
import type { ActivationFile } from '@activation-hub/activation-file';
import type { DataStorage } from '../data-storage.ts';
import { withDestination } from '../ledger-walk.ts';
import type { Terminal } from '../terminal.ts';

/** With what a person operates: the activation file, the stores, and the rights with which the console was started. */
export interface Operator {
  readonly file: ActivationFile;
  /** Its path. */
  readonly activationFile: string;
  readonly storage: DataStorage;
  /** With the secrets of the file in its environment, where they are known. */
  readonly terminal: Terminal;
  /** Who is told of changes that are made from here. */
  readonly observe?: ObserveChange;
  readonly now: () => number;
}

/** Sets up one destination beside the function app, runs something with it, and closes it. Throws `CommandError`. */
export function atDestination<Result>(
  { activationFile, storage, terminal, observe }: Operator,
  destination: string,
  run: (context: ActivationContext) => Promise<Result>,
): Promise<Result> {
  return withDestination(destination, { activations: activationFile }, storage, terminal, (context) =>
    run(observe === undefined ? context : { ...context, observe }),
  );
}
