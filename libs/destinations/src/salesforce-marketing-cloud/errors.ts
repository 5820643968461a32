import { documentedErrors } from '@activation-hub/destination-kit';

const guide = 'developer.salesforce.com/docs/marketing/marketing-cloud/guide';
const faults = `${guide}/soap_faults.html`;
const general = 'developer.salesforce.com/docs/atlas.en-us.mc-apis.meta/mc-apis/0_99.htm';
const custom = `${guide}/70000_70999_custom_object.html`;
const extension = `${guide}/310000_310099_dataextension_object.html`;

const key = 'Check the external key of the data extension, and that it is in the business unit of accountId.';
const fault =
  'Give the integration the permission to read and write data extensions, and let the account have the SOAP API.';

/**
 * Errors of the SOAP API: by the kind of a fault, which is of a whole request, and by the
 * `ErrorCode` of one row. What a row that is not there is answered with, no page says: the row is
 * looked for after any of these.
 */
export const marketingCloudErrors = documentedErrors([
  { code: 'Security', means: 'set-up', advice: 'Check clientId, clientSecret and accountId.', source: faults },
  { code: 'Client', means: 'set-up', advice: fault, source: faults },
  { code: 'Server', means: 'transient', source: faults },
  { code: '1', means: 'rejected', source: general },
  { code: '2', means: 'retry', source: general },
  { code: '3', means: 'retry', source: general },
  { code: '4', means: 'set-up', advice: key, source: general },
  { code: '5', means: 'set-up', advice: 'Name a data extension.', source: general },
  { code: '6', means: 'rejected', source: general },
  { code: '8', means: 'set-up', advice: 'Name a data extension.', source: general },
  { code: '9', means: 'transient', source: general },
  { code: '11', means: 'set-up', advice: fault, source: faults },
  { code: '70000', means: 'rejected', source: custom },
  { code: '70001', means: 'rejected', source: custom },
  { code: '70002', means: 'rejected', source: custom },
  { code: '70003', means: 'set-up', advice: key, source: custom },
  { code: '70004', means: 'rejected', source: custom },
  { code: '71000', means: 'retry', source: custom },
  { code: '71001', means: 'retry', source: custom },
  { code: '71002', means: 'rejected', source: custom },
  { code: '71003', means: 'rejected', source: custom },
  { code: '71004', means: 'rejected', source: custom },
  { code: '71005', means: 'rejected', source: custom },
  { code: '71006', means: 'retry', source: custom },
  { code: '310001', means: 'set-up', advice: key, source: extension },
  { code: '310002', means: 'set-up', advice: key, source: extension },
  { code: '310003', means: 'rejected', source: extension },
  { code: '310004', means: 'set-up', advice: key, source: extension },
  { code: '310005', means: 'rejected', source: extension },
  { code: '310006', means: 'rejected', source: extension },
  { code: '310007', means: 'rejected', source: extension },
]);
