import { documentedErrors } from '@activation-hub/destination-kit';

const page = 'developers.pinterest.com/docs/reference/error-codes';
const examples = 'github.com/pinterest/api-description, v5/openapi.json 5.23.0, examples of answers';
const limits = 'developers.pinterest.com/docs/reference/rate-limits';

const user =
  'Let the user of the refresh token use the audiences of the ad account, and the app the scopes ads:read and ads:write.';
const list = 'Check the customer list of the options.';

/**
 * Errors of Pinterest: all that its page has of customer lists, and those of its description of the
 * API that any request may meet. An answer has a code and words; the code of some is the status.
 */
export const pinterestErrors = documentedErrors([
  { code: '1001', means: 'set-up', advice: list, source: page },
  { code: '1018', means: 'set-up', advice: list, source: page },
  { code: '2740', means: 'invalid', source: page },
  { code: '2741', means: 'invalid', source: page },
  {
    code: '2742',
    means: 'set-up',
    advice: 'Pinterest has changed how many lists a page has: report this.',
    source: page,
  },
  { code: '1', means: 'invalid', source: examples },
  { code: '2', means: 'set-up', advice: 'Store a new refresh token, and check the app.', source: examples },
  { code: '3', means: 'set-up', advice: user, source: examples },
  { code: '8', means: 'throttled', source: examples },
  { code: '29', means: 'set-up', advice: user, source: examples },
  { code: '1104', means: 'set-up', advice: 'Store a new refresh token, and check the app.', source: examples },
  {
    code: '2625',
    means: 'set-up',
    advice: 'Pinterest has disapproved the account: look into the business hub.',
    source: examples,
  },
  {
    code: '2626',
    means: 'set-up',
    advice: 'Pinterest reviews the account: look into the business hub.',
    source: examples,
  },
  { code: '4196', means: 'invalid', source: examples },
  { code: '4197', means: 'transient', source: examples },
  { code: '400', means: 'invalid', source: examples },
  { code: '401', means: 'set-up', advice: 'Store a new refresh token, and check the app.', source: examples },
  { code: '403', means: 'set-up', advice: user, source: examples },
  { code: '404', means: 'set-up', advice: 'Check baseUrl, adAccountId and the customer list.', source: examples },
  { code: '429', means: 'throttled', source: limits },
  { code: '500', means: 'transient', source: examples },
]);
