import { z } from 'zod';

const wholeNumber = (min: number, max: number) => z.int().min(min).max(max);
const ipRange = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\/(?:[89]|[12]\d|3[0-2]))?$/;
const webAddress = /^https:\/\/[^\s?#@]+$|^http:\/\/(?:localhost|127\.0\.0\.1)(?::\d+)?\/?$/;
/** Pulumi makes a number or a flag of what looks like one; a tag is text. */
const tagText = z.union([z.string(), z.number(), z.boolean()]).transform(String).pipe(z.string().max(256));
/**
 * Azure's bounds of a tag's name; a storage account takes 128 characters. Two names are the stack's
 * own.
 */
const tagName = /^(?!(?:workload|environment)$)[^<>%&\\?/\s][^<>%&\\?/]{0,127}$/i;
const actionGroupId =
  /^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/[^/\s]+\/providers\/microsoft\.insights\/actionGroups\/[^/\s]+$/i;
const eventHubsClusterId =
  /^(?:\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/[^/\s]+\/providers\/microsoft\.eventhub\/clusters\/[^/\s]+)?$/i;
const privateRange = /^(?:10\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])|192\.168)\.\d{1,3}\.0\/24$/;

const eventHubsTiers = ['Standard', 'Premium', 'Dedicated'] as const;
/** The tier of an Event Hubs namespace. */
export type EventHubsTier = (typeof eventHubsTiers)[number];
/** What a hub may have in each tier (learn.microsoft.com, event-hubs-quotas, as of 2026-02). */
const eventHubsLimits = {
  Standard: { partitions: 32, retentionHours: 168 },
  Premium: { partitions: 100, retentionHours: 2160 },
  Dedicated: { partitions: 1024, retentionHours: 2160 },
} as const satisfies Readonly<Record<EventHubsTier, unknown>>;

interface Field<Value> {
  /** What may be written, to end the sentence "must be …". */
  readonly expects: string;
  /** Something that may be written, as one types it. */
  readonly example: string;
  readonly schema: z.ZodType<Value>;
  /** The value is in no error, and what is read only says whether it is there. */
  readonly isSecret?: true;
}
const field = <Value>(expects: string, example: string, schema: z.ZodType<Value>): Field<Value> => ({
  expects,
  example,
  schema,
});
const flag = () => field('true or false', 'true', z.boolean());

/**
 * Every key of the stack configuration. What each is for, and its default, stands in `Pulumi.yaml`.
 */
export const configFields = {
  location: field('the name of an Azure region', 'westeurope', z.string().regex(/^[a-z]+\d?$/)),
  workload: field('3 to 7 lower-case letters', 'acthub', z.string().regex(/^[a-z]{3,7}$/)),
  tags: field(
    'a mapping of names to texts, as Azure takes them, without workload and environment',
    '{"costCenter":"4711"}',
    z.record(z.string().regex(tagName), tagText).refine((tags) => Object.keys(tags).length <= 40),
  ),
  eventHubsTier: field('Standard, Premium or Dedicated', 'Premium', z.enum(eventHubsTiers)),
  eventHubsClusterId: field(
    'the resource id of an Event Hubs cluster, or empty',
    '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-hubs/providers/Microsoft.EventHub/clusters/hubs',
    z.string().regex(eventHubsClusterId),
  ),
  processingUnits: field('a whole number from 1 to 16', '2', wholeNumber(1, 16)),
  partitionCount: field('a whole number from 1 to 1024', '8', wholeNumber(1, eventHubsLimits.Dedicated.partitions)),
  retentionHours: field(
    'a whole number from 1 to 2160',
    '72',
    wholeNumber(1, eventHubsLimits.Dedicated.retentionHours),
  ),
  throughputUnits: field('a whole number from 1 to 40', '1', wholeNumber(1, 40)),
  throughputUnitsMax: field('a whole number from 1 to 40', '4', wholeNumber(1, 40)),
  sendOnly: flag(),
  archive: flag(),
  adobeEgressRanges: field(
    'a list of IPv4 addresses or ranges',
    '["203.0.113.0/24"]',
    z.array(z.string().regex(ipRange)),
  ),
  // A power of two: bits of a digest choose the account.
  ledgerAccounts: field('1, 2, 4, 8, 16 or 32', '4', z.literal([1, 2, 4, 8, 16, 32])),
  ledgerCosmosEndpoint: field(
    'the table endpoint of an account of Cosmos DB for Table, or empty',
    'https://contoso-ledger.table.cosmos.azure.com',
    z.string().regex(/^(?:https:\/\/[a-z0-9-]{3,44}\.table\.cosmos\.azure\.com(?::443)?\/?)?$/),
  ),
  moveLedger: flag(),
  // 512, which Azure documents, is refused by the service:
  // github.com/Azure/azure-rest-api-specs/issues/40898.
  instanceMemoryMb: field('2048 or 4096', '2048', z.literal([2048, 4096])),
  alwaysReady: field('a whole number from 0 to 1000', '1', wholeNumber(0, 1000)),
  rollingUpdate: flag(),
  privateNetwork: flag(),
  keepNetwork: flag(),
  addressSpace: field('a private /24 range', '10.40.7.0/24', z.string().regex(privateRange)),
  privateVault: flag(),
  vaultNumber: field('a whole number from 1', '2', wholeNumber(1, 1_000_000_000)),
  keepFormerSecrets: flag(),
  zoneRedundant: flag(),
  zoneRedundantApp: flag(),
  geoRedundant: flag(),
  protectData: flag(),
  logRetentionDays: field('a whole number from 30 to 730', '30', wholeNumber(30, 730)),
  logDailyQuotaGb: field(
    'a whole number of gigabytes from 1, or -1 for no limit',
    '5',
    z
      .int()
      .min(-1)
      .max(1000)
      .refine((gigabytes) => gigabytes !== 0),
  ),
  logLevel: field(
    'debug, information, warning or error',
    'warning',
    z.enum(['debug', 'information', 'warning', 'error']),
  ),
  logLinesPerMinute: field('a whole number from 0 to 60000', '60', wholeNumber(0, 60_000)),
  tracesPerMinute: field('a whole number from 0 to 60000', '10', wholeNumber(0, 60_000)),
  alertEmails: field('a list of e-mail addresses', '["on-call@example.com"]', z.array(z.email())),
  alertActionGroups: field(
    'a list of at most 4 ids of action groups',
    '["/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-on-call/providers/Microsoft.Insights/actionGroups/on-call"]',
    z.array(z.string().regex(actionGroupId)).max(4),
  ),
  repositoryUrl: field(
    'the address of the branch on the web, or empty',
    'https://github.com/contoso/activation-hub/blob/main',
    z.string().regex(/^(?:https:\/\/[^\s?#@]+)?$/),
  ),
  otlpEndpoint: field(
    'the http or https address of a collector, or empty',
    'https://collector.example.com:4318',
    z.string().regex(/^(?:https?:\/\/[^\s?#@]+)?$/),
  ),
  silenceHours: field('1, 2, 3, 4, 5, 6, 24 or 48', '24', z.literal([1, 2, 3, 4, 5, 6, 24, 48])),
  lagEventsMax: field('a whole number from 1', '100000', wholeNumber(1, 1_000_000_000)),
  deadLettersPerHourMax: field('a whole number from 0', '100', wholeNumber(0, 1_000_000_000)),
  oldestMinutesMax: field('a whole number from 5 to 1440', '60', wholeNumber(5, 1440)),
  budgetMonthly: field('a whole number, or 0 for no budget', '500', wholeNumber(0, 10_000_000)),
  budgetStart: field(
    'the first day of a month, or empty where there is no budget',
    '2026-12-01',
    z.string().regex(/^(?:20\d\d-(?:0[1-9]|1[0-2])-01)?$/),
  ),
  aepOrganisation: field(
    'the id of an organisation of Adobe, or empty where AEP is connected by hand',
    '0123456789ABCDEF01234567@AdobeOrg',
    z.string().regex(/^(?:[^\s@]+@AdobeOrg)?$/),
  ),
  aepSandbox: field('the name of a sandbox, or empty', 'prod', z.string().regex(/^[\w-]*$/)),
  aepClientId: field('the client id of a credential, or empty', '0123456789abcdef', z.string().regex(/^\S*$/)),
  aepClientSecret: {
    ...field('the client secret of the credential, or empty', 'p8e-…', z.string().regex(/^\S*$/)),
    isSecret: true,
  },
  aepConnectionId: field('the id of a connection in AEP, or empty', '9b1f7a52', z.string().regex(/^[\w-]*$/)),
  aepDataflowId: field('the id of a dataflow in AEP, or empty', '0b1f7a52', z.string().regex(/^[\w-]*$/)),
  aepEnabled: flag(),
  aepHubScopedKey: flag(),
  aepAuthSpecName: field('what Adobe calls a way to sign in, or empty', 'SAS authentication', z.string()),
  aepPlatformUrl: field('an https address', 'https://platform.adobe.io', z.string().regex(webAddress)),
  aepImsUrl: field('an https address', 'https://ims-na1.adobelogin.com', z.string().regex(webAddress)),
} as const satisfies Readonly<Record<string, Field<unknown>>>;

type ConfigKey = keyof typeof configFields;

/** The configuration of a stack, found to be right. */
export type StackConfig = { readonly [Key in ConfigKey]: z.output<(typeof configFields)[Key]['schema']> } & {
  /** The name of the stack: `dev`, `staging`, `prod`. */
  readonly environment: string;
};

/** A key of this form holds the value of the secret `crm-client-secret`. */
const secretKey = /^secret-(.+)$/;

/** The configuration key that holds the value of a secret of the activation file. */
export const secretConfigKey = (secretName: string): string => `secret-${secretName}`;

export interface WrittenConfig {
  readonly stack: string;
  /**
   * By key without the project's name: text as Pulumi keeps it, numbers, flags and lists as JSON.
   */
  readonly values: Readonly<Record<string, string>>;
  /** The secrets that the environment's activation file names. */
  readonly secretNames: readonly string[];
}

/**
 * Checks the configuration of a stack. Throws one error that names every key that is missing,
 * wrong, unknown or contradicts another, and what to write instead. Values of secrets are in no
 * error, nor in what it gives.
 */
export function parseStackConfig({ stack, values, secretNames }: WrittenConfig): StackConfig {
  const problems: string[] = [];
  if (!/^[a-z][a-z0-9]{1,6}$/.test(stack)) {
    problems.push(
      `The stack's name must be 2 to 7 lower-case letters or digits, such as dev, not ${JSON.stringify(stack)}.`,
    );
  }
  for (const key of Object.keys(values)) problems.push(...unknownKey(key, secretNames));

  const read: Record<string, unknown> = { environment: stack };
  for (const [key, { expects, example, schema, isSecret }] of Object.entries<Field<unknown>>(configFields)) {
    const written = values[key];
    const result = written === undefined ? undefined : schema.safeParse(valueOf(written, schema));
    const command = setCommand(key, { expects, example, schema, ...(isSecret === true ? { isSecret } : {}) });
    if (result?.success === true) read[key] = isSecret === true && written !== '' ? withheld : result.data;
    else {
      const shown = written === '' ? 'empty' : isSecret === true ? withheld : written;
      const found = written === undefined ? 'it is missing' : `not ${shown ?? ''}`;
      problems.push(`${key} must be ${expects}, ${found}. Write: ${command}`);
    }
  }
  if (problems.length === 0) problems.push(...contradictions(read as StackConfig));
  if (problems.length > 0) {
    throw new Error(
      `Failed to read the configuration of the stack ${stack}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
    );
  }
  return read as StackConfig;
}

/**
 * The command that sets a key to its example. A list or a mapping is set by its parts: as one text
 * Pulumi refuses it, for it is not of the type that `Pulumi.yaml` declares.
 */
export function setCommand(key: string, { example, schema, isSecret }: Field<unknown>): string {
  const parsed = valueOf(example, schema);
  const [part, value] =
    typeof parsed === 'object' && parsed !== null
      ? (Object.entries(parsed as Record<string, unknown>)[0] ?? ['0', ''])
      : [undefined, example];
  const path =
    part === undefined ? key : Array.isArray(parsed) ? `--path '${key}[${part}]'` : `--path '${key}.${part}'`;
  return `pulumi config set ${isSecret === true ? '--secret ' : ''}${path} '${String(value)}'`;
}

/** What stands for the value of a secret. */
const withheld = '[secret]';

/** The keys that AEP is connected with: all of them, or none. */
const aepCredentials = ['aepOrganisation', 'aepSandbox', 'aepClientId', 'aepClientSecret'] as const;

/** Text stays text; what is not text was written as JSON. */
function valueOf(written: string, schema: z.ZodType): unknown {
  if (schema instanceof z.ZodString) return written;
  try {
    return JSON.parse(written);
  } catch (error) {
    if (error instanceof SyntaxError) return written;
    throw error;
  }
}

function unknownKey(key: string, secretNames: readonly string[]): readonly string[] {
  if (key in configFields) return [];
  const secretName = secretKey.exec(key)?.[1];
  if (secretName === undefined) {
    return [
      `${key} is not known. Known are ${Object.keys(configFields).join(', ')}, and ${secretConfigKey('<name>')}.`,
    ];
  }
  if (secretNames.includes(secretName)) return [];
  const known = secretNames.length === 0 ? 'It names none.' : `It names ${secretNames.join(', ')}.`;
  return [`${key} is the value of a secret that the activation file does not name. ${known}`];
}

/** The ledger is in storage accounts or in Cosmos DB. */
function placesOfLedger(config: StackConfig): readonly (readonly [boolean, string])[] {
  const { ledgerAccounts, ledgerCosmosEndpoint } = config;
  const words = `ledgerAccounts (${ledgerAccounts}) must be 1 where ledgerCosmosEndpoint is given: the ledger is there, and in no storage account.`;
  return [[ledgerAccounts > 1 && ledgerCosmosEndpoint !== '', words]];
}

/** What is right by itself but not together. */
function contradictions(config: StackConfig): readonly string[] {
  const rules: readonly (readonly [boolean, string])[] = [
    [
      config.partitionCount > eventHubsLimits[config.eventHubsTier].partitions,
      `partitionCount (${config.partitionCount}) must be at most ${eventHubsLimits[config.eventHubsTier].partitions} where eventHubsTier is ${config.eventHubsTier}.`,
    ],
    [
      config.retentionHours > eventHubsLimits[config.eventHubsTier].retentionHours,
      `retentionHours (${config.retentionHours}) must be at most ${eventHubsLimits[config.eventHubsTier].retentionHours} where eventHubsTier is ${config.eventHubsTier}.`,
    ],
    [
      (config.eventHubsTier === 'Dedicated') !== (config.eventHubsClusterId !== ''),
      `eventHubsTier Dedicated needs eventHubsClusterId, and the other tiers have none. Write: ${setCommand('eventHubsClusterId', configFields.eventHubsClusterId)}`,
    ],
    ...placesOfLedger(config),
    [
      config.throughputUnitsMax < config.throughputUnits,
      `throughputUnitsMax (${config.throughputUnitsMax}) must not be lower than throughputUnits (${config.throughputUnits}).`,
    ],
    [
      config.adobeEgressRanges.length > 0 && !config.privateNetwork,
      'adobeEgressRanges needs privateNetwork: without a network of its own the handler has no fixed address, and the rules would lock it out too. Write: pulumi config set privateNetwork true',
    ],
    [
      config.privateVault && !config.privateNetwork,
      'privateVault needs privateNetwork, for nothing else reaches such a vault. Write: pulumi config set privateNetwork true',
    ],
    [
      config.zoneRedundantApp && config.alwaysReady === 1,
      'alwaysReady must be 0 or at least 2 where zoneRedundantApp is true, one instance per zone at the least.',
    ],
    [
      config.alwaysReady > config.partitionCount,
      `alwaysReady (${config.alwaysReady}) must not exceed partitionCount (${config.partitionCount}): the others would have nothing to read.`,
    ],
    [
      config.budgetMonthly > 0 && config.budgetStart === '',
      "budgetMonthly needs budgetStart, the first day of this month or a later one. Write: pulumi config set budgetStart '2026-12-01'",
    ],
    [
      config.budgetMonthly > 0 && config.alertEmails.length === 0,
      'budgetMonthly needs alertEmails, for a budget only writes to people.',
    ],
    [
      config.environment === 'prod' && config.alertEmails.length === 0 && config.alertActionGroups.length === 0,
      `prod needs alertEmails or alertActionGroups: without either no operator gets its alerts. Write: ${setCommand('alertEmails', configFields.alertEmails)}`,
    ],
    [
      config.oldestMinutesMax * 2 > config.retentionHours * 60,
      `oldestMinutesMax (${config.oldestMinutesMax}) must be at most half of retentionHours (${config.retentionHours}), so that there is time to repair.`,
    ],
    ...aepCredentials.map(
      (key) =>
        [
          config[key] === '' && aepCredentials.some((other) => config[other] !== ''),
          `${key} is empty, but others of ${aepCredentials.join(', ')} are not: AEP is connected with all four. Write: pulumi config set ${'isSecret' in configFields[key] ? '--secret ' : ''}${key} '${configFields[key].example}'`,
        ] as const,
    ),
    ...(['aepConnectionId', 'aepDataflowId'] as const).map(
      (key) =>
        [
          config[key] !== '' && aepCredentials.every((credential) => config[credential] === ''),
          `${key} needs ${aepCredentials.join(', ')}: without them nothing in AEP is looked at.`,
        ] as const,
    ),
  ];
  return rules.flatMap(([isBroken, words]) => (isBroken ? [words] : []));
}
