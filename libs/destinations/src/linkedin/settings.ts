import { z } from 'zod';
import { configuredUrl, listOptions, requestTimeout, secret } from '@activation-hub/destination-kit';
import { linkedinKeys } from './takes.ts';

const digits = z.string().regex(/^\d{1,20}$/, 'Write the digits of the id, in quotes.');

export const linkedinSettings = z.strictObject({
  clientId: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'Write the client id as the page of the app shows it.')
    .meta({
      description: 'Client id of an app to which LinkedIn has given rw_dmp_segments.',
      examples: ['86abc1def2gh3i'],
    }),
  clientSecret: secret().meta({
    description: 'Client secret of the app.',
    examples: [{ secret: 'linkedin-client-secret' }],
  }),
  refreshToken: secret().meta({
    description:
      'Refresh token of a member who manages the ad account and has authorized the app. It lives a year; then the member authorizes the app again.',
    examples: [{ secret: 'linkedin-refresh-token' }],
  }),
  adAccountId: digits.meta({ description: 'The ad account that has the audiences.', examples: ['512345678'] }),
  sourcePlatform: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'Write the word in capital letters that LinkedIn has given you.')
    .meta({
      description: 'The word by which LinkedIn knows where segments come from; it gives it together with the access.',
      examples: ['CONTOSO'],
    }),
  keys: z
    .record(z.string().regex(/^[^A-Z]+$/, 'Write the namespace in lower case.'), z.enum(linkedinKeys))
    .refine((keys) => Object.keys(keys).length > 0, 'Name at least one namespace.')
    .default({ email: 'SHA256_EMAIL' })
    .meta({
      description:
        'For each identity namespace, the kind of id by which LinkedIn matches it: SHA256_EMAIL (hashed here, unless it is SHA-256 already), GOOGLE_AID or APPLE_IDFA (the advertising id of a mobile device).',
      examples: [{ email: 'SHA256_EMAIL', gaid: 'GOOGLE_AID', idfa: 'APPLE_IDFA' }],
    }),
  apiVersion: z
    .string()
    .regex(/^20\d{2}(0[1-9]|1[0-2])$/, 'Write a month such as 202607.')
    .default('202607')
    .meta({
      description:
        'Version of the Marketing API. LinkedIn ends each a year later: check, probe and the start warn 90 days before.',
      examples: ['202607'],
    }),
  baseUrl: configuredUrl()
    .default('https://api.linkedin.com')
    .meta({ description: 'Where the API is.', examples: ['https://api.linkedin.com'] }),
  tokenUrl: configuredUrl()
    .default('https://www.linkedin.com/oauth/v2/accessToken')
    .meta({ description: 'Where the app signs in.', examples: ['https://www.linkedin.com/oauth/v2/accessToken'] }),
  timeoutMs: requestTimeout(30_000),
});

export type LinkedinSettings = z.output<typeof linkedinSettings>;

export const linkedinOptions = listOptions('DMP segment', digits.meta({ examples: ['10804'] }));

export type LinkedinOptions = z.output<typeof linkedinOptions>;
