import { documentedErrors, httpErrors, type ListedErrors, setUpErrors } from '@activation-hub/destination-kit';

const source = 'developers.snap.com/marketing-api/Ads-API/errors';
const patterns = 'developers.snap.com/marketing-api/Ads-API/api-patterns';

/**
 * Every status of the page, as of August 2026. Of the codes that begin with E, which answers may
 * have, Snapchat publishes no list.
 */
export const listedErrors: readonly ListedErrors[] = [
  ...httpErrors(source, '400 500 503', {
    401: 'Check clientId and clientSecret, and store a new refresh token.',
    403: 'Let the user of the refresh token manage the audiences of the ad account.',
    '404 410': 'Check adAccountId and the customer list of the options.',
    '405 406': 'Check baseUrl.',
  }),
  ...setUpErrors(source, { 418: 'Check baseUrl.' }),
  ...httpErrors('developers.snap.com/api/marketing-api/Ads-API/rate-limits', '429'),
];

/**
 * Errors of Snapchat: by the status, or by what an answer of 200 says of the part of the request
 * (`sub_request_status`).
 */
export const snapchatErrors = documentedErrors([{ code: 'ERROR', means: 'invalid', source: patterns }], listedErrors);
