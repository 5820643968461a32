import { z } from 'zod';
import { configuredUrl, listOptions, requestTimeout, secret } from '@activation-hub/destination-kit';

const digits = z.string().regex(/^\d{1,18}$/, 'Write the digits of the id, in quotes.');

export const pinterestSettings = z.strictObject({
  appId: digits.meta({
    description: 'Id of an app of Pinterest that has Standard access.',
    examples: ['1500123'],
  }),
  appSecret: secret().meta({
    description: 'Secret key of the app.',
    examples: [{ secret: 'pinterest-app-secret' }],
  }),
  refreshToken: secret().meta({
    description:
      'Refresh token of a user who may use the audiences of the ad account, with the scopes ads:read and ads:write. Pinterest ends it after 60 days: store a new one before.',
    examples: [{ secret: 'pinterest-refresh-token' }],
  }),
  adAccountId: digits.meta({ description: 'The ad account that has the customer lists.', examples: ['549755885175'] }),
  identifiers: z
    .record(z.string().regex(/^[^A-Z]+$/, 'Write the namespace in lower case.'), z.enum(['EMAIL', 'MAID']))
    .refine((identifiers) => Object.keys(identifiers).length > 0, 'Name at least one namespace.')
    .default({ email: 'EMAIL' })
    .meta({
      description:
        'For each identity namespace, what Pinterest matches it by: EMAIL, or MAID (the advertising id of a mobile device). Both are hashed here, unless they are SHA-256 already.',
      examples: [{ email: 'EMAIL', email_lc_sha256: 'EMAIL', gaid: 'MAID', idfa: 'MAID' }],
    }),
  baseUrl: configuredUrl()
    .default('https://api.pinterest.com/v5')
    .meta({ description: 'Where the API is.', examples: ['https://api.pinterest.com/v5'] }),
  timeoutMs: requestTimeout(30_000),
});

export type PinterestSettings = z.output<typeof pinterestSettings>;

export const pinterestOptions = listOptions('customer list', digits.meta({ examples: ['2680059592705'] }));

export type PinterestOptions = z.output<typeof pinterestOptions>;
