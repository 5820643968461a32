import { z } from 'zod';
import {
  apiVersion,
  defaultCountry,
  digits,
  identifiersAmong,
  quotaShare,
  requestTimeout,
  secret,
  storedSecret,
  vendorUrl,
} from '@activation-hub/destination-kit';
import { metaVersions } from './versions.ts';

const shape = z.strictObject({
  accessToken: storedSecret(
    'meta-access-token',
    'Access token with the permission ads_management, best of a system user. The ad account must have accepted the terms of custom audiences.',
  ),
  appSecret: secret()
    .optional()
    .meta({
      description:
        'Secret of the app that the token is of. With it each request carries the proof of the token (appsecret_proof), which an app may demand.',
      examples: [{ secret: 'meta-app-secret' }],
    }),
  adAccountId: z
    .string()
    .regex(/^\d{1,20}$/, 'Write the digits of the ad account, in quotes and without act_.')
    .meta({ description: 'The ad account that has the custom audiences, without act_.', examples: ['1234567890'] }),
  identifiers: identifiersAmong(
    ['EMAIL', 'PHONE', 'MADID', 'EXTERN_ID', 'PAGEUID', 'APPUID'],
    'the key by which Meta matches it: EMAIL and PHONE (hashed here, unless they are SHA-256 already), MADID (the id of a mobile device), EXTERN_ID (an id of your own), PAGEUID or APPUID (the id that a page or an app knows the person by).',
    { email: 'EMAIL', email_lc_sha256: 'EMAIL', phone: 'PHONE', crmid: 'EXTERN_ID' },
  ),
  pageId: digits()
    .optional()
    .meta({ description: 'The page of which PAGEUID is an id.', examples: ['1234567890'] }),
  appId: digits()
    .optional()
    .meta({ description: 'The app of which APPUID is an id.', examples: ['1234567890'] }),
  defaultCountry: defaultCountry(),
  dataProcessing: z
    .strictObject({
      country: z
        .int()
        .min(0)
        .meta({ description: 'Country of the persons: 1 is the United States, 0 lets Meta find it.', examples: [1] }),
      state: z
        .int()
        .min(0)
        .meta({ description: 'State of the persons: 1000 is California, 0 lets Meta find it.', examples: [1000] }),
    })
    .optional()
    .meta({
      description: 'Sends with every added person that their data is of limited use (LDU), as laws of US states ask.',
      examples: [{ country: 0, state: 0 }],
    }),
  apiVersion: apiVersion(
    metaVersions,
    'v27.0',
    /^v\d{1,3}\.\d$/,
    'Version of the Graph API. Meta ends versions: check, probe and the start warn 90 days before.',
  ),
  quotaShare: quotaShare('what an ad account may call in an hour'),
  baseUrl: vendorUrl('https://graph.facebook.com', 'Where the Graph API is.'),
  timeoutMs: requestTimeout(30_000),
});

export const metaSettings = shape
  .refine(
    ({ identifiers, pageId }) => pageId !== undefined || !Object.values(identifiers).includes('PAGEUID'),
    'With PAGEUID, write the pageId of which it is an id.',
  )
  .refine(
    ({ identifiers, appId }) => appId !== undefined || !Object.values(identifiers).includes('APPUID'),
    'With APPUID, write the appId of which it is an id.',
  );

export type MetaSettings = z.output<typeof metaSettings>;

export const metaOptions = z
  .strictObject({
    audience: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'Name of a custom audience of the ad account.', examples: ['Sports Fans'] }),
    audienceId: z
      .string()
      .regex(/^\d{1,20}$/, 'Write the digits of the audience id, in quotes.')
      .optional()
      .meta({ description: 'Id of the custom audience, instead of its name.', examples: ['23850000000000000'] }),
    createAudience: z
      .boolean()
      .default(false)
      .meta({ description: 'Creates the custom audience when there is none of this name.', examples: [true] }),
    valueBased: z
      .boolean()
      .default(false)
      .meta({
        description:
          'The audience is a value-based one, the seed of lookalikes: Meta is told what each member is worth (LOOKALIKE_VALUE), and of whom no worth is known, 0. The ad account must have accepted the terms of value-based lookalikes.',
        examples: [true],
      }),
    customerFileSource: z
      .enum(['USER_PROVIDED_ONLY', 'PARTNER_PROVIDED_ONLY', 'BOTH_USER_AND_PARTNER_PROVIDED'])
      .optional()
      .meta({
        description: 'What Meta is told of where the data of a created audience comes from; needed to create one.',
        examples: ['USER_PROVIDED_ONLY'],
      }),
  })
  .refine(
    ({ audience, audienceId }) => (audience === undefined) !== (audienceId === undefined),
    'Write either audience or audienceId.',
  )
  .refine(
    ({ audienceId, createAudience }) => audienceId === undefined || !createAudience,
    'An audience by id cannot be created. Use audience.',
  )
  .refine(
    ({ createAudience, customerFileSource }) => createAudience === (customerFileSource !== undefined),
    'Write customerFileSource together with createAudience: true, and only then.',
  );

export type MetaOptions = z.output<typeof metaOptions>;
