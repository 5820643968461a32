import { z } from 'zod';
import { configuredUrl, identifiersSetting, requestTimeout, secret } from '@activation-hub/destination-kit';

const columnName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,127}$/, 'Write the logical name of a column, such as emailaddress1 or new_customerid.');

const certificate = z
  .strictObject({
    certificate: secret().meta({
      description: 'The certificate, in PEM, as it is registered with the application.',
      examples: [{ secret: 'crm-certificate' }],
    }),
    key: secret().meta({
      description: 'Its private key, RSA, in PEM, not encrypted.',
      examples: [{ secret: 'crm-certificate-key' }],
    }),
  })
  .meta({
    description: 'Signs in by a certificate of the registration, instead of a client secret.',
    examples: [{ certificate: { secret: 'crm-certificate' }, key: { secret: 'crm-certificate-key' } }],
  });

const shape = z.strictObject({
  environmentUrl: configuredUrl().meta({
    description: 'The environment, as in the address bar of the app, up to the host.',
    examples: ['https://contoso.crm4.dynamics.com'],
  }),
  tenantId: z
    .string()
    .regex(/^[0-9a-zA-Z][0-9a-zA-Z.-]{0,254}$/, 'Write the id, or a domain, of the Entra tenant.')
    .meta({
      description: 'The Microsoft Entra tenant in which the application is registered.',
      examples: ['00000000-0000-0000-0000-000000000000'],
    }),
  clientId: z.guid().meta({
    description:
      'Application (client) id of the registration, or of the managed identity, which is an application user of the environment.',
    examples: ['00000000-0000-0000-0000-000000000000'],
  }),
  clientSecret: secret()
    .optional()
    .meta({ description: 'A client secret of the registration.', examples: [{ secret: 'crm-client-secret' }] }),
  clientCertificate: certificate.optional(),
  managedIdentity: z
    .literal(true)
    .optional()
    .meta({
      description:
        'Signs in as the user-assigned managed identity of the app that has clientId: there is no secret then.',
      examples: [true],
    }),
  memberType: z
    .enum(['contact', 'lead', 'account'])
    .default('contact')
    .meta({
      description: 'What persons are in this environment, and what the marketing lists hold.',
      examples: ['lead'],
    }),
  identifiers: identifiersSetting(
    z.strictObject({
      column: columnName.meta({
        description: 'The column that holds the identity: a text column, or the id column (contactid).',
        examples: ['emailaddress1'],
      }),
      alternateKey: z
        .boolean()
        .default(false)
        .meta({
          description:
            'That the column alone is an active alternate key of the table. Only then can a person who is not there be created, for only then does Dataverse itself prevent a second one.',
          examples: [true],
        }),
    }),
  )
    .default({ email: { column: 'emailaddress1', alternateKey: false } })
    .meta({
      description: 'For each identity namespace, how a person is found.',
      examples: [{ email: { column: 'emailaddress1' }, crmid: { column: 'new_customerid', alternateKey: true } }],
    }),
  createRecords: z
    .boolean()
    .default(true)
    .meta({
      description:
        'Creates a person who enters and has no record, where the identity is an alternate key. An update or an exit never creates one.',
      examples: [false],
    }),
  removalStrategy: z
    .enum(['auto', 'action', 'list-member', 'association'])
    .default('auto')
    .meta({
      description:
        'How a member is taken off a list: by the action RemoveMemberList, by deleting the row of listmember, or by deleting the reference. auto reads from the metadata of the environment whether it has the action, and deletes the row otherwise.',
      examples: ['list-member'],
    }),
  apiVersion: z
    .string()
    .regex(/^v\d+\.\d+$/, 'Write the version of the Web API, such as v9.2.')
    .default('v9.2')
    .meta({
      description: 'Version of the Dataverse Web API.',
      examples: ['v9.2'],
    }),
  signInUrl: configuredUrl()
    .default('https://login.microsoftonline.com')
    .meta({
      description: 'Where applications sign in; sovereign clouds have their own.',
      examples: ['https://login.microsoftonline.us'],
    }),
  batchSize: z
    .int()
    .min(1)
    .max(300)
    .default(100)
    .meta({
      description: 'Changes in one $batch, at most. Dataverse takes 1000, and advises against large ones.',
      examples: [50],
    }),
  timeoutMs: requestTimeout(60_000),
});

export const dynamics365Settings = shape.refine(
  ({ clientSecret, clientCertificate, managedIdentity }) =>
    [clientSecret, clientCertificate, managedIdentity].filter((way) => way !== undefined).length === 1,
  'Write exactly one of clientSecret, clientCertificate and managedIdentity.',
);

export type Dynamics365Settings = z.output<typeof dynamics365Settings>;

const targets = ['list', 'listId', 'segment', 'segmentId'] as const;

export const dynamics365Options = z
  .strictObject({
    list: z
      .string()
      .trim()
      .min(1)
      .max(128)
      .optional()
      .meta({ description: 'Name of a static marketing list.', examples: ['Sports Fans'] }),
    listId: z
      .guid()
      .optional()
      .meta({
        description: 'Id of the list, instead of its name.',
        examples: ['c3fd9d0a-8c2e-4ed8-9d2a-5f0a1e9b7f10'],
      }),
    createList: z
      .boolean()
      .default(false)
      .meta({ description: 'Creates the list when there is none of this name.', examples: [true] }),
    segment: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .optional()
      .meta({
        description:
          'Name of a segment of Customer Insights - Journeys with a group of static members, of contacts or leads, in place of a list.',
        examples: ['Sports Fans'],
      }),
    segmentId: z
      .guid()
      .optional()
      .meta({
        description: 'Id of the segment (msdynmkt_segment), instead of its name.',
        examples: ['0f5b0c7f-395d-447b-b14c-315a601f878e'],
      }),
    createSegment: z
      .boolean()
      .default(false)
      .meta({
        description: 'Creates the segment, as a static one, and publishes it when there is none of this name.',
        examples: [true],
      }),
  })
  .refine(
    (options) => targets.filter((name) => options[name] !== undefined).length === 1,
    'Write exactly one of list, listId, segment and segmentId.',
  )
  .refine(
    ({ list, createList }) => list !== undefined || !createList,
    'Only a list by its name can be created. Use list.',
  )
  .refine(
    ({ segment, createSegment }) => segment !== undefined || !createSegment,
    'Only a segment by its name can be created. Use segment.',
  );

export type Dynamics365Options = z.output<typeof dynamics365Options>;

/** Whether the options name a segment, and not a list. */
export const namesSegment = ({ segment, segmentId }: Dynamics365Options): boolean =>
  (segment ?? segmentId) !== undefined;
