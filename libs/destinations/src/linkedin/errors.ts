import { documentedErrors } from '@activation-hub/destination-kit';

const shared = 'learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling';
const others = 'github.com/segmentio/action-destinations, linkedin-audiences/updateAudience/functions.ts';
const marketing = 'learn.microsoft.com/en-us/linkedin/marketing/error-responses';

const signIn = 'Let the member authorize the app again, and store the new refresh token: it lives a year.';
const role = 'The app needs rw_dmp_segments, and its member a role in the ad account that is more than VIEWER.';

/**
 * Errors of LinkedIn by their status, of a whole answer or of one element. Its list of constant
 * codes is of ad accounts and campaigns alone ("Error responses"), and its sub-codes
 * (`serviceErrorCode`) are in no list.
 */
export const linkedinErrors = documentedErrors([
  { code: '400', means: 'invalid', source: shared },
  { code: '401', means: 'set-up', advice: signIn, source: shared },
  { code: '403', means: 'set-up', advice: role, source: shared },
  // Of a segment that was made a moment ago. Whether it is gone, the look-up says.
  { code: '404', means: 'transient', source: others },
  { code: '405', means: 'set-up', advice: 'Check baseUrl.', source: shared },
  { code: '411', means: 'set-up', advice: 'Check the proxy on the way.', source: shared },
  { code: '426', means: 'set-up', advice: 'The version has ended: write a newer apiVersion.', source: marketing },
  { code: '429', means: 'throttled', source: shared },
  { code: '500', means: 'transient', source: shared },
  { code: '504', means: 'transient', source: shared },
]);
