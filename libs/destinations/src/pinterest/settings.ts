import { z } from 'zod';
import {
  digits,
  identifiersAmong,
  kindsOf,
  listOptions,
  refreshTokenSettings,
  requestTimeout,
  vendorUrl,
} from '@activation-hub/destination-kit';
import { pinterestProfile } from './takes.ts';

export const pinterestSettings = z.strictObject({
  ...refreshTokenSettings(
    'pinterest',
    {
      description: 'Id of an app of Pinterest that has Standard access.',
      example: '1500123',
      secret: 'Secret key of the app.',
      isBasic: true,
    },
    'Refresh token of a user who may use the audiences of the ad account, with the scopes ads:read and ads:write. Pinterest ends it after 60 days: store a new one before.',
  ),
  adAccountId: digits(18).meta({
    description: 'The ad account that has the customer lists.',
    examples: ['549755885175'],
  }),
  identifiers: identifiersAmong(
    kindsOf(pinterestProfile),
    'what Pinterest matches it by: EMAIL, or MAID (the advertising id of a mobile device). Both are hashed here, unless they are SHA-256 already.',
    { email: 'EMAIL', email_lc_sha256: 'EMAIL', gaid: 'MAID', idfa: 'MAID' },
  ),
  baseUrl: vendorUrl('https://api.pinterest.com/v5'),
  timeoutMs: requestTimeout(30_000),
});

export type PinterestSettings = z.output<typeof pinterestSettings>;

export const pinterestOptions = listOptions('customer list', digits(18).meta({ examples: ['2680059592705'] }));

export type PinterestOptions = z.output<typeof pinterestOptions>;
