import { documentedErrors } from '@activation-hub/destination-kit';
import { listedErrors } from './errors-listed.ts';

const codes = 'learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes';
const client = 'learn.microsoft.com/troubleshoot/power-platform/dataverse/user-permissions/client-errors';
const webApi =
  'learn.microsoft.com/troubleshoot/power-platform/dataverse/dataverse-web-api-and-sdk/web-api-client-errors';
const limits = 'learn.microsoft.com/power-apps/developer/data-platform/api-limits';

const statuses =
  'learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors, Identify status codes';

const privileges =
  'Give the application user a security role that may read lists and members, and read, create and write the records.';
const applicationUser = 'Make the application an application user of this environment, and enable it.';

/**
 * Errors of Dataverse, by their code: those with an explanation of our own, and the list. A code
 * that is in neither is judged by its status.
 */
export const dynamics365Errors = documentedErrors(
  [
    // Service protection: too many requests, too much time, too many at once.
    { code: '0x80072322', means: 'throttled', alsoOfOneRow: true, source: limits },
    { code: '0x80072321', means: 'throttled', alsoOfOneRow: true, source: limits },
    { code: '0x80072326', means: 'throttled', alsoOfOneRow: true, source: limits },
    { code: '0x80040220', means: 'set-up', advice: privileges, source: client },
    // The role has the privilege, but not for this record, which another business unit may own.
    { code: '0x80048306', means: 'set-up', alsoOfOneRow: true, advice: privileges, source: client },
    { code: '0x80048405', means: 'set-up', alsoOfOneRow: true, advice: privileges, source: codes },
    { code: '0x80072560', means: 'set-up', advice: applicationUser, source: codes },
    { code: '0x80040225', means: 'set-up', advice: applicationUser, source: codes },
    { code: '0x80072559', means: 'set-up', advice: 'Check the application in Microsoft Entra ID.', source: codes },
    { code: '0x8005f101', means: 'set-up', advice: 'Check the application in Microsoft Entra ID.', source: codes },
    // Not of a record: the environment has no such action or table, so that "not there" would be no
    // answer.
    {
      code: '0x8006088a',
      means: 'set-up',
      advice: 'The environment lacks an action or a table: install the app that brings it, or set removalStrategy.',
      source: webApi,
    },
    {
      code: '0x80060888',
      means: 'set-up',
      alsoOfOneRow: true,
      advice: 'Check the columns of identifiers: one of them is not there.',
      source: `${webApi}, Could not find a property named`,
    },
    // Another worker made the record a moment ago.
    { code: '0x80060892', means: 'retry', source: codes },
    { code: '0x80040217', means: 'not-found', source: client },
    { code: '0x80060891', means: 'not-found', source: codes },
    // A column that is not there, and also one value that does not fit its column.
    { code: '0x80048d19', means: 'rejected', source: webApi },
    { code: '0x80044331', means: 'rejected', source: codes },
    { code: '0x8004431a', means: 'rejected', source: codes },
    { code: '0x80040237', means: 'rejected', source: client },
    { code: '0x80040333', means: 'rejected', source: codes },
    { code: '304', means: 'set-up', advice: 'Look for a cache between here and Dataverse.', source: statuses },
    { code: '400', means: 'rejected', source: statuses },
    { code: '401', means: 'set-up', advice: 'Check the application in Microsoft Entra ID.', source: statuses },
    { code: '403', means: 'set-up', advice: privileges, source: statuses },
    { code: '404', means: 'not-found', source: statuses },
    {
      code: '405',
      means: 'set-up',
      advice: 'The environment takes no such request: check its version.',
      source: statuses,
    },
    { code: '412', means: 'rejected', source: statuses },
    { code: '413', means: 'rejected', source: statuses },
    { code: '429', means: 'throttled', source: limits },
    {
      code: '501',
      means: 'set-up',
      advice: 'The environment takes no such request: check its version.',
      source: statuses,
    },
    { code: '503', means: 'retry', source: statuses },
  ],
  listedErrors,
);
