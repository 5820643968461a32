import { z } from 'zod';
import { configuredUrl, listOptions, requestTimeout, secret } from '@activation-hub/destination-kit';

export const snapchatSettings = z.strictObject({
  clientId: z
    .string()
    .min(1)
    .meta({
      description: 'Client id of an OAuth app of the organization (Business Details).',
      examples: ['0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02'],
    }),
  clientSecret: secret().meta({
    description: 'Client secret of the app, which Snapchat shows once.',
    examples: [{ secret: 'snapchat-client-secret' }],
  }),
  refreshToken: secret().meta({
    description:
      'Refresh token of a user who may manage the audiences of the ad account, with the scope snapchat-marketing-api.',
    examples: [{ secret: 'snapchat-refresh-token' }],
  }),
  adAccountId: z.guid('Write the id of the ad account, which is a UUID.').meta({
    description: 'The ad account that has the customer lists.',
    examples: ['8adc3db7-8148-4fbf-999c-8d2266369d74'],
  }),
  identifiers: z
    .record(z.string().regex(/^[^A-Z]+$/, 'Write the namespace in lower case.'), z.enum(['EMAIL', 'PHONE', 'MAID']))
    .refine((identifiers) => Object.keys(identifiers).length > 0, 'Name at least one namespace.')
    .default({ email: 'EMAIL' })
    .meta({
      description:
        'For each identity namespace, what Snapchat matches it by: EMAIL, PHONE, or MAID (the advertising id of a mobile device). All are hashed here, unless they are SHA-256 already.',
      examples: [{ email: 'EMAIL', email_lc_sha256: 'EMAIL', phone: 'PHONE', gaid: 'MAID', idfa: 'MAID' }],
    }),
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/, 'Write an ISO 3166-1 code of two capital letters.')
    .optional()
    .meta({
      description: 'The country of phone numbers that are written without one. Without it, such a number is not used.',
      examples: ['NO'],
    }),
  baseUrl: configuredUrl()
    .default('https://adsapi.snapchat.com/v1')
    .meta({ description: 'Where the API is.', examples: ['https://adsapi.snapchat.com/v1'] }),
  signInUrl: configuredUrl()
    .default('https://accounts.snapchat.com')
    .meta({ description: 'Where the app signs in.', examples: ['https://accounts.snapchat.com'] }),
  timeoutMs: requestTimeout(30_000),
});

export type SnapchatSettings = z.output<typeof snapchatSettings>;

/** How Snapchat writes that members stay for as long as there is the list. */
export const lifetimeDays = 9_999;

export const snapchatOptions = listOptions(
  'customer list',
  z
    .string()
    .regex(/^\d{1,20}$/, 'Write the digits of the segment, in quotes.')
    .meta({ examples: ['5677923948298240'] }),
).safeExtend({
  membershipDays: z
    .int()
    .min(1)
    .max(lifetimeDays)
    .default(lifetimeDays)
    .meta({
      description:
        'How long a member stays in the customer list, in days, unless told again, which is done in time; 9999 is for ever. A list that is created gets it; for another list it must be no longer than that of the list.',
      examples: [180],
    }),
});

export type SnapchatOptions = z.output<typeof snapchatOptions>;
