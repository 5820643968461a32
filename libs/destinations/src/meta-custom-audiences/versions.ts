import type { ApiVersions } from '@activation-hub/destination-kit';

/**
 * Versions of the Marketing API, of which custom audiences are a part. Of older ones the end is
 * that of the youngest, at the latest.
 */
export const metaVersions: ApiVersions = {
  setting: 'apiVersion',
  ends: {
    'v20.0': '2026-02-19',
    'v21.0': '2026-02-19',
    'v22.0': '2026-02-19',
    'v23.0': '2026-11-10',
    'v24.0': '2026-11-10',
    'v25.0': '2027-02-23',
    'v26.0': undefined,
    'v27.0': undefined,
  },
  source: 'developers.facebook.com/documentation/ads-commerce/marketing-api/marketing-api-changelog/versions',
};
