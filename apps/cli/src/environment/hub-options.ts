import type { EventHubAddress } from '@activation-hub/flow-service';
import type { Command } from 'commander';
import { CommandError } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { outputText, readStackOutputs, type StackOutputs } from './stack-outputs.ts';

export interface HubOptions {
  readonly environment?: string;
  readonly namespace?: string;
  readonly eventHub?: string;
  readonly sasKeyName?: string;
}

/** The hub that AEP exports to, and where its facts come from. */
export interface ChosenHub {
  readonly address: EventHubAddress;
  /** Of the stack, where an environment was given. */
  readonly outputs?: StackOutputs;
}

/** Adds the options by which a command finds the hub that AEP exports to. */
export function addHubOptions(command: Command): Command {
  return command
    .option('--environment <name>', 'takes what is not given from the outputs of this stack (needs pulumi)')
    .option('--namespace <name>', 'Event Hubs namespace, its short name')
    .option('-e, --event-hub <name>', 'name of the event hub')
    .option('--sas-key-name <name>', 'name of the key that Adobe signs in with; the key itself is AEP_SAS_KEY');
}

const outputNames = {
  namespace: 'eventHubsNamespace',
  eventHubName: 'eventHubName',
  sasKeyName: 'adobeKeyName',
  sasKey: 'adobeKey',
} as const;

/** What of the hub was given without an environment. */
function givenHub(options: HubOptions, { environment }: Terminal): Partial<EventHubAddress> {
  const { namespace, eventHub: eventHubName, sasKeyName } = options;
  const sasKey = environment.AEP_SAS_KEY;
  const given = { namespace: namespace?.replace(/\.servicebus\.windows\.net$/, ''), eventHubName, sasKeyName, sasKey };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== ''));
}

/** Whether an option names a hub; a key alone names none. */
export function namesHub({ environment, namespace, eventHub, sasKeyName }: HubOptions): boolean {
  return [environment, namespace, eventHub, sasKeyName].some((given) => given !== undefined);
}

/**
 * The hub by options and `AEP_SAS_KEY`, and what these leave out by the stack of `--environment`.
 * With `key: 'not-needed'` the key may be missing, and is empty then. Throws `CommandError` (2)
 * that names everything that is missing.
 */
export async function readHubOptions(
  options: HubOptions,
  terminal: Terminal,
  key: 'needed' | 'not-needed' = 'needed',
): Promise<ChosenHub> {
  const { environment } = options;
  const given = givenHub(options, terminal);
  const outputs = environment === undefined ? undefined : await readStackOutputs(environment, terminal);
  const value = (name: keyof typeof outputNames): string | undefined =>
    given[name] ?? (outputs === undefined ? undefined : outputText(outputs, outputNames[name], environment ?? ''));
  const { namespace, eventHubName, sasKeyName } = {
    namespace: value('namespace'),
    eventHubName: value('eventHubName'),
    sasKeyName: value('sasKeyName'),
  };
  const sasKey = value('sasKey') ?? (key === 'not-needed' ? '' : undefined);
  if (namespace === undefined || eventHubName === undefined || sasKeyName === undefined || sasKey === undefined) {
    const words = { '--namespace': namespace, '--event-hub': eventHubName, '--sas-key-name': sasKeyName };
    const missing = Object.entries({ ...words, AEP_SAS_KEY: sasKey }).flatMap(([name, set]) =>
      set === undefined ? [name] : [],
    );
    throw new CommandError(
      2,
      `Failed to find the event hub: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing. Give ${missing.length === 1 ? 'it' : 'them'}, or --environment to take the event hub from the outputs of a stack.`,
      { details: { missing } },
    );
  }
  return { address: { namespace, eventHubName, sasKeyName, sasKey }, ...(outputs === undefined ? {} : { outputs }) };
}
