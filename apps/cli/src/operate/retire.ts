import { countRetire, retire } from '@activation-hub/activation';
import type { Command } from 'commander';
import { addActivationFileOption } from '../activation-file/activation-file-options.ts';
import { CommandError } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import { addDataStorageOption, withDataStorage } from '../environment/data-storage.ts';
import { reportWalk, secretsHelp, withDestination, type LedgerWalkOptions } from './ledger-walk.ts';
import { report } from '../terminal/reporter.ts';
import { refuseUnreadableRows } from './unreadable-rows.ts';
import type { Terminal } from '../terminal/terminal.ts';

export function addRetireCommand(program: Command, terminal: Terminal): void {
  addActivationFileOption(addDataStorageOption(program.command('retire')))
    .summary('removes the members of retired routes from a destination')
    .description(
      'Removes from a destination every person whom the ledger knows there, on the routes that the activation file calls mode: retired. Deploy the file with that mode first, so that no export adds them again. It skips people who are removed already, so you may stop it and start it again at any time.',
    )
    .argument('<destination>', 'its key in the activation file')
    .option('--audience <key>', 'only this audience')
    .option('--dry-run', 'counts who would be taken out, and tells nothing')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
${secretsHelp}
Exits with 1 when it could not remove every person; start it again for these. When it says that no person is left, the route, and then
the destination, can leave the activation file.

Examples:
  $ activation retire crm --activations my-activations.yaml --dry-run
  $ activation retire crm --activations my-activations.yaml --audience sports-fans`,
    )
    .action((asked: string, options: LedgerWalkOptions) =>
      withDataStorage(options, terminal, (storage) =>
        withDestination(asked, options, storage, terminal, async (context, file, destination) => {
          const routes = file.routes.filter(
            (route) =>
              route.destination === destination &&
              route.mode === 'retired' &&
              (options.audience === undefined || route.audience === options.audience),
          );
          if (routes.length === 0) {
            throw new CommandError(
              2,
              `Failed to retire ${destination}: none of its routes has mode: retired in the activation file. Write it there, and deploy the file, or the next export adds the members to ${destination} again.`,
            );
          }
          const { audience } = options;
          const walk = { context, destination, ...(audience === undefined ? {} : { audience }) };
          const { rows, unreadable } = await countRetire(walk, terminal.interrupted);
          if (options.dryRun) {
            const said =
              rows === 0 && unreadable.rows === 0
                ? `No person is left in ${destination}.`
                : `Would take out ${counted(rows, 'membership')} of ${destination}.`;
            report({ event: 'would-retire', rows, unreadable }, () => said, options, terminal);
            refuseUnreadableRows(unreadable, 'Not every membership could be looked at.');
            return;
          }
          const progress = terminal.progress('taken out', rows);
          const told = await retire(walk, {
            signal: terminal.interrupted,
            onProgress: (counts) => progress.update(counts.rows),
          }).finally(() => progress.end());
          reportWalk(
            { event: 'retired', did: `Took out of ${destination}`, command: 'retire', key: destination },
            told,
            options,
            terminal,
          );
        }),
      ),
    );
}
