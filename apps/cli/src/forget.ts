import { forget, type Forgotten } from '@activation-hub/activation';
import type { Command } from 'commander';
import { loadActivations } from './activations.ts';
import { addDataStorageOption, withDataStorage, type DataStorage, type DataStorageOptions } from './data-storage.ts';
import { readPerson } from './person.ts';
import { CommandError } from './command-error.ts';
import type { Terminal } from './terminal.ts';

interface ForgetOptions extends DataStorageOptions {
  readonly activations: string;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addForgetCommand(program: Command, terminal: Terminal): void {
  addDataStorageOption(program.command('forget'))
    .summary('erases what is kept of a person')
    .description(
      'Erases what is kept of one identity: its events in waiting retries and in dead letters, and its rows of the ledger at every destination of the activation file. Other people in the same event stay. Tells no destination anything.',
    )
    .argument('<namespace:identity>', 'whom, such as crmid:C-1, as AEP exports it')
    .requiredOption('-a, --activations <file>', 'activation file, for the destinations')
    .option('--dry-run', 'counts what would be erased, and erases nothing')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
Run it once for each identity of the person that routes use, and again until it finds nothing: what the function app is telling
at the same moment can be written anew. Events in the event hub itself leave it by its retention.

Examples:
  $ activation forget crmid:C-1 --activations my-activations.yaml --dry-run
  $ activation forget email:ada@example.com --activations my-activations.yaml --json`,
    )
    .action((person: string, options: ForgetOptions) =>
      withDataStorage(options, terminal, (storage) => runForget(person, options, storage, terminal)),
    );
}

async function runForget(
  person: string,
  { activations, json, ...options }: ForgetOptions,
  storage: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const identity = readPerson(person);
  const dryRun = options.dryRun === true;
  const { destinations } = await loadActivations(activations, terminal);
  const forgotten = await forget(identity, destinations.keys(), storage, { dryRun, signal: terminal.interrupted });
  if (json) terminal.print(JSON.stringify({ event: dryRun ? 'would-forget' : 'forgotten', ...forgotten }));
  else terminal.print(`${dryRun ? 'Would erase' : 'Erased'} ${words(forgotten)}.`);
  const { unreadable } = forgotten;
  if (unreadable.length > 0) {
    throw new CommandError(
      1,
      `Failed to look into ${unreadable.length} retries and dead letters, which cannot be read: the person may be in them. Restore their blobs from an earlier version and run it again, or delete them: ${unreadable.join(', ')}.`,
      { details: { unreadable } },
    );
  }
}

function words({ retryEvents, deadLetters, ledgerRows }: Forgotten): string {
  return `events in retries: ${retryEvents}, dead letters: ${deadLetters}, rows of the ledger: ${ledgerRows}`;
}
