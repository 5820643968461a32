import type { ApiVersions } from '@activation-hub/destination-kit';

/**
 * Versions of the Marketing API, one a month. Later ones than these came out, of which no end was
 * found.
 */
export const linkedinVersions: ApiVersions = {
  setting: 'apiVersion',
  ends: {
    '202601': '2027-01-15',
    '202602': '2027-02-15',
    '202603': '2027-03-16',
    '202604': '2027-04-15',
    '202605': '2027-05-15',
    '202606': '2027-06-15',
    '202607': '2027-07-15',
  },
  source: 'learn.microsoft.com/en-us/linkedin/marketing/integrations/migrations',
};
