import { documentedErrors, httpErrors, setUpErrors } from '@activation-hub/destination-kit';

const page = 'developers.pinterest.com/docs/reference/error-codes';
const examples = 'github.com/pinterest/api-description, v5/openapi.json 5.23.0, examples of answers';

const user =
  'Let the user of the refresh token use the audiences of the ad account, and the app the scopes ads:read and ads:write.';
const token = 'Store a new refresh token, and check the app.';
const list = 'Check the customer list of the options.';

/**
 * Errors of Pinterest: all that its page has of customer lists, and those of its description of the
 * API that any request may meet. An answer has a code and words; the code of some is the status.
 */
export const pinterestErrors = documentedErrors(
  [],
  [
    { means: 'invalid', source: page, codes: '2740 2741' },
    ...setUpErrors(page, { '1001 1018': list, 2742: 'Pinterest has changed how many lists a page has: report this.' }),
    { means: 'invalid', source: examples, codes: '1 4196' },
    { means: 'transient', source: examples, codes: '4197' },
    { means: 'throttled', source: examples, codes: '8' },
    ...setUpErrors(examples, {
      '2 1104': token,
      '3 29': user,
      '2625 2626': 'Pinterest has disapproved the account, or reviews it: look into the business hub.',
    }),
    ...httpErrors(examples, '400 500', {
      401: token,
      403: user,
      404: 'Check baseUrl, adAccountId and the customer list.',
    }),
    ...httpErrors('developers.pinterest.com/docs/reference/rate-limits', '429'),
  ],
);
