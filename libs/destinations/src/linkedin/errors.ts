import { documentedErrors, httpErrors } from '@activation-hub/destination-kit';

const shared = 'learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling';
const others = 'github.com/segmentio/action-destinations, linkedin-audiences/updateAudience/functions.ts';
const marketing = 'learn.microsoft.com/en-us/linkedin/marketing/error-responses';

/**
 * Errors of LinkedIn by their status, of a whole answer or of one element. Its list of constant
 * codes is of ad accounts and campaigns alone ("Error responses"), and its sub-codes
 * (`serviceErrorCode`) are in no list.
 */
export const linkedinErrors = documentedErrors(
  // Of a segment that was made a moment ago. Whether it is gone, the look-up says.
  [{ code: '404', means: 'transient', source: others }],
  [
    ...httpErrors(shared, '400 429 500 504', {
      401: 'Let the member authorize the app again, and store the new refresh token: it lives a year.',
      403: 'The app needs rw_dmp_segments, and its member a role in the ad account that is more than VIEWER.',
      405: 'Check baseUrl.',
      411: 'Check the proxy on the way.',
    }),
    ...httpErrors(marketing, '', { 426: 'The version has ended: write a newer apiVersion.' }),
  ],
);
