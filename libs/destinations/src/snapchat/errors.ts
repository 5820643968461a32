import { documentedErrors, type ListedErrors } from '@activation-hub/destination-kit';

const source = 'developers.snap.com/marketing-api/Ads-API/errors';
const limits = 'developers.snap.com/api/marketing-api/Ads-API/rate-limits';
const patterns = 'developers.snap.com/marketing-api/Ads-API/api-patterns';

const token = 'Check clientId and clientSecret, and store a new refresh token.';
const role = 'Let the user of the refresh token manage the audiences of the ad account.';
const url = 'Check baseUrl.';
const gone = 'Check adAccountId and the customer list of the options.';

/**
 * Every status of the page, as of August 2026. Of the codes that begin with E, which answers may
 * have, Snapchat publishes no list.
 */
export const listedErrors: readonly ListedErrors[] = [
  { means: 'invalid', source, codes: '400' },
  { means: 'set-up', advice: token, source, codes: '401' },
  { means: 'set-up', advice: role, source, codes: '403' },
  { means: 'set-up', advice: gone, source, codes: '404 410' },
  { means: 'set-up', advice: url, source, codes: '405 406 418' },
  { means: 'throttled', source: limits, codes: '429' },
  { means: 'transient', source, codes: '500 503' },
];

/**
 * Errors of Snapchat: by the status, or by what an answer of 200 says of the part of the request
 * (`sub_request_status`).
 */
export const snapchatErrors = documentedErrors([{ code: 'ERROR', means: 'invalid', source: patterns }], listedErrors);
