import { documentedErrors } from '@activation-hub/destination-kit';
import { listedErrors } from './errors-listed.ts';

const reasons = 'developers.google.com/data-manager/api/reference/rest/v1/ErrorReason';
const processing =
  'github.com/googleapis/googleapis, google/ads/datamanager/v1/processing_errors.proto, ProcessingErrorReason';
const statuses = 'github.com/googleapis/googleapis, google/rpc/code.proto';
const understand = 'developers.google.com/data-manager/api/devguides/concepts/understand-errors';

const list =
  'Check the id of the user list, that it is of the account, and that it takes what the options say (holds).';
const account = 'Check accountId, accountType, loginAccountId and loginAccountType.';
const permission =
  'Check that the service account is a user of the account or of the manager account, and that the API is enabled in its project.';
const defect = 'The request is not as the API wants it: report this as a defect of the connector.';

/**
 * Errors of the Data Manager API: by `google.rpc.Code`, by `ErrorReason`, and by
 * `ProcessingErrorReason` for what Google finds later. Both enumerations are open: a reason that is
 * not here is judged by the field that it names.
 */
export const googleErrors = documentedErrors(
  [
    { code: 'UNAUTHENTICATED', means: 'set-up', advice: permission, source: statuses },
    { code: 'PERMISSION_DENIED', means: 'set-up', advice: permission, source: statuses },
    { code: 'NOT_FOUND', means: 'set-up', advice: list, source: statuses },
    { code: 'FAILED_PRECONDITION', means: 'set-up', advice: account, source: statuses },
    {
      code: 'RESOURCE_EXHAUSTED',
      means: 'throttled',
      source: 'developers.google.com/data-manager/api/devguides/limits',
    },
    { code: 'UNAVAILABLE', means: 'transient', source: understand },
    { code: 'DEADLINE_EXCEEDED', means: 'transient', source: understand },
    { code: 'INTERNAL', means: 'transient', source: understand },
    { code: 'INTERNAL_ERROR', means: 'transient', source: reasons },
    { code: 'UNKNOWN', means: 'transient', source: understand },
    { code: 'ABORTED', means: 'transient', source: understand },
    { code: 'CANCELLED', means: 'transient', source: statuses },
    { code: 'INVALID_ARGUMENT', means: 'invalid', source: statuses },
    { code: 'SERVICE_DISABLED', means: 'set-up', advice: permission, source: understand },
    { code: 'INVALID_DESTINATION', means: 'set-up', advice: account, source: reasons },
    { code: 'INVALID_USER_LIST_ID', means: 'set-up', advice: list, source: reasons },
    { code: 'INVALID_USER_LIST_TYPE', means: 'set-up', advice: list, source: reasons },
    { code: 'USER_LIST_MUTATION_NOT_SUPPORTED', means: 'set-up', advice: list, source: reasons },
    { code: 'SENSITIVE_USER_LIST_IMMUTABLE', means: 'set-up', advice: list, source: reasons },
    { code: 'OWNERSHIP_REQUIRED_FOR_UPDATE', means: 'set-up', advice: list, source: reasons },
    { code: 'USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT', means: 'set-up', advice: list, source: reasons },
    { code: 'UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES', means: 'set-up', advice: list, source: reasons },
    { code: 'DISPLAY_NAME_ALREADY_USED', means: 'set-up', advice: 'Name that user list by its id.', source: reasons },
    {
      code: 'MEMBERSHIP_DURATION_TOO_LONG',
      means: 'set-up',
      advice: 'Write a shorter membershipDays; Google takes 540.',
      source: reasons,
    },
    { code: 'OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH', means: 'set-up', advice: account, source: reasons },
    { code: 'DESTINATION_ACCOUNT_TYPE_MISMATCH', means: 'set-up', advice: account, source: reasons },
    { code: 'MISMATCHED_ACCOUNT_TYPE', means: 'set-up', advice: account, source: reasons },
    { code: 'DATA_PARTNER_USER_LIST_MUTATE_NOT_ALLOWED', means: 'set-up', advice: account, source: reasons },
    {
      code: 'TERMS_AND_CONDITIONS_NOT_SIGNED',
      means: 'set-up',
      advice: 'Accept the terms of Customer Match in the account.',
      source: reasons,
    },
    {
      code: 'EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED',
      means: 'set-up',
      advice: 'Make the declaration on political advertising in the campaigns of the account.',
      source: reasons,
    },
    {
      code: 'NOT_ALLOWLISTED',
      means: 'set-up',
      advice: 'Ask Google to let the account use Customer Match.',
      source: reasons,
    },
    {
      code: 'ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA',
      means: 'set-up',
      advice: 'Ask Google to let the account use Customer Match.',
      source: reasons,
    },
    {
      code: 'DIFFERENT_LOGIN_ACCOUNTS_NOT_ALLOWED_FOR_DATA_PARTNER',
      means: 'set-up',
      advice: account,
      source: reasons,
    },
    { code: 'MULTIPLE_DATA_TYPES_NOT_ALLOWED', means: 'set-up', advice: defect, source: reasons },
    { code: 'TOO_MANY_DESTINATIONS', means: 'set-up', advice: defect, source: reasons },
    { code: 'DUPLICATE_DESTINATION_REFERENCE', means: 'set-up', advice: defect, source: reasons },
    { code: 'TOO_MANY_AUDIENCE_MEMBERS', means: 'invalid', source: reasons },
    { code: 'TOO_MANY_ELEMENTS', means: 'invalid', source: reasons },
    { code: 'TOO_MANY_USER_IDENTIFIERS', means: 'rejected', source: reasons },
    { code: 'INVALID_AUDIENCE_MEMBER', means: 'rejected', source: reasons },
    { code: 'NO_IDENTIFIERS_PROVIDED', means: 'rejected', source: reasons },
    { code: 'REQUIRED_FIELD_MISSING', means: 'rejected', source: reasons },
    { code: 'INVALID_FORMAT', means: 'rejected', source: reasons },
    { code: 'INVALID_HEX_ENCODING', means: 'rejected', source: reasons },
    { code: 'INVALID_BASE64_ENCODING', means: 'rejected', source: reasons },
    { code: 'INVALID_SHA256_FORMAT', means: 'rejected', source: reasons },
    { code: 'INVALID_POSTAL_CODE', means: 'rejected', source: reasons },
    { code: 'INVALID_COUNTRY_CODE', means: 'rejected', source: reasons },
    { code: 'INVALID_REGION_CODE', means: 'rejected', source: reasons },
    { code: 'INVALID_MOBILE_ID_FORMAT', means: 'rejected', source: reasons },
    { code: 'INVALID_NUMBER_FORMAT', means: 'rejected', source: reasons },
    { code: 'INVALID_ENUM_VALUE', means: 'rejected', source: reasons },
    { code: 'FIELD_VALUE_TOO_LONG', means: 'rejected', source: reasons },
    { code: 'FIELD_VALUE_TOO_SHORT', means: 'rejected', source: reasons },
    // Of a poll only: Google no longer knows the result of the request.
    { code: 'INVALID_REQUEST_ID', means: 'retry', source: reasons },
    // The options say the consent for all at once: a correction must send every member
    // again, and leave no dead letters.
    { code: 'PROCESSING_ERROR_REASON_DENIED_CONSENT', means: 'retry', source: processing },
    { code: 'PROCESSING_ERROR_REASON_NO_CONSENT', means: 'retry', source: processing },
    { code: 'PROCESSING_ERROR_REASON_UNKNOWN_CONSENT', means: 'retry', source: processing },
    { code: 'PROCESSING_ERROR_REASON_INTERNAL_ERROR', means: 'retry', source: processing },
    { code: 'PROCESSING_ERROR_REASON_INVALID_FORMAT', means: 'rejected', source: processing },
    { code: 'PROCESSING_ERROR_REASON_INVALID_MOBILE_ID_FORMAT', means: 'rejected', source: processing },
  ],
  listedErrors,
);
