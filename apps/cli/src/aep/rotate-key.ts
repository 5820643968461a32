import { counted } from '../terminal/counted.ts';
import {
  createEventHubsDestinations,
  fingerprintOf,
  isAdobeError,
  type AdobeClient,
  type DestinationState,
  type EventHubAddress,
  type EventHubsDestinations,
  destinationWords,
} from '@activation-hub/flow-service';
import type { Command } from 'commander';
import { wholeNumber } from '../terminal/arguments.ts';
import { CommandError } from '../terminal/command-error.ts';
import { report } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';
import {
  addActivationFileOption,
  chooseActivationFile,
  type ActivationFileOptions,
} from '../activation-file/activation-file-options.ts';
import { adobeVariablesHelp, openAdobe, withAdobe } from '../environment/adobe-access.ts';
import { authorizationRule, type RulePlace } from './authorization-rule.ts';
import { checkKey, eventsEver } from '../environment/hub-connection.ts';
import { addHubOptions, readHubOptions, type ChosenHub, type HubOptions } from '../environment/hub-options.ts';
import { rotateKeys, type KeyHolder, type RotationStep } from './key-rotation.ts';

interface RotateKeyOptions extends HubOptions, ActivationFileOptions {
  readonly subscription?: string;
  readonly resourceGroup?: string;
  readonly namespaceKey?: true;
  readonly settleSeconds: number;
  readonly allowSilence?: true;
  readonly json?: true;
}

const acceptMs = 5 * 60_000;

export function addRotateKeyCommand(aep: Command, terminal: Terminal): void {
  addHubOptions(
    addActivationFileOption(
      aep
        .command('rotate-key')
        .summary('replaces the key that Adobe signs in with, under traffic')
        .description(
          'Replaces both keys of the name that Adobe signs in with. AEP is moved to the one key before the other is replaced, so that nothing that it sends is refused. Takes twice --settle-seconds. Stopped at any point, run it again.',
        ),
    ),
  )
    .option('--subscription <id>', "Azure subscription (or AZURE_SUBSCRIPTION_ID, or that of --environment's stack)")
    .option('--resource-group <name>', "resource group of the namespace (or that of --environment's stack)")
    .option('--namespace-key', 'the key is one of the whole namespace: all its other users lose access')
    .option(
      '--settle-seconds <number>',
      'how long AEP may go on to use the key that it had',
      wholeNumber(1, 86_400),
      600,
    )
    .option('--allow-silence', 'goes on also when no event comes in that time')
    .option('--json', 'prints one JSON object per line')
    .addHelpText(
      'after',
      `
Signs in to Azure as its other tools do (az login, or the AZURE_… variables). Adobe does not document how long it goes on to
use a key that was replaced; its exports come within 10 minutes, hence the default.
${adobeVariablesHelp}

Examples:
  $ activation aep rotate-key --environment prod
  $ activation aep rotate-key -a my.yaml --namespace contoso --event-hub exports \\
      --sas-key-name aep --subscription 00000000-0000-0000-0000-000000000000 \\
      --resource-group contoso-events`,
    )
    .action((options: RotateKeyOptions) => runRotateKey(options, terminal));
}

async function runRotateKey(options: RotateKeyOptions, terminal: Terminal): Promise<void> {
  const { client, sandbox } = openAdobe(terminal);
  const { owner } = destinationWords(chooseActivationFile(options, terminal).environment);
  const hub = await readHubOptions(options, terminal, 'not-needed');
  const rule = await authorizationRule(rulePlace(options, hub, terminal), terminal);
  const withKey = (sasKey: string): EventHubAddress => ({ ...hub.address, sasKey });
  await withAdobe(terminal, async () => {
    const destinations = createEventHubsDestinations(client, { hubScopedKey: options.namespaceKey !== true });
    const state = await destinations.read({ owner }, terminal.interrupted);
    requireOwnConnection(state, { owner, sandbox, hub: hub.address });
    await rotateKeys(
      {
        rule,
        holder: keyHolder(client, destinations, owner, state, withKey, terminal.interrupted),
        hub: {
          check: (key) => checkKey(withKey(key), terminal),
          eventsEver: (key) => eventsEver(withKey(key), terminal),
        },
        clock: client.clock,
        signal: terminal.interrupted,
        onStep: (step) => report({ event: 'rotating', ...step }, () => stepWords(step), options, terminal),
      },
      {
        settleMs: options.settleSeconds * 1000,
        allowSilence: options.allowSilence === true,
        acceptMs,
        pollMs: Math.min(5_000, options.settleSeconds * 100),
      },
    );
    const { environment } = options;
    const besides = `Run pulumi up --stack ${environment ?? ''} in infra, so that the outputs of the stack have the new key.`;
    report(
      { event: 'rotated', owner, sandbox },
      () => [
        'Done: both keys are new, and AEP has the primary one.',
        ...(environment === undefined ? [] : [{ besides }]),
      ],
      options,
      terminal,
    );
  });
}

/**
 * Throws `CommandError`: a key is replaced only if no other destination of AEP uses it.
 */
function requireOwnConnection(
  state: DestinationState | undefined,
  { owner, sandbox, hub }: { readonly owner: string; readonly sandbox: string; readonly hub: EventHubAddress },
): asserts state is DestinationState {
  const failed = 'Failed to rotate the keys:';
  if (state === undefined) {
    throw new CommandError(
      1,
      `${failed} the sandbox ${sandbox} has no destination of ${owner}. Make it with activation aep apply.`,
    );
  }
  const { connection, connectionId } = state;
  if (connection.isShared) {
    throw new CommandError(
      1,
      `${failed} the connection ${connectionId} is used by dataflows of others too. They are not ours to move to another key: agree with their owners, or give this destination a connection and a key of its own.`,
    );
  }
  if (connection.owner !== owner) {
    throw new CommandError(
      1,
      `${failed} the connection ${connectionId} has another owner, so its key is theirs. Replace it in AEP, or let activation aep apply make a connection of its own.`,
    );
  }
  const differing = (['namespace', 'sasKeyName', 'eventHubName'] as const).find(
    (name) => state[name] !== undefined && state[name] !== hub[name],
  );
  if (differing !== undefined) {
    throw new CommandError(
      1,
      `${failed} in AEP the destination has ${differing} ${state[differing] ?? ''}, but ${hub[differing]} was given. Give that of AEP, or run activation aep apply first.`,
    );
  }
}

function keyHolder(
  client: AdobeClient,
  destinations: EventHubsDestinations,
  owner: string,
  { connectionId }: DestinationState,
  withKey: (key: string) => EventHubAddress,
  signal: AbortSignal,
): KeyHolder {
  const read = async (): Promise<DestinationState> => {
    const state = await destinations.read({ owner }, signal);
    if (state !== undefined) return state;
    throw new CommandError(1, `Failed to rotate the keys: the destination of ${owner} is gone from AEP.`);
  };
  return {
    async markedKey({ primary, secondary }) {
      const { keyFingerprint } = await read();
      if (keyFingerprint === fingerprintOf(withKey(primary))) return 'primary';
      return keyFingerprint === fingerprintOf(withKey(secondary)) ? 'secondary' : undefined;
    },
    async give(key) {
      const { name, description, enabled, ...state } = await read();
      // What is named twice in AEP is for apply to put right.
      const audiences = [...new Map(state.audiences.map((audience) => [audience.id, audience])).values()];
      const attributes = [...new Set(state.attributes)];
      const eventHub = withKey(key);
      const plan = await destinations.plan(
        { owner, name, description, eventHub, audiences, attributes, enabled },
        signal,
      );
      const other = plan.steps.findIndex(({ kind }) => kind !== 'patch-credentials');
      if (other >= 0) {
        throw new CommandError(
          1,
          `Failed to rotate the keys: the destination in AEP is not in order, and ${plan.sentences()[other] ?? ''} Run activation aep apply first.`,
        );
      }
      await destinations.apply(plan, { signal });
    },
    async reachesHub() {
      try {
        return await client.flowService.testConnection(connectionId, signal);
      } catch (error) {
        // Documented for Flow Service in general, not for destinations: no answer says nothing.
        if (isAdobeError(error, 'not-found', 'invalid', 'unavailable', 'unreadable')) return undefined;
        throw error;
      }
    },
  };
}

function rulePlace(options: RotateKeyOptions, { address, outputs }: ChosenHub, { environment }: Terminal): RulePlace {
  const given = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
  const ofStack = /\/subscriptions\/([^/]+)\//.exec(given(outputs?.resourceGroupLink) ?? '')?.[1];
  const subscriptionId = options.subscription ?? given(environment.AZURE_SUBSCRIPTION_ID) ?? ofStack;
  const resourceGroup = options.resourceGroup ?? given(outputs?.resourceGroup);
  if (subscriptionId === undefined || resourceGroup === undefined) {
    throw new CommandError(
      2,
      'Failed to find the key in Azure: give --subscription (or AZURE_SUBSCRIPTION_ID) and --resource-group, or --environment to take them from the outputs of a stack.',
    );
  }
  const { namespace, eventHubName, sasKeyName: keyName } = address;
  return { subscriptionId, resourceGroup, namespace, keyName, ...(options.namespaceKey ? {} : { eventHubName }) };
}

function stepWords(step: RotationStep): string {
  switch (step.step) {
    case 'found':
      return step.held === 'another'
        ? 'AEP was given a key that is neither of the two; both are offered to it anew.'
        : `AEP was given the ${step.held} key last.`;
    case 'given':
      return `Gave AEP the ${step.which} key.`;
    case 'waiting':
      return `Waiting ${Math.round(step.waitMs / 1000)} seconds, until nothing of AEP uses the other key any more.`;
    case 'settled':
      return `${counted(step.events, 'event')} came meanwhile.`;
    case 'regenerated':
      return `Replaced the ${step.which} key, which no longer had a user.`;
    case 'flowing':
      return step.events === 0
        ? 'No event has come since.'
        : `Events flow: ${counted(step.events, 'event')} came since.`;
  }
}
