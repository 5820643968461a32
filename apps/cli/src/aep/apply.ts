import type { Command } from 'commander';
import { CommandError } from '../terminal/command-error.ts';
import { report } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { oneLine } from '../activation-file/audience-names.ts';
import { adobeVariablesHelp } from '../environment/adobe-access.ts';
import { checkKey } from '../environment/hub-connection.ts';
import { destinationWords, nothingToChange, noteWords, reconcile, type Reconciliation } from './reconcile.ts';
import { addReconcileOptions, type ReconcileOptions } from './reconcile-options.ts';

export function addApplyCommand(aep: Command, terminal: Terminal): void {
  addReconcileOptions(
    aep
      .command('apply')
      .summary('makes the destination in AEP as the activation file says')
      .description(
        'Makes the destination in AEP as the activation file says: connections, dataflow, audiences and attributes. Asks nothing, and prints each step before it is done. Stopped at any point, run it again.',
      ),
  )
    .addHelpText(
      'after',
      `
The command never changes a dataflow with another owner. It tries a key at the event hub before it writes the key to AEP.
${adobeVariablesHelp}

Examples:
  $ activation aep apply --environment dev
  $ activation aep apply --local
  $ activation aep apply -a my.yaml --namespace contoso --event-hub exports --sas-key-name aep`,
    )
    .action((options: ReconcileOptions) =>
      reconcile(options, terminal, (reconciliation, used) => apply(reconciliation, options, used)),
    );
}

async function apply(reconciliation: Reconciliation, options: ReconcileOptions, terminal: Terminal): Promise<void> {
  const { plan, desired, destinations, sandbox } = reconciliation;
  const { colors } = terminal;
  const writesKey = plan.steps.some(({ kind }) => kind === 'connect-namespace' || kind === 'patch-credentials');
  if (writesKey) await refuseDeadKey(reconciliation, terminal);
  const portions: (readonly string[])[] = [];
  const state = await destinations.apply(plan, {
    signal: terminal.interrupted,
    onProgress: (sentences) => {
      const head = portions.length === 0 ? [colors.bold(`Changing ${destinationWords(reconciliation)}`)] : [];
      const words = (): readonly string[] => [...head, ...sentences.map((sentence) => `  ${oneLine(sentence)}`)];
      report({ event: 'applying', sentences }, words, options, terminal);
      portions.push(sentences);
    },
  });
  const changed = portions.length > 0;
  report(
    { event: 'applied', sandbox, owner: desired.owner, changed, notes: plan.notes, ...state },
    () => [
      ...noteWords(plan, colors),
      changed ? `Done: the dataflow ${state?.flowId ?? ''} is as the file says.` : nothingToChange(reconciliation),
    ],
    options,
    terminal,
  );
}

/**
 * A key that the hub refuses must not replace one that works: the outputs of a stack are as old as
 * its last `pulumi up`.
 */
async function refuseDeadKey({ desired }: Reconciliation, terminal: Terminal): Promise<void> {
  const { eventHub } = desired;
  const answer = await checkKey(eventHub, terminal);
  if (answer.is === 'refused') {
    throw new CommandError(
      1,
      `Failed to give AEP the key ${eventHub.sasKeyName}: the event hub ${eventHub.eventHubName} refuses it: ${answer.why} Nothing was changed. The key may have been replaced: pulumi up brings the outputs of the stack up to date; else check AEP_SAS_KEY.`,
    );
  }
  if (answer.is === 'unreachable') {
    const why = `The event hub could not be reached from here, so the key was not tried: ${answer.why}`;
    terminal.say(`${terminal.colors.yellow('note')} ${why}`);
  }
}
