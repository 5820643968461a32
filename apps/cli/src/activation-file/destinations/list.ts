import { destinationTypes, loadDestinations } from '@activation-hub/destinations';
import type { Command } from 'commander';
import { report, type ReportOptions } from '../../terminal/reporter.ts';
import { tableLines } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export function addListCommand(destinations: Command, terminal: Terminal): void {
  destinations
    .command('list')
    .summary('which kinds there are')
    .description(
      'Lists the kinds of destinations that come with Activation Hub: what an activation file can name as type.',
    )
    .option('--json', 'prints one JSON object')
    .addHelpText('after', '\nExamples:\n  $ activation destinations list')
    .action(async (options: ReportOptions) => {
      const definitions = [...(await loadDestinations(destinationTypes)).values()];
      const kinds = definitions.map(({ type, title, description }) => ({ type, title, description }));
      const { bold } = terminal.colors;
      const rows = kinds.map(({ type, title, description }) => [bold(type), title, description]);
      report(
        { event: 'destinations', destinations: kinds },
        () => tableLines([['type', 'title', 'what it does'], ...rows]),
        options,
        terminal,
      );
    });
}
