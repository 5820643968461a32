import { documentedErrors } from '@activation-hub/destination-kit';

const handling = 'developers.hubspot.com/docs/api-reference/latest/error-handling';
const usage = 'developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines';
const properties = 'developers.hubspot.com/docs/api-reference/latest/error-handling, errors[].code';
const community = 'community.hubspot.com, Property values were not valid';

const token = 'Make a new access token, or a service key, and store it.';
const certificate = 'The certificate of HubSpot is refused: ask its support.';
const mapped = 'Map the attribute to a property of contacts that is there and may be written.';

/**
 * Errors of HubSpot: by category, by the code of what is wrong with a property, and by status.
 * HubSpot documents its statuses, and that most of its API has no codes: those are what its
 * documents, its community and clients of others show. A code that is not here is judged by its
 * status.
 */
export const hubspotErrors = documentedErrors([
  { code: 'INVALID_AUTHENTICATION', means: 'set-up', advice: token, source: handling },
  { code: 'EXPIRED_AUTHENTICATION', means: 'set-up', advice: token, source: handling },
  {
    code: 'MISSING_SCOPES',
    means: 'set-up',
    advice: 'Give the token crm.lists.read, crm.lists.write, crm.objects.contacts.read and crm.objects.contacts.write.',
    source: handling,
  },
  { code: 'BANNED', means: 'set-up', advice: 'Ask HubSpot why the app is banned.', source: handling },
  { code: 'RATE_LIMITS', means: 'throttled', source: usage },
  { code: 'RATE_LIMIT', means: 'throttled', source: usage },
  { code: 'PROPERTY_DOESNT_EXIST', means: 'set-up', advice: mapped, source: properties },
  { code: 'READ_ONLY_VALUE', means: 'set-up', advice: mapped, source: community },
  {
    code: 'CONFLICT',
    means: 'invalid',
    advice: 'Another contact has an identifier of this one: merge the two in HubSpot.',
    source: 'github.com/airbytehq/airbyte/pull/76340; github.com/HubSpot/hubspot-api-python/issues/51',
  },
  { code: 'VALIDATION_ERROR', means: 'rejected', source: handling },
  { code: 'INVALID_EMAIL', means: 'rejected', source: community },
  { code: 'INVALID_OPTION', means: 'rejected', source: community },
  { code: 'INVALID_INTEGER', means: 'rejected', source: properties },
  { code: 'INVALID_DATE', means: 'rejected', source: community },
  { code: 'OBJECT_NOT_FOUND', means: 'not-found', source: handling },
  { code: '401', means: 'set-up', advice: token, source: handling },
  {
    code: '403',
    means: 'set-up',
    advice: 'Give the token crm.lists.read, crm.lists.write, crm.objects.contacts.read and crm.objects.contacts.write.',
    source: handling,
  },
  {
    code: '414',
    means: 'invalid',
    advice: 'The URL is too long, or a contact has more than 250 identities: merge fewer.',
    source: handling,
  },
  { code: '423', means: 'transient', source: handling },
  { code: '429', means: 'throttled', source: usage },
  { code: '477', means: 'transient', source: handling },
  { code: '502', means: 'transient', source: handling },
  { code: '503', means: 'transient', source: handling },
  { code: '504', means: 'transient', source: handling },
  { code: '521', means: 'transient', source: handling },
  { code: '522', means: 'transient', source: handling },
  { code: '523', means: 'transient', source: handling },
  { code: '524', means: 'transient', source: handling },
  { code: '525', means: 'set-up', advice: certificate, source: handling },
  { code: '526', means: 'set-up', advice: certificate, source: handling },
]);
