import type { Command } from 'commander';
import type { Terminal } from '../../terminal/terminal.ts';
import { addDescribeCommand } from './describe.ts';
import { addListCommand } from './list.ts';
import { addProbeCommand } from './probe.ts';

export function addDestinationsCommand(program: Command, terminal: Terminal): void {
  const destinations = program
    .command('destinations')
    .summary('the kinds of destinations, and whether those of a file can be told')
    .description(
      'The kinds of destinations that there are, what each takes, and whether those of an activation file work.',
    )
    .addHelpText(
      'after',
      `
Every verb takes --json.

Examples:
  $ activation destinations list
  $ activation destinations describe hubspot
  $ activation destinations probe --environment dev`,
    );
  for (const add of [addListCommand, addDescribeCommand, addProbeCommand]) add(destinations, terminal);
}
