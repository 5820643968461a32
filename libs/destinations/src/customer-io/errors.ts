import { documentedErrors } from '@activation-hub/destination-kit';

const batch = 'docs.customer.io/integrations/api/track, POST /api/v2/batch';
const general = 'docs.customer.io/integrations/api/customerio-apis';

/**
 * Errors of the Track API. Customer.io documents its statuses; of the reasons that it gives for one
 * person of a batch (207) it publishes no list, so each is a refusal of that person.
 */
export const customerIoErrors = documentedErrors([
  { code: '207', means: 'invalid', advice: 'Customer.io refuses some of the persons.', source: batch },
  { code: '400', means: 'invalid', source: batch },
  {
    code: '401',
    means: 'set-up',
    advice: 'Check siteId and the key of the Track API, and that baseUrl is that of the region of the account.',
    source: batch,
  },
  { code: '403', means: 'set-up', advice: 'Ask Customer.io what the plan of the account allows.', source: general },
  { code: '404', means: 'set-up', advice: 'Check baseUrl.', source: general },
  { code: '409', means: 'transient', source: general },
  { code: '413', means: 'invalid', source: general },
  { code: '422', means: 'invalid', source: general },
  { code: '429', means: 'throttled', source: general },
  { code: '500', means: 'transient', source: general },
]);
