import { destinationTypes, loadDestinations } from '@activation-hub/destinations';
import type { Command } from 'commander';
import { tableLines } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export function addListCommand(destinations: Command, { print, colors }: Terminal): void {
  destinations
    .command('list')
    .summary('which kinds there are')
    .description(
      'Lists the kinds of destinations that come with Activation Hub: what an activation file can name as type.',
    )
    .option('--json', 'prints one JSON object')
    .addHelpText('after', '\nExamples:\n  $ activation destinations list')
    .action(async ({ json }: { readonly json?: true }) => {
      const definitions = [...(await loadDestinations(destinationTypes)).values()];
      const kinds = definitions.map(({ type, title, description }) => ({ type, title, description }));
      if (json) {
        print(JSON.stringify({ event: 'destinations', destinations: kinds }));
        return;
      }
      const rows = kinds.map(({ type, title, description }) => [colors.bold(type), title, description]);
      for (const line of tableLines([['type', 'title', 'what it does'], ...rows])) print(line);
    });
}
