import { z } from 'zod';
import {
  defaultCountry,
  digits,
  identifiersSetting,
  listOptions,
  requestTimeout,
  storedSecret,
  vendorUrl,
} from '@activation-hub/destination-kit';
import { tiktokKinds } from './takes.ts';

export const tiktokSettings = z.strictObject({
  accessToken: storedSecret(
    'tiktok-access-token',
    'Long-term access token of an app with the permission Audience Management, to which the advertiser has agreed. It does not expire.',
  ),
  advertiserId: digits().meta({
    description: 'The ad account that has the custom audiences.',
    examples: ['7000000000000000000'],
  }),
  identifiers: identifiersSetting(z.enum(tiktokKinds))
    .default({ email: 'EMAIL_SHA256' })
    .meta({
      description:
        'For each identity namespace, the kind of id by which TikTok matches it; all are hashed here, unless they are SHA-256 already.',
      examples: [{ email: 'EMAIL_SHA256', phone: 'PHONE_SHA256', idfa: 'IDFA_SHA256', gaid: 'AAID_SHA256' }],
    }),
  defaultCountry: defaultCountry(),
  apiVersion: z
    .string()
    .regex(/^v\d{1,2}\.\d{1,2}$/, 'Write a version such as v1.3.')
    .default('v1.3')
    .meta({ description: 'Version of the TikTok API for Business.', examples: ['v1.3'] }),
  baseUrl: vendorUrl('https://business-api.tiktok.com'),
  timeoutMs: requestTimeout(30_000),
});

export type TiktokSettings = z.output<typeof tiktokSettings>;

export const tiktokOptions = listOptions('custom audience', digits().meta({ examples: ['100000001'] }));

export type TiktokOptions = z.output<typeof tiktokOptions>;
