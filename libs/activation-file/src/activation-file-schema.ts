import { z } from 'zod';

/*
 * The form of the file, as far as it can be said without knowing destinations. The descriptions are what editors show;
 * the error texts continue a sentence that begins with the path.
 */

/** What destinations and audiences may be called. */
export const keyPattern = /^[a-z][a-z0-9-]{0,62}$/;

const key = z.string().regex(keyPattern, {
  error: 'must have a name of lower-case letters, digits and hyphens that begins with a letter, at most 63 in all',
});

const word = z.string().min(1).max(256);

/** Far more often than a thing is renamed. */
const formerNamesMax = 20;

const identityNamespace = z.string().regex(/^\S{1,256}$/, {
  error: 'must be the symbol of an identity namespace without spaces, such as email',
});

/** Each is a read of the ledger for a person who changes. */
const followedNamespacesMax = 5;

const xdmPath = z
  .string()
  .max(512)
  .regex(/^(?!(.*\.)?__proto__(\.|$))[^\s.[\]{}"'`]+(\.[^\s.[\]{}"'`]+)*$/, {
    error: 'must be an XDM path: field names with dots between them, such as person.name.firstName',
  });

/** One, or a list of different ones. */
function oneOrMore<Each extends z.ZodType>(each: Each, max: number) {
  return z.union([each, z.array(each).min(1).max(max).meta({ uniqueItems: true })]);
}

const limits = z
  .strictObject({
    requestsPerSecond: z
      .number()
      .positive()
      .describe('Requests per second, at most; fractions are allowed.')
      .exactOptional(),
    concurrency: z.int().positive().describe('Requests under way at once, at most.').exactOptional(),
    batchCount: z.int().positive().describe('Changes per request, at most.').exactOptional(),
    batchBytes: z.int().positive().describe('Bytes of the changes of one request, at most.').exactOptional(),
  })
  .describe("Each of these only lowers the connector's own limit.");

const duration = z.string().regex(/^[1-9]\d{0,4}(s|m|h|d)$/, {
  error: 'must be a number with its unit: s, m, h or d, such as 24h',
});

const stall = z
  .strictObject({
    share: z
      .number()
      .gt(0)
      .max(1)
      .default(0.9)
      .describe('Of the changes of one batch, the share that must be refused.'),
    minimum: z.int().positive().default(20).describe('So many changes must have been told before the share counts.'),
  })
  .describe(
    'When a destination refuses nearly everything, something is wrong with all of it: the partition stops and alerts, instead of draining into dead letters.',
  );

const settings = z
  .record(z.string(), z.unknown())
  .describe('What the connector needs; its own documentation says what. A secret is written { secret: name }.');

const options = z.record(z.string(), z.unknown());

const audienceSchema = <Options extends z.ZodType>(optionsSchema: Options) =>
  z.strictObject({
    id: word.describe("The audience's id in AEP. Any text; put it in quotes if it looks like a number."),
    namespace: word.default('ups').describe("AEP's namespace of the id; ups is AEP's own."),
    formerly: oneOrMore(word, formerNamesMax)
      .optional()
      .describe(
        'The id, or ids, that the audience had before in AEP, the oldest last: what destinations were told of it under that id stays known.',
      ),
    name: word.optional().describe('For people; nothing depends on it.'),
    consent: xdmPath
      .optional()
      .describe('XDM path of the attribute that must say yes; anybody for whom it does not is taken out.'),
    activate: z
      .array(routeSchema(optionsSchema))
      .default([])
      .describe('Where this audience goes: one entry per destination.'),
  });

const routeSchema = <Options extends z.ZodType>(optionsSchema: Options) =>
  z.strictObject({
    destination: z.string().describe('Key of an entry under destinations.'),
    identity: z
      .union([identityNamespace, z.array(identityNamespace).min(1).meta({ uniqueItems: true })])
      .describe(
        'Identity namespaces by precedence: the first that the profile has is used. Upper and lower case are the same.',
      ),
    follow: oneOrMore(identityNamespace, followedNamespacesMax)
      .optional()
      .describe(
        'Identity namespaces that identify the person while the identities of the route change, at most 5: an identity that has vanished from the profile is then taken out.',
      ),
    identities: z
      .enum(['first', 'all'])
      .default('first')
      .describe('Where a profile has several ids in the namespace: tell the destination of the first, or of all.'),
    attributes: z
      .record(word, xdmPath)
      .default({})
      .describe("What the destination gets besides the identity: the destination's name for it, and its XDM path."),
    options: optionsSchema
      .optional()
      .describe("What this connector needs to know per route; the connector's documentation says what."),
    mode: z
      .enum(['live', 'shadow', 'paused', 'retired'])
      .default('live')
      .describe(
        'live: deliver. shadow: decide and record, but send nothing. paused: do nothing. retired: take out everybody whom the destination was told of, and tell it of nobody new.',
      ),
  });

const formerKey = z.string().regex(keyPattern, {
  error: 'must be a key that a destination can have: lower-case letters, digits and hyphens after a letter',
});

const formerKeys = oneOrMore(formerKey, formerNamesMax)
  .optional()
  .describe(
    'The key, or keys, that the destination had before in this file, the oldest last: what it was told under that key stays known.',
  );

const destinationShape = {
  type: z.string().describe('The kind of destination: the name of a connector.'),
  formerly: formerKeys,
  settings: settings.optional(),
  limits: limits.optional(),
  giveUpAfter: duration
    .optional()
    .describe(
      'How long what this destination does not take is tried again before it becomes a dead letter. Default: 24h, or longer where the vendor may answer later.',
    ),
  retryAfterMax: duration
    .optional()
    .describe(
      'The longest that this destination is left alone when it says when it may be asked again (Retry-After and the like). A longer time is taken for this, and then one request tries. Default: 1h; never longer than giveUpAfter.',
    ),
};

/** What stands under a key, for an entry whose key is wrong. */
export const entrySchemas = { destinations: z.strictObject(destinationShape), audiences: audienceSchema(options) };

const fileSchema = <Destination extends z.ZodType, Options extends z.ZodType>(
  destination: Destination,
  optionsSchema: Options,
) =>
  z
    .strictObject({
      version: z.literal(1, { error: 'must be 1: write version: 1' }).describe('Version of the form of this file.'),
      destinations: z.record(key, destination).describe('Third parties, each under a key of your choice.'),
      stall: stall.prefault({}),
      audiences: z
        .record(key, audienceSchema(optionsSchema))
        .describe('Audiences of AEP, each under a key of your choice, and where they go.'),
    })
    .meta({ title: 'Activation file', description: 'Which audience goes to which destination, with what options.' });

/** The file, with settings and options left open. */
export const activationFileSchema = fileSchema(entrySchemas.destinations, options);

export type WrittenActivationFile = z.output<typeof activationFileSchema>;

export interface DescribedDestination {
  readonly settings: z.ZodType;
  readonly options: z.ZodType;
  readonly title?: string;
  readonly description?: string;
}

/** The file with the settings and options of these destinations spelled out; for editors, see `activationFileJsonSchema`. */
export function describedActivationFileSchema(destinations: ReadonlyMap<string, DescribedDestination>): z.ZodType {
  const variants = [...destinations].map(([type, { settings: ownSettings, title, description }]) => {
    const words = [title, description].filter((text) => text !== undefined).join(': ');
    const settingsMayBeAbsent = ownSettings.safeParse({}).success;
    return z.strictObject({
      type: z.literal(type).describe(words === '' ? type : words),
      formerly: formerKeys,
      settings: settingsMayBeAbsent ? ownSettings.optional() : ownSettings,
      limits: destinationShape.limits,
      giveUpAfter: destinationShape.giveUpAfter,
      retryAfterMax: destinationShape.retryAfterMax,
    });
  });
  const [first, ...others] = variants;
  if (first === undefined) return activationFileSchema;
  return fileSchema(
    z.discriminatedUnion('type', [first, ...others]),
    z.union([...destinations.values()].map((destination) => destination.options)),
  );
}
