import { counted } from '../terminal/counted.ts';
import type { Command } from 'commander';
import { sentenceOf } from '@activation-hub/flow-service';
import { report } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { oneLine } from '../activation-file/audience-names.ts';
import { adobeVariablesHelp } from '../environment/adobe-access.ts';
import { destinationWords, nothingToChange, noteWords, reconcile, type Reconciliation } from './reconcile.ts';
import { addReconcileOptions, type ReconcileOptions } from './reconcile-options.ts';

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
      reconcile(options, terminal, (reconciliation, used) => reportPlan(reconciliation, options, used)),
    );
}

function reportPlan(reconciliation: Reconciliation, options: ReconcileOptions, terminal: Terminal): void {
  const { plan, desired, sandbox } = reconciliation;
  const { colors } = terminal;
  const steps = plan.steps.map((step) => ({ ...step, sentence: sentenceOf(step) }));
  const changes = (): readonly string[] => [
    colors.bold(`${counted(steps.length, 'change')} to ${destinationWords(reconciliation)}`),
    ...plan.sentences().map((sentence) => `  ${oneLine(sentence)}`),
  ];
  report(
    { event: 'planned', sandbox, owner: desired.owner, steps, notes: plan.notes },
    () => [...(plan.isEmpty ? [nothingToChange(reconciliation)] : changes()), ...noteWords(plan, colors)],
    options,
    terminal,
  );
}
