import { countFill, countResync, fill, resync, type ActivationContext } from '@activation-hub/activation';
import type { ActivationFile } from '@activation-hub/activation-file';
import type { Command } from 'commander';
import { addActivationFileOption } from '../activation-file/activation-file-options.ts';
import { CommandError } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import { addDataStorageOption, withDataStorage } from '../environment/data-storage.ts';
import { destinationIn, reportWalk, secretsHelp, withDestination, type LedgerWalkOptions } from './ledger-walk.ts';
import { report } from '../terminal/reporter.ts';
import { refuseUnreadableRows } from './unreadable-rows.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface ResyncOptions extends LedgerWalkOptions {
  readonly from?: string;
}

export function addResyncCommand(program: Command, terminal: Terminal): void {
  addActivationFileOption(addDataStorageOption(program.command('resync')))
    .summary('tells a destination everything that it should know, out of the ledger')
    .description(
      'Sends a destination that lost its data, as after a restored backup, every member of its audiences, out of the ledger and with the attributes that are there; what is deferred, given up or in doubt is sent too. With --from it fills a new route with the members whom the ledger knows at another destination. It tells the destination itself, beside the running function app; what that writes meanwhile is left alone.',
    )
    .argument('<destination>', 'its key in the activation file')
    .option('--audience <key>', 'only this audience')
    .option('--from <destination>', 'fills the route of --audience from what this destination was told')
    .option('--dry-run', 'counts what would be told, and tells nothing')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
${secretsHelp} It may be stopped and started again; it then begins anew.
AEP does not send the members of an audience again when it gets another route here: --from tells those whose identities and attributes
the other route has, and counts the others. Run it again for what changed while it ran, or waited for a retry at
the other destination: it tells the differences only.
Exits with 1 when something was not told, or a row cannot be read; the retry queue tells what waits, and another resync the rest.

Examples:
  $ activation resync crm --activations my-activations.yaml --dry-run
  $ activation resync crm --activations my-activations.yaml --audience sports-fans
  $ activation resync ads --activations my-activations.yaml --audience sports-fans --from crm`,
    )
    .action((destination: string, options: ResyncOptions) =>
      withDataStorage(options, terminal, (storage) =>
        withDestination(destination, options, storage, terminal, (context, file, key) =>
          options.from === undefined
            ? runResync(key, options, context, terminal)
            : runFill(key, { ...options, from: options.from }, context, file, terminal),
        ),
      ),
    );
}

async function runResync(
  destination: string,
  options: ResyncOptions,
  context: ActivationContext,
  terminal: Terminal,
): Promise<void> {
  const walk = { context, destination, ...(options.audience === undefined ? {} : { audience: options.audience }) };
  const { rows, unreadable } = await countResync(walk, terminal.interrupted);
  if (options.dryRun) {
    const said = `Would tell ${destination} of ${counted(rows, 'membership')}.`;
    report({ event: 'would-resync', rows, unreadable }, () => said, options, terminal);
    refuseUnreadableRows(unreadable, 'Not every membership could be looked at.');
    return;
  }
  const progress = terminal.progress('told', rows);
  const told = await resync(walk, {
    signal: terminal.interrupted,
    onProgress: (counts) => progress.update(counts.rows),
  }).finally(() => progress.end());
  reportWalk(
    { event: 'resynced', did: `Told ${destination} of`, command: 'resync', key: destination },
    told,
    options,
    terminal,
  );
}

async function runFill(
  destination: string,
  options: ResyncOptions & { readonly from: string },
  context: ActivationContext,
  file: ActivationFile,
  terminal: Terminal,
): Promise<void> {
  const { audience, from } = options;
  if (audience === undefined) {
    throw new CommandError(2, 'Failed to fill a route: --from needs --audience, which says whose members are meant.');
  }
  const { key: source } = destinationIn(file, from);
  const walk = { context, destination, audience, source };
  const { rows, unresolved, unreadable } = await countFill(walk, terminal.interrupted);
  if (options.dryRun) {
    const said = `Would tell ${destination} of ${counted(rows, 'member')} of ${audience}; of ${unresolved} nothing is known that the route accepts.`;
    report({ event: 'would-fill', rows, unresolved, unreadable }, () => said, options, terminal);
    refuseUnreadableRows(unreadable, 'Not every membership could be looked at.');
    return;
  }
  const progress = terminal.progress('told', rows);
  const told = await fill(walk, {
    signal: terminal.interrupted,
    onProgress: (counts) => progress.update(counts.rows),
  }).finally(() => progress.end());
  reportWalk(
    { event: 'filled', did: `Told ${destination} of`, command: 'resync', key: destination },
    told,
    options,
    terminal,
  );
}
