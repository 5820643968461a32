import { Option, type Command } from 'commander';
import { addActivationFileOption, type ActivationFileOptions } from '../activation-file/activation-file-options.ts';
import { addHubOptions, type HubOptions } from '../environment/hub-options.ts';

export interface ReconcileOptions extends HubOptions, ActivationFileOptions {
  readonly adopt?: string;
  readonly connection?: string;
  readonly disabled?: true;
  readonly namespaceKey?: true;
  readonly authSpecName?: string;
  readonly writeNames?: true;
  /** The stand-in and the hub of `activation local --aep`. */
  readonly local?: true;
  readonly json?: true;
}

/** Adds what `plan` and `apply` share. */
export function addReconcileOptions(command: Command): Command {
  return addHubOptions(addActivationFileOption(command))
    .option('--adopt <id>', 'takes over this dataflow, made by hand, instead of making a new one')
    .option('--connection <id>', 'uses this connection to the namespace as it is, and leaves its key alone')
    .option('--namespace-key', 'the key is one of the whole namespace; default: of the event hub alone')
    .option(
      '--auth-spec-name <name>',
      'what AEP calls the way to sign in to Event Hubs, where it refuses the documented name',
    )
    .addOption(
      new Option(
        '--local',
        'AEP and the event hub are those of activation local --aep, and the file its example',
      ).conflicts(['environment', 'namespace', 'eventHub', 'sasKeyName']),
    )
    .option('--disabled', 'has the dataflow switched off')
    .option('--write-names', "writes the names of the file's audiences to <environment>.names.json beside it")
    .option('--json', 'prints one JSON object per line');
}
