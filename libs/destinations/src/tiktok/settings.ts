import { z } from 'zod';
import {
  apiVersion,
  defaultCountry,
  digits,
  identifiersAmong,
  listOptions,
  requestTimeout,
  storedSecret,
  vendorUrl,
} from '@activation-hub/destination-kit';
import { tiktokKinds } from './takes.ts';
import { tiktokVersions } from './versions.ts';

export const tiktokSettings = z.strictObject({
  accessToken: storedSecret(
    'tiktok-access-token',
    'Long-term access token of an app with the permission Audience Management, to which the advertiser has agreed. It does not expire.',
  ),
  advertiserId: digits().meta({
    description: 'The ad account that has the custom audiences.',
    examples: ['7000000000000000000'],
  }),
  identifiers: identifiersAmong(
    tiktokKinds,
    'the kind of id by which TikTok matches it; all are hashed here, unless they are SHA-256 already.',
    { email: 'EMAIL_SHA256', phone: 'PHONE_SHA256', idfa: 'IDFA_SHA256', gaid: 'AAID_SHA256' },
  ),
  defaultCountry: defaultCountry(),
  apiVersion: apiVersion(tiktokVersions, 'v1.3', /^v\d{1,2}\.\d{1,2}$/, 'Version of the TikTok API for Business.'),
  baseUrl: vendorUrl('https://business-api.tiktok.com'),
  timeoutMs: requestTimeout(30_000),
});

export type TiktokSettings = z.output<typeof tiktokSettings>;

export const tiktokOptions = listOptions('custom audience', digits().meta({ examples: ['100000001'] }));

export type TiktokOptions = z.output<typeof tiktokOptions>;
