import { documentedErrors } from '@activation-hub/destination-kit';

const guide = 'developer.salesforce.com/docs/marketing/marketing-cloud/guide';
const faults = `${guide}/soap_faults.html`;
const general = 'developer.salesforce.com/docs/atlas.en-us.mc-apis.meta/mc-apis/0_99.htm';
const custom = `${guide}/70000_70999_custom_object.html`;
const extension = `${guide}/310000_310099_dataextension_object.html`;

const key = 'Check the external key of the data extension, and that it is in the business unit of accountId.';
const fault =
  'Give the integration the permission to read and write data extensions, and let the account have the SOAP API.';

const name = 'Name a data extension.';

/**
 * Errors of the SOAP API: by the kind of a fault, which is of a whole request, and by the
 * `ErrorCode` of one row. What a row that is not there is answered with, no page says: the row is
 * looked for after any of these.
 */
export const marketingCloudErrors = documentedErrors(
  [],
  [
    { means: 'set-up', advice: 'Check clientId, clientSecret and accountId.', source: faults, codes: 'Security' },
    { means: 'set-up', advice: fault, source: faults, codes: 'Client 11' },
    { means: 'transient', source: faults, codes: 'Server' },
    { means: 'rejected', source: general, codes: '1 6' },
    { means: 'retry', source: general, codes: '2 3' },
    { means: 'set-up', advice: key, source: general, codes: '4' },
    { means: 'set-up', advice: name, source: general, codes: '5 8' },
    { means: 'transient', source: general, codes: '9' },
    { means: 'rejected', source: custom, codes: '70000 70001 70002 70004 71002 71003 71004 71005' },
    { means: 'set-up', advice: key, source: custom, codes: '70003' },
    { means: 'retry', source: custom, codes: '71000 71001 71006' },
    { means: 'set-up', advice: key, source: extension, codes: '310001 310002 310004' },
    { means: 'rejected', source: extension, codes: '310003 310005 310006 310007' },
  ],
);
