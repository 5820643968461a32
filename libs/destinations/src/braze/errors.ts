import { documentedErrors } from '@activation-hub/destination-kit';

const errors = 'braze.com/docs/api/errors';
const track = 'braze.com/docs/api/endpoints/user_data/post_user_track';

const unused = 'Look into the workspace: no request of this connector is about that.';

/** Errors of Braze: it documents statuses for a whole request, some with a message of their own, and words for one user. */
export const brazeErrors = documentedErrors([
  { code: '400', means: 'invalid', source: errors },
  { code: 'Max Input Length Exceeded', means: 'invalid', source: errors },
  {
    code: 'The max number of external_ids and aliases per request was exceeded',
    means: 'invalid',
    source: errors,
  },
  { code: 'The max number of ids per request was exceeded', means: 'invalid', source: errors },
  // Of messages, which this connector does not send.
  { code: 'No Recipients', means: 'set-up', advice: unused, source: errors },
  { code: 'Invalid Campaign ID', means: 'set-up', advice: unused, source: errors },
  { code: 'Message Variant Unspecified', means: 'set-up', advice: unused, source: errors },
  { code: 'Invalid Message Variant', means: 'set-up', advice: unused, source: errors },
  { code: 'Mismatched Message Type', means: 'set-up', advice: unused, source: errors },
  { code: 'Invalid Extra Push Payload', means: 'set-up', advice: unused, source: errors },
  { code: 'No message to send', means: 'set-up', advice: unused, source: errors },
  { code: 'Slideup Message Length Exceeded', means: 'set-up', advice: unused, source: errors },
  { code: 'Apple Push Length Exceeded', means: 'set-up', advice: unused, source: errors },
  { code: 'Android Push Length Exceeded', means: 'set-up', advice: unused, source: errors },
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
  { code: '5XX', means: 'transient', source: errors },
  { code: 'provided external_id is blacklisted and disallowed', means: 'rejected', source: track },
]);
