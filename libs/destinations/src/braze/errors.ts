import { documentedErrors } from '@activation-hub/destination-kit';

const errors = 'braze.com/docs/api/errors';
const track = 'braze.com/docs/api/endpoints/user_data/post_user_track';

const ofRow = `${track}, endpoint-specific errors`;

const group = 'Map no attribute to subscription_groups.';
const unused = 'Look into the workspace: no request of this connector is about that.';

/**
 * Errors of Braze: it documents statuses for a whole request, some with a message of their own, and
 * words for one user.
 */
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
  // Of one row, in `errors`. Those of a group are of the options of a route, whose rows they hold.
  { code: 'provided external_id is blacklisted and disallowed', means: 'rejected', source: track },
  { code: 'BLACKLISTED_EXTERNAL_USER_ID', means: 'rejected', source: ofRow },
  { code: 'EXTERNAL_USER_ID_TOO_LARGE', means: 'rejected', source: ofRow },
  { code: 'EMAIL_BAD_FORMAT', means: 'rejected', source: ofRow },
  { code: 'BAD_EMAIL_SUBSCRIPTION_STATE', means: 'rejected', source: ofRow },
  { code: 'BAD_PUSH_SUBSCRIPTION_STATE', means: 'rejected', source: ofRow },
  { code: 'BAD_LOCATION_UPDATE', means: 'rejected', source: ofRow },
  { code: 'BAD_DEVICE_ID', means: 'rejected', source: ofRow },
  { code: 'BAD_PUSH_TOKEN_APP_ID', means: 'rejected', source: ofRow },
  { code: 'BAD_PUSH_TOKEN_IMPORT', means: 'rejected', source: ofRow },
  { code: 'BAD_PUSH_TOKEN_STRING', means: 'rejected', source: ofRow },
  { code: 'BAD_PUSH_TOKEN_VALUE', means: 'rejected', source: ofRow },
  {
    code: 'BAD_SUBSCRIPTION_GROUP_ID',
    means: 'set-up',
    alsoOfOneRow: true,
    advice: 'Check subscriptionGroupId: it is the id of a subscription group of this workspace.',
    source: ofRow,
  },
  { code: 'BAD_SUBSCRIPTION_GROUP_ARRAY', means: 'set-up', alsoOfOneRow: true, advice: group, source: ofRow },
  { code: 'BAD_SUBSCRIPTION_GROUP_HASH', means: 'set-up', alsoOfOneRow: true, advice: group, source: ofRow },
  { code: 'BAD_SUBSCRIPTION_GROUP_STATE', means: 'set-up', alsoOfOneRow: true, advice: group, source: ofRow },
  {
    code: 'INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO',
    means: 'set-up',
    alsoOfOneRow: true,
    advice: 'Map no attribute to email_subscription_info.',
    source: ofRow,
  },
]);
