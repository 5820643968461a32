import { getOrganization, getProject, getStack } from '@pulumi/pulumi';
import { invoke } from '@pulumi/pulumi/runtime/index.js';
import { z } from 'zod';
import { configFields, setCommand, type StackConfig } from './config-schema.ts';
import type { Stack } from './read-stack.ts';

/**
 * What cannot be changed once it is made, and why. Names are made of workload and environment, so
 * another workload or region replaces everything, with what it holds; a hub of the Standard tier
 * keeps its partitions (learn.microsoft.com, event-hubs-scalability); a namespace keeps its zones
 * (github.com/hashicorp/terraform-provider-azurerm/issues/18542), and storage needs a conversion.
 * Where the rows of a ledger are follows from the number of its accounts.
 */
const fixed = {
  location: 'everything would be made anew elsewhere, and what it holds deleted',
  workload: 'everything would be made anew under other names, and what it holds deleted',
  eventHubsTier: 'Event Hubs keeps the tier with which a namespace was made, but for Basic',
  eventHubsClusterId: 'Event Hubs keeps the cluster in which a namespace was made',
  partitionCount:
    'Event Hubs Standard keeps the number of partitions with which a hub was made, and the other tiers only raise it',
  zoneRedundant:
    'Event Hubs keeps the zones with which a namespace was made, and storage is converted by a request to Azure',
  ledgerAccounts: 'rows would be looked for where they are not',
  ledgerCosmosEndpoint: 'rows would be looked for where they are not',
} as const satisfies Partial<Record<keyof StackConfig, string>>;

type FixedKey = keyof typeof fixed;
const fixedKeys = Object.keys(fixed) as readonly FixedKey[];

const madeWith = z.object({
  config: z.record(z.string(), z.unknown()),
  /** Whether the app was in the private network. */
  privateNetwork: z.boolean(),
  /** The secrets for which the app has settings. */
  secretNames: z.array(z.string()),
  /** Those of them that the stack has put into the vault. */
  storedSecrets: z.array(z.string()),
});

/** What the environment was made with, as the stack keeps it in its output `madeWith`. */
export type MadeWith = z.output<typeof madeWith>;
type KeptSecrets = Pick<MadeWith, 'secretNames' | 'storedSecrets'>;

export const madeWithOutput = (config: StackConfig, secrets: KeptSecrets): MadeWith => ({
  config: Object.fromEntries(fixedKeys.map((key) => [key, config[key]])),
  privateNetwork: config.privateNetwork,
  ...secrets,
});

/**
 * What the last `up` of this stack says of itself; nothing where there was none, or where it was
 * destroyed since.
 */
export async function lastMadeWith(): Promise<MadeWith | undefined> {
  const name = `${getOrganization()}/${getProject()}/${getStack()}`;
  const { outputs } = (await invoke('pulumi:pulumi:readStackOutputs', { name })) as {
    readonly outputs?: Readonly<Record<string, unknown>>;
  };
  return madeWith.safeParse(outputs?.madeWith).data;
}

/**
 * Throws when the configuration changes what cannot be changed, or not at once, before Azure is
 * asked for anything.
 */
export function refuseFixedChanges(config: StackConfig, last: MadeWith | undefined): void {
  if (last === undefined) return;
  const made = { ...madeBefore, ...last.config };
  const changed = fixedKeys.filter(
    (key) =>
      made[key] !== undefined && made[key] !== config[key] && !isRaised(key, made, config) && !isMoved(key, config),
  );
  const lines = changed.map((key) => {
    const was = String(made[key]);
    const back = setCommand(key, { ...configFields[key], example: was });
    const shown = (value: string): string => (value === '' ? 'empty' : value);
    return `- ${key} was ${shown(was)} when the environment was made, and is ${shown(String(config[key]))} now: ${fixed[key]}. Write: ${back}. ${isOfLedger(key) ? 'How the ledger is moved: docs/operating/scale.md' : 'A second stack can take over: docs/operating/disaster.md'}`;
  });
  if (last.privateNetwork && !config.privateNetwork && !config.keepNetwork) {
    lines.push(
      `- privateNetwork was true, and the network would be deleted now: Azure frees the subnet of such an app only after days. Write: ${setCommand('keepNetwork', configFields.keepNetwork)}, and take it back when the subnet is free: docs/operating/deploy.md`,
    );
  }
  if (lines.length > 0) throw new Error(`Failed to change the stack ${config.environment}:\n${lines.join('\n')}`);
}

/** What an environment has that was made before there were keys for it. */
const madeBefore: Readonly<Partial<Record<FixedKey, unknown>>> = {
  eventHubsTier: 'Standard',
  eventHubsClusterId: '',
  ledgerAccounts: 1,
  ledgerCosmosEndpoint: '',
};

const isOfLedger = (key: FixedKey): boolean => key === 'ledgerAccounts' || key === 'ledgerCosmosEndpoint';

/** An operator moves the ledger: the app waits for an import (`ACTIVATION_LEDGER_MOVES`). */
const isMoved = (key: FixedKey, { moveLedger }: StackConfig): boolean => isOfLedger(key) && moveLedger;

/**
 * Partitions can be added on the tiers that scale out (learn.microsoft.com,
 * dynamically-add-partitions).
 */
function isRaised(
  key: FixedKey,
  made: Readonly<Partial<Record<FixedKey, unknown>>>,
  { partitionCount }: StackConfig,
): boolean {
  return key === 'partitionCount' && made.eventHubsTier !== 'Standard' && partitionCount > Number(made.partitionCount);
}

/**
 * The secrets of the environment: those of the activation file, then those that packages from
 * before may need. The settings change before the package does, and a package whose secret has no
 * setting does not start. What is in the vault stays known to the stack, for one that comes back
 * could not be made a second time: azure-native makes nothing that exists, and the pipeline may
 * delete no secret.
 */
export function keptSecrets(
  { keepFormerSecrets }: StackConfig,
  { secretNames, values }: Pick<Stack['secrets'], 'secretNames' | 'values'>,
  last: MadeWith | undefined,
): KeptSecrets {
  const kept = keepFormerSecrets ? last : undefined;
  return {
    secretNames: [...new Set([...secretNames, ...(kept?.secretNames ?? [])])],
    storedSecrets: [...new Set([...values.keys(), ...(kept?.storedSecrets ?? [])])],
  };
}
