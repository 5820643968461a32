import type { ApiVersions } from '@activation-hub/destination-kit';

/** Versions of the TikTok API for Business; that of 1.2 came with a year's notice. */
export const tiktokVersions: ApiVersions = {
  setting: 'apiVersion',
  ends: { 'v1.2': '2023-08-15', 'v1.3': undefined },
  source: 'business-api.tiktok.com/portal/docs?id=1740578661644289',
};
