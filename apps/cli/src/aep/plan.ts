import { counted } from '../terminal/counted.ts';
import type { Command } from 'commander';
import { sentenceOf } from '@activation-hub/flow-service';
import type { Terminal } from '../terminal/terminal.ts';
import { oneLine } from '../activation-file/audience-names.ts';
import { adobeVariablesHelp } from '../environment/adobe-access.ts';
import {
  addReconcileOptions,
  destinationWords,
  printNotes,
  reconcile,
  type Reconciliation,
  type ReconcileOptions,
} from './reconcile.ts';

export function addPlanCommand(aep: Command, terminal: Terminal): void {
  addReconcileOptions(
    aep
      .command('plan')
      .summary('says what apply would do in AEP')
      .description(
        'Compares the destination in AEP with the activation file, and says what would be done to make them agree. Changes nothing in AEP.',
      ),
  )
    .addHelpText(
      'after',
      `${adobeVariablesHelp}

Examples:
  $ activation aep plan --environment dev
  $ activation aep plan --local
  $ activation aep plan -a my.yaml --namespace contoso --event-hub exports --sas-key-name aep`,
    )
    .action((options: ReconcileOptions) =>
      reconcile(options, terminal, (reconciliation, used) => printPlan(reconciliation, options, used)),
    );
}

function printPlan(reconciliation: Reconciliation, { json }: ReconcileOptions, terminal: Terminal): void {
  const { plan, desired, sandbox } = reconciliation;
  if (json) {
    const steps = plan.steps.map((step) => ({ ...step, sentence: sentenceOf(step) }));
    terminal.print(JSON.stringify({ event: 'planned', sandbox, owner: desired.owner, steps, notes: plan.notes }));
    return;
  }
  const { bold } = terminal.colors;
  if (plan.isEmpty) terminal.print(`Nothing to change: ${destinationWords(reconciliation)} is as the file says.`);
  else {
    const count = plan.steps.length;
    terminal.print(bold(`${counted(count, 'change')} to ${destinationWords(reconciliation)}`));
    for (const sentence of plan.sentences()) terminal.print(`  ${oneLine(sentence)}`);
  }
  printNotes(plan, terminal);
}
