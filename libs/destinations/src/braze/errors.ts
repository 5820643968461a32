import { documentedErrors } from '@activation-hub/destination-kit';

const errors = 'braze.com/docs/api/errors';
const track = 'braze.com/docs/api/endpoints/user_data/post_user_track';

/** Errors of Braze: it documents statuses for a whole request, and words for one user. */
export const brazeErrors = documentedErrors([
  { code: '400', means: 'invalid', source: errors },
  {
    code: '401',
    means: 'set-up',
    advice: 'Check the key, that it has the permission users.track, and that restUrl is that of its own cluster.',
    source: errors,
  },
  {
    code: '403',
    means: 'set-up',
    advice: 'Ask Braze whether the plan supports this and the account is active.',
    source: errors,
  },
  { code: '404', means: 'set-up', advice: 'Check the key and restUrl.', source: errors },
  { code: '429', means: 'throttled', source: errors },
  { code: '500', means: 'transient', source: errors },
  { code: '502', means: 'transient', source: errors },
  { code: '503', means: 'transient', source: errors },
  { code: '504', means: 'transient', source: errors },
  { code: 'provided external_id is blacklisted and disallowed', means: 'rejected', source: track },
]);
