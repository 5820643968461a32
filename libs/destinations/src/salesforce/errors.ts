import { documentedErrors } from '@activation-hub/destination-kit';
import { listedErrors } from './errors-listed.ts';

const rest = 'developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm';
const statusCode =
  'developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm, StatusCode';
const exceptionCode =
  'developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm, ExceptionCode';
const rollback =
  'developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm';

const api = 'Let the edition and the profile of the run-as user use the API.';
const permissions =
  'Give the run-as user the permission to create and edit campaign members and persons, and the fields that are mapped.';
const fields = 'Check the fields that are mapped and the permissions of the run-as user.';
const automation = 'Look for a trigger or a flow of the org that fails.';

/**
 * Errors of Salesforce, by `errorCode` of a whole request or by `statusCode` of one record: those
 * with an explanation of our own, and the list.
 */
export const salesforceErrors = documentedErrors(
  [
    { code: 'INVALID_SESSION_ID', means: 'set-up', advice: 'Check the external client app.', source: rest },
    { code: 'API_DISABLED_FOR_ORG', means: 'set-up', advice: api, source: rest },
    { code: 'API_CURRENTLY_DISABLED', means: 'set-up', advice: api, source: statusCode },
    { code: 'FUNCTIONALITY_NOT_ENABLED', means: 'set-up', advice: api, source: statusCode },
    { code: 'INSUFFICIENT_ACCESS', means: 'set-up', advice: permissions, source: rest },
    { code: 'INVALID_FIELD', means: 'set-up', advice: fields, source: rest },
    { code: 'INVALID_TYPE', means: 'set-up', advice: permissions, source: rest },
    { code: 'INVALID_TYPE_FOR_OPERATION', means: 'set-up', advice: permissions, source: statusCode },
    {
      code: 'STORAGE_LIMIT_EXCEEDED',
      means: 'set-up',
      advice: 'The data storage of the org is used up: make room, or buy some.',
      source: statusCode,
    },
    { code: 'LICENSE_LIMIT_EXCEEDED', means: 'set-up', advice: 'Buy licences, or free some.', source: statusCode },
    { code: 'ORG_LOCKED', means: 'set-up', advice: 'Ask Salesforce why the org is locked.', source: exceptionCode },
    { code: 'TRIAL_EXPIRED', means: 'set-up', advice: 'The trial of the org is over.', source: exceptionCode },
    {
      code: 'INVALID_OPERATION_WITH_EXPIRED_PASSWORD',
      means: 'set-up',
      advice: 'Let the password of the run-as user not expire.',
      source: exceptionCode,
    },
    {
      code: 'UNSUPPORTED_API_VERSION',
      means: 'set-up',
      advice: 'Write an apiVersion that the org serves.',
      source: exceptionCode,
    },
    { code: 'REQUEST_LIMIT_EXCEEDED', means: 'throttled', source: rest },
    // These are errors of the object or the org, and also of one record with other sharing or a
    // lock.
    {
      code: 'INSUFFICIENT_ACCESS_OR_READONLY',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: permissions,
      source: statusCode,
    },
    {
      code: 'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: permissions,
      source: statusCode,
    },
    {
      code: 'INVALID_FIELD_FOR_INSERT_UPDATE',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: fields,
      source: statusCode,
    },
    {
      code: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: automation,
      source: statusCode,
    },
    {
      code: 'CANNOT_EXECUTE_FLOW_TRIGGER',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: automation,
      source: statusCode,
    },
    {
      code: 'INACTIVE_OWNER_OR_USER',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: 'Give the records another owner.',
      source: statusCode,
    },
    {
      code: 'LIMIT_EXCEEDED',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: 'Look for the limit of the org.',
      source: statusCode,
    },
    {
      code: 'TXN_SECURITY_NO_ACCESS',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: 'Let the transaction security policies of the org allow this.',
      source: statusCode,
    },
    { code: 'UNKNOWN_EXCEPTION', means: 'retry', source: statusCode },
    { code: 'QUERY_TIMEOUT', means: 'retry', source: exceptionCode },
    { code: 'TOO_MANY_APEX_REQUESTS', means: 'retry', source: statusCode },
    // By an approval, which ends.
    { code: 'ENTITY_IS_LOCKED', means: 'retry', source: statusCode },
    { code: 'SERVER_UNAVAILABLE', means: 'retry', source: statusCode },
    { code: 'UNABLE_TO_LOCK_ROW', means: 'retry', source: statusCode },
    { code: 'REQUEST_RUNNING_TOO_LONG', means: 'retry', source: statusCode },
    { code: 'ALL_OR_NONE_OPERATION_ROLLED_BACK', means: 'retry', source: rollback },
    { code: 'ENTITY_IS_DELETED', means: 'not-found', source: statusCode },
    { code: 'INVALID_CROSS_REFERENCE_KEY', means: 'not-found', source: statusCode },
    { code: 'NOT_FOUND', means: 'not-found', source: rest },
    { code: 'JSON_PARSER_ERROR', means: 'invalid', source: rest },
    { code: 'MALFORMED_QUERY', means: 'invalid', source: rest },
    // Of a campaign member it says that the person is one already.
    { code: 'DUPLICATE_VALUE', means: 'rejected', source: statusCode },
    { code: 'DUPLICATES_DETECTED', means: 'rejected', source: statusCode },
    { code: 'DUPLICATE_EXTERNAL_ID', means: 'rejected', source: statusCode },
    { code: 'REQUIRED_FIELD_MISSING', means: 'rejected', source: statusCode },
    { code: 'STRING_TOO_LONG', means: 'rejected', source: statusCode },
    { code: 'INVALID_EMAIL_ADDRESS', means: 'rejected', source: statusCode },
    { code: 'NUMBER_OUTSIDE_VALID_RANGE', means: 'rejected', source: statusCode },
    { code: 'FIELD_INTEGRITY_EXCEPTION', means: 'rejected', source: statusCode },
    { code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', means: 'rejected', source: statusCode },
    { code: 'FIELD_FILTER_VALIDATION_EXCEPTION', means: 'rejected', source: statusCode },
    { code: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', means: 'rejected', source: statusCode },
    { code: 'MALFORMED_ID', means: 'rejected', source: statusCode },
    { code: 'INVALID_STATUS', means: 'rejected', source: statusCode },
    { code: 'INVALID_CROSS_REFERENCE_TYPE_FOR_FIELD', means: 'rejected', source: statusCode },
    { code: 'CANNOT_UPDATE_CONVERTED_LEAD', means: 'rejected', source: statusCode },
  ],
  listedErrors,
);
