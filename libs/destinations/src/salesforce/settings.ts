import { z } from 'zod';
import { configuredUrl, identifiersSetting, quotaShare, requestTimeout, secret } from '@activation-hub/destination-kit';

const fieldName = z
  .string()
  .regex(
    /^[A-Za-z]\w{0,79}$/,
    'Write the API name of a field of the person, such as External_Id__c, or Id for the record id.',
  );

const jwtBearer = z
  .strictObject({
    username: z
      .string()
      .min(1)
      .meta({ description: 'User name of whom the app acts for.', examples: ['activation@contoso.com'] }),
    privateKey: secret().meta({
      description: 'The private key of the certificate that the app has, RSA, in PEM, not encrypted.',
      examples: [{ secret: 'salesforce-private-key' }],
    }),
    audience: configuredUrl()
      .default('https://login.salesforce.com')
      .meta({
        description: 'For whom the assertion is: https://test.salesforce.com for a sandbox.',
        examples: ['https://test.salesforce.com'],
      }),
  })
  .meta({
    description: 'Signs in by an assertion that the app signs (JWT bearer flow), instead of client credentials.',
    examples: [{ username: 'activation@contoso.com', privateKey: { secret: 'salesforce-private-key' } }],
  });

const shape = z.strictObject({
  myDomainUrl: configuredUrl().meta({
    description:
      'The My Domain of the org, up to the host. Client credentials are not taken at login.salesforce.com; a sandbox has a My Domain of its own.',
    examples: ['https://contoso.my.salesforce.com', 'https://contoso--uat.sandbox.my.salesforce.com'],
  }),
  clientId: z
    .string()
    .min(1)
    .meta({
      description:
        'Consumer key of the external client app, which has the client credentials flow and a run-as user, or the JWT bearer flow.',
      examples: ['3MVG9example'],
    }),
  clientSecret: secret()
    .optional()
    .meta({
      description: 'Consumer secret of the external client app, for the client credentials flow.',
      examples: [{ secret: 'salesforce-client-secret' }],
    }),
  jwtBearer: jwtBearer.optional(),
  duplicateRules: z
    .enum(['obey', 'save'])
    .default('obey')
    .meta({
      description:
        'What is done where a duplicate rule of the org only warns: obey refuses the person, save writes it all the same. A rule that blocks, blocks.',
      examples: ['save'],
    }),
  quotaShare: quotaShare('the daily API quota of the org'),
  personType: z
    .enum(['contact', 'lead', 'person-account'])
    .default('contact')
    .meta({
      description:
        'What persons are in this org, and members of its campaigns. A person account is an account: attributes are its fields, those of its contact among them (PersonEmail, Interests__pc).',
      examples: ['person-account'],
    }),
  recordTypeId: z
    .string()
    .regex(/^012[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$/, 'Write the id of a record type: 15 or 18 characters from 012.')
    .optional()
    .meta({
      description:
        'Record type of who is created; without it the default one of the run-as user, which for person accounts must be one of persons (SELECT Id FROM RecordType WHERE IsPersonType = true).',
      examples: ['0125g000000AbCdAAK'],
    }),
  identifiers: identifiersSetting(fieldName).meta({
    description:
      'For each identity namespace, the field by which Salesforce knows the person: one that is marked External ID and unique, under which an entry creates a missing person; or Id, the id of a record that is there.',
    examples: [{ email: 'Activation_Email__c', crmid: 'Id' }],
  }),
  apiVersion: z
    .string()
    .regex(/^v\d{2,3}\.0$/, 'Write the version of the API, such as v64.0.')
    .default('v64.0')
    .meta({ description: 'Version of the Salesforce REST API, v46.0 or later.', examples: ['v64.0'] }),
  batchSize: z
    .int()
    .min(1)
    .max(200)
    .default(200)
    .meta({ description: 'Records in one request, at most. Salesforce takes 200.', examples: [50] }),
  timeoutMs: requestTimeout(60_000),
});

export const salesforceSettings = shape
  .refine(
    ({ clientSecret, jwtBearer: assertion }) => (clientSecret === undefined) !== (assertion === undefined),
    'Write either clientSecret or jwtBearer.',
  )
  .refine(
    ({ personType, identifiers }) =>
      personType !== 'person-account' || Object.values(identifiers).every((field) => !/__pc$/i.test(field)),
    'Salesforce finds no account by a field of its contact (__pc). Name an external id of the account.',
  );

export type SalesforceSettings = z.output<typeof salesforceSettings>;

const status = z.string().trim().min(1).max(40);

export const salesforceOptions = z
  .strictObject({
    campaign: z
      .string()
      .trim()
      .min(1)
      .max(80)
      .optional()
      .meta({ description: 'Name of the campaign whose members are the audience.', examples: ['Sports Fans'] }),
    campaignId: z
      .string()
      .regex(/^701[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$/, 'Write the id of a campaign: 15 or 18 characters from 701.')
      .optional()
      .meta({ description: 'Id of the campaign, instead of its name.', examples: ['7015g000000AbCdAAK'] }),
    createCampaign: z
      .boolean()
      .default(false)
      .meta({
        description: 'Creates the campaign when there is none of this name, and the member statuses that it lacks.',
        examples: [true],
      }),
    status: status.optional().meta({
      description: 'Member status of who enters; without it the default status of the campaign.',
      examples: ['In audience'],
    }),
    exitStatus: status.optional().meta({
      description:
        'Member status of who leaves. Without it the campaign member is deleted. With it the member stays, and gets the status of who enters when the person comes back.',
      examples: ['Left'],
    }),
  })
  .refine(
    ({ campaign, campaignId }) => (campaign === undefined) !== (campaignId === undefined),
    'Write either campaign or campaignId.',
  )
  .refine(
    ({ campaignId, createCampaign }) => campaignId === undefined || !createCampaign,
    'A campaign by id cannot be created. Use campaign.',
  )
  .refine(
    ({ status: entry, exitStatus }) => exitStatus === undefined || entry !== undefined,
    'With exitStatus, write the status of who enters too.',
  )
  .refine(
    ({ status: entry, exitStatus }) => exitStatus === undefined || entry?.toLowerCase() !== exitStatus.toLowerCase(),
    'The status of who leaves must differ from that of who enters.',
  );

export type SalesforceOptions = z.output<typeof salesforceOptions>;
