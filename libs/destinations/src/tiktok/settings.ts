import { z } from 'zod';
import { configuredUrl, listOptions, requestTimeout, secret } from '@activation-hub/destination-kit';
import { tiktokKeys } from './takes.ts';

const digits = z.string().regex(/^\d{1,20}$/, 'Write the digits of the id, in quotes.');

export const tiktokSettings = z.strictObject({
  accessToken: secret().meta({
    description:
      'Long-term access token of an app with the permission Audience Management, to which the advertiser has agreed. It does not expire.',
    examples: [{ secret: 'tiktok-access-token' }],
  }),
  advertiserId: digits.meta({
    description: 'The ad account that has the custom audiences.',
    examples: ['7000000000000000000'],
  }),
  keys: z
    .record(z.string().regex(/^[^A-Z]+$/, 'Write the namespace in lower case.'), z.enum(tiktokKeys))
    .refine((keys) => Object.keys(keys).length > 0, 'Name at least one namespace.')
    .default({ email: 'EMAIL_SHA256' })
    .meta({
      description:
        'For each identity namespace, the kind of id by which TikTok matches it; all are hashed here, unless they are SHA-256 already.',
      examples: [{ email: 'EMAIL_SHA256', phone: 'PHONE_SHA256', idfa: 'IDFA_SHA256', gaid: 'AAID_SHA256' }],
    }),
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/, 'Write an ISO 3166-1 code of two capital letters.')
    .optional()
    .meta({
      description: 'The country of phone numbers that are written without one. Without it, such a number is not used.',
      examples: ['NO'],
    }),
  apiVersion: z
    .string()
    .regex(/^v\d{1,2}\.\d{1,2}$/, 'Write a version such as v1.3.')
    .default('v1.3')
    .meta({ description: 'Version of the TikTok API for Business.', examples: ['v1.3'] }),
  baseUrl: configuredUrl()
    .default('https://business-api.tiktok.com')
    .meta({ description: 'Where the API is.', examples: ['https://business-api.tiktok.com'] }),
  timeoutMs: requestTimeout(30_000),
});

export type TiktokSettings = z.output<typeof tiktokSettings>;

export const tiktokOptions = listOptions('custom audience', digits.meta({ examples: ['100000001'] }));

export type TiktokOptions = z.output<typeof tiktokOptions>;
