import type { ApiVersions } from '@activation-hub/destination-kit';

/**
 * Dated versions live for eighteen months; those with a number are not supported from September
 * 2027.
 */
export const hubspotVersions: ApiVersions = {
  setting: 'apiVersion',
  ends: { v3: '2027-09-01', '2025-09': '2027-03-01', '2026-03': '2027-09-01', '2026-09': '2028-03-01' },
  source: 'developers.hubspot.com/docs/developer-tooling/platform/versioning',
};
