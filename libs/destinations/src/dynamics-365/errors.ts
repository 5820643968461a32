import { documentedErrors } from '@activation-hub/destination-kit';

const codes = 'learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes';
const client = 'learn.microsoft.com/troubleshoot/power-platform/dataverse/user-permissions/client-errors';
const limits = 'learn.microsoft.com/power-apps/developer/data-platform/api-limits';

const privileges =
  'Give the application user a security role that may read lists and members, and read, create and write the records.';
const applicationUser = 'Make the application an application user of this environment, and enable it.';

/** Errors of Dataverse, by their code. */
export const dynamics365Errors = documentedErrors([
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
  // Another worker made the record a moment ago.
  { code: '0x80060892', means: 'retry', source: codes },
  { code: '0x80040217', means: 'not-found', source: client },
  { code: '0x80040237', means: 'rejected', source: client },
  { code: '0x80040333', means: 'rejected', source: codes },
]);
