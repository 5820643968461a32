import { z } from 'zod';

/*
 * The form of the file, as far as it can be said without knowing destinations. The descriptions are
 * what editors show; the error texts continue a sentence that begins with the path.
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
      .meta({ description: 'Requests per second, at most; fractions are allowed.', examples: [0.5] })
      .exactOptional(),
    concurrency: z
      .int()
      .positive()
      .meta({ description: 'Requests that may be under way at the same time.', examples: [4] })
      .exactOptional(),
    batchCount: z
      .int()
      .positive()
      .meta({ description: 'Changes per request, at most.', examples: [50] })
      .exactOptional(),
    batchBytes: z
      .int()
      .positive()
      .meta({ description: 'Bytes of the changes of one request, at most.', examples: [65_536] })
      .exactOptional(),
  })
  .meta({
    description:
      "Limits of this destination, for each instance of the function app. Each only lowers the connector's own limit.",
    examples: [{ requestsPerSecond: 10, concurrency: 4 }],
  });

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
      .meta({
        description: 'The share of the changes of one batch that the destination must reject.',
        examples: [0.8],
      }),
    minimum: z
      .int()
      .positive()
      .default(20)
      .meta({
        description: 'How many changes of a batch the destination must have taken or rejected before the share counts.',
        examples: [50],
      }),
  })
  .meta({
    description:
      'When a destination rejects nearly every change of a batch, the fault lies in its set-up: its rejections are retried and raise an alert, instead of becoming dead letters.',
    examples: [{ share: 0.8, minimum: 50 }],
  });

const settings = z.record(z.string(), z.unknown()).meta({
  description:
    'What the connector needs to reach the third party; the page of the destination lists it. A secret is written { secret: name }.',
  examples: [{ url: 'https://crm.example.com/hooks/audiences', signingSecret: { secret: 'crm-signing-secret' } }],
});

const options = z.record(z.string(), z.unknown());

const audienceSchema = <Options extends z.ZodType>(optionsSchema: Options) =>
  z.strictObject({
    id: word.meta({
      description:
        "The audience's id in AEP: the UUID in the address of its page. Any text is allowed; quote it if it looks like a number.",
      examples: ['0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02'],
    }),
    namespace: word.default('ups').meta({
      description: "AEP's namespace of the id; ups is that of AEP's own segmentation.",
      examples: ['ups'],
    }),
    formerly: oneOrMore(word, formerNamesMax)
      .optional()
      .meta({
        description:
          'The id, or ids, that the audience had before in AEP, the oldest last. The ledger keeps what destinations were told under them.',
        examples: ['0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a01'],
      }),
    name: word
      .optional()
      .meta({ description: 'A name for readers; nothing depends on it.', examples: ['Sports Fans'] }),
    consent: xdmPath.optional().meta({
      description:
        'XDM path of the consent attribute. A member enters only if it says yes (y, dy, a legal basis, in, true); when it says anything else, or is absent, a member who was told leaves.',
      examples: ['consents.marketing.email.val'],
    }),
    activate: z
      .array(routeSchema(optionsSchema))
      .default([])
      .meta({
        description: 'Where this audience goes: one route per destination.',
        examples: [[{ destination: 'crm', identity: ['crmid', 'email'] }]],
      }),
  });

const routeSchema = <Options extends z.ZodType>(optionsSchema: Options) =>
  z.strictObject({
    destination: z.string().meta({ description: 'Key of an entry under destinations.', examples: ['crm'] }),
    identity: z.union([identityNamespace, z.array(identityNamespace).min(1).meta({ uniqueItems: true })]).meta({
      description:
        'Identity namespaces by precedence: the route uses the first that the profile has. Upper and lower case are the same.',
      examples: [['crmid', 'email']],
    }),
    follow: oneOrMore(identityNamespace, followedNamespacesMax)
      .optional()
      .meta({
        description:
          'Identity namespaces, at most 5, that stay the same while the identities of the route change. When an identity vanishes from a profile, the route finds the person by these and takes the earlier identity out of the destination.',
        examples: ['crmid'],
      }),
    identities: z
      .enum(['first', 'all'])
      .default('first')
      .meta({
        description:
          'Where a profile has several ids in the namespace: tell the destination of the first in alphabetical order, or of all.',
        examples: ['all'],
      }),
    attributes: z
      .record(word, xdmPath)
      .default({})
      .meta({
        description: "Attributes that the destination gets: the destination's name for each, and its XDM path.",
        examples: [{ firstname: 'person.name.firstName' }],
      }),
    options: optionsSchema.optional().meta({
      description: 'What the connector needs for this route, such as a list; the page of the destination lists it.',
      examples: [{ list: 'Sports Fans' }],
    }),
    mode: z
      .enum(['live', 'shadow', 'paused', 'retired'])
      .default('live')
      .meta({
        description:
          'live: deliver. shadow: decide and record, but send nothing. paused: send nothing; the next export of a person after the pause tells it. retired: take each member out with their next export and enter none; `activation retire` takes out the others at once.',
        examples: ['shadow'],
      }),
  });

const formerKey = z.string().regex(keyPattern, {
  error: 'must be a key that a destination can have: lower-case letters, digits and hyphens after a letter',
});

const formerKeys = oneOrMore(formerKey, formerNamesMax)
  .optional()
  .meta({
    description:
      'The key, or keys, that the destination had before in this file, the oldest last. The ledger keeps what it was told under them.',
    examples: [['customers', 'crm-pilot']],
  });

const destinationShape = {
  type: z.string().meta({
    description: 'The kind of destination: the name of a connector, or of an installed package.',
    examples: ['webhook'],
  }),
  formerly: formerKeys,
  settings: settings.optional(),
  limits: limits.optional(),
  giveUpAfter: duration.optional().meta({
    description:
      'How long a change that the destination does not take is retried before it becomes a dead letter: a number with s, m, h or d. 24h by default, or longer where the vendor may answer later.',
    examples: ['12h'],
  }),
  retryAfterMax: duration.optional().meta({
    description:
      'The longest wait that a destination may ask for (Retry-After and the like); after it one request tries, whatever was asked. 1h by default; never longer than giveUpAfter.',
    examples: ['30m'],
  }),
};

/** What stands under a key, for an entry whose key is wrong. */
export const entrySchemas = { destinations: z.strictObject(destinationShape), audiences: audienceSchema(options) };

const fileSchema = <Destination extends z.ZodType, Options extends z.ZodType>(
  destination: Destination,
  optionsSchema: Options,
) =>
  z
    .strictObject({
      version: z
        .literal(1, { error: 'must be 1: write version: 1' })
        .meta({ description: 'Version of the form of this file.', examples: [1] }),
      destinations: z.record(key, destination).meta({
        description: 'Third parties, each under a key of your choice.',
        examples: [{ crm: { type: 'webhook', settings: { url: 'https://crm.example.com/hooks/audiences' } } }],
      }),
      stall: stall.prefault({}),
      audiences: z.record(key, audienceSchema(optionsSchema)).meta({
        description: 'Audiences of AEP, each under a key of your choice, and where they go.',
        examples: [
          {
            'sports-fans': {
              id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02',
              activate: [{ destination: 'crm', identity: 'email' }],
            },
          },
        ],
      }),
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

/**
 * The file with the settings and options of these destinations spelled out; for editors, see
 * `activationFileJsonSchema`.
 */
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
