import { z } from 'zod';
import {
  defaultCountry,
  digits,
  identifiersAmong,
  kindsOf,
  listOptions,
  membershipDays,
  refreshTokenSettings,
  requestTimeout,
  vendorUrl,
} from '@activation-hub/destination-kit';
import { snapchatProfile } from './takes.ts';

export const snapchatSettings = z.strictObject({
  ...refreshTokenSettings(
    'snapchat',
    {
      description: 'Client id of an OAuth app of the organization (Business Details).',
      example: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02',
      secret: 'Client secret of the app, which Snapchat shows once.',
    },
    'Refresh token of a user who may manage the audiences of the ad account, with the scope snapchat-marketing-api.',
  ),
  adAccountId: z.guid('Write the id of the ad account, which is a UUID.').meta({
    description: 'The ad account that has the customer lists.',
    examples: ['8adc3db7-8148-4fbf-999c-8d2266369d74'],
  }),
  identifiers: identifiersAmong(
    kindsOf(snapchatProfile),
    'what Snapchat matches it by: EMAIL, PHONE, or MAID (the advertising id of a mobile device). All are hashed here, unless they are SHA-256 already.',
    { email: 'EMAIL', email_lc_sha256: 'EMAIL', phone: 'PHONE', gaid: 'MAID', idfa: 'MAID' },
  ),
  defaultCountry: defaultCountry(),
  baseUrl: vendorUrl('https://adsapi.snapchat.com/v1'),
  signInUrl: vendorUrl('https://accounts.snapchat.com', 'Where the app signs in.'),
  timeoutMs: requestTimeout(30_000),
});

export type SnapchatSettings = z.output<typeof snapchatSettings>;

/** How Snapchat writes that members stay for as long as there is the list. */
export const lifetimeDays = 9_999;

export const snapchatOptions = listOptions(
  'customer list',
  digits().meta({ examples: ['5677923948298240'] }),
).safeExtend({
  membershipDays: membershipDays('customer list', lifetimeDays, '9999 is for ever', 180),
});

export type SnapchatOptions = z.output<typeof snapchatOptions>;
