import { z } from 'zod';
import {
  apiVersion,
  digits,
  identifiersAmong,
  listOptions,
  refreshTokenSettings,
  requestTimeout,
  vendorUrl,
} from '@activation-hub/destination-kit';
import { linkedinKinds } from './takes.ts';
import { linkedinVersions } from './versions.ts';

export const linkedinSettings = z.strictObject({
  ...refreshTokenSettings(
    'linkedin',
    {
      description: 'Client id of an app to which LinkedIn has given rw_dmp_segments.',
      example: '86abc1def2gh3i',
      secret: 'Client secret of the app.',
    },
    'Refresh token of a member who manages the ad account and has authorized the app. It lives a year; then the member authorizes the app again.',
  ),
  adAccountId: digits().meta({ description: 'The ad account that has the audiences.', examples: ['512345678'] }),
  sourcePlatform: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'Write the word in capital letters that LinkedIn has given you.')
    .meta({
      description: 'The word by which LinkedIn knows where segments come from; it gives it together with the access.',
      examples: ['CONTOSO'],
    }),
  identifiers: identifiersAmong(
    linkedinKinds,
    'the kind of id by which LinkedIn matches it: SHA256_EMAIL (hashed here, unless it is SHA-256 already), GOOGLE_AID or APPLE_IDFA (the advertising id of a mobile device).',
    { email: 'SHA256_EMAIL', gaid: 'GOOGLE_AID', idfa: 'APPLE_IDFA' },
  ),
  apiVersion: apiVersion(
    linkedinVersions,
    '202607',
    /^20\d{2}(0[1-9]|1[0-2])$/,
    'Version of the Marketing API. LinkedIn ends each a year later: check, probe and the start warn 90 days before.',
  ),
  baseUrl: vendorUrl('https://api.linkedin.com'),
  tokenUrl: vendorUrl('https://www.linkedin.com/oauth/v2/accessToken', 'Where the app signs in.'),
  timeoutMs: requestTimeout(30_000),
});

export type LinkedinSettings = z.output<typeof linkedinSettings>;

export const linkedinOptions = listOptions('DMP segment', digits().meta({ examples: ['10804'] }));

export type LinkedinOptions = z.output<typeof linkedinOptions>;
