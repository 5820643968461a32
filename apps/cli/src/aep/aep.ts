import type { Command } from 'commander';
import type { Terminal } from '../terminal/terminal.ts';
import { addApplyCommand } from './apply.ts';
import { addAudiencesCommand } from './audiences.ts';
import { addEmulatorCommand } from './emulator.ts';
import { addPlanCommand } from './plan.ts';
import { addRotateKeyCommand } from './rotate-key.ts';
import { addStatusCommand } from './status.ts';

export function addAepCommand(program: Command, terminal: Terminal): void {
  const aep = program
    .command('aep')
    .summary('keeps the destination in Adobe Experience Platform as the activation file says')
    .description(
      "Adobe's side: the Event Hubs destination, its dataflow, audiences and attributes, and the key that Adobe signs in with.",
    )
    .addHelpText(
      'after',
      `
Every verb takes --json. What each needs is in its --help and in docs/operating/connect-aep.md.

Examples:
  $ activation aep audiences --search sports
  $ activation aep plan --environment dev
  $ activation aep apply --environment dev`,
    );
  for (const add of [
    addAudiencesCommand,
    addPlanCommand,
    addApplyCommand,
    addStatusCommand,
    addRotateKeyCommand,
    addEmulatorCommand,
  ]) {
    add(aep, terminal);
  }
}
