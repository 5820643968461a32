import { documentedErrors, httpErrors } from '@activation-hub/destination-kit';

const batch = 'docs.customer.io/integrations/api/track, POST /api/v2/batch';

/**
 * Errors of the Track API. Customer.io documents its statuses; of the reasons that it gives for one
 * person of a batch (207) it publishes no list, so each is a refusal of that person.
 */
export const customerIoErrors = documentedErrors(
  [{ code: '207', means: 'invalid', advice: 'Customer.io refuses some of the persons.', source: batch }],
  [
    ...httpErrors(batch, '400', {
      401: 'Check siteId and the key of the Track API, and that baseUrl is that of the region of the account.',
    }),
    ...httpErrors('docs.customer.io/integrations/api/customerio-apis', '409 413 422 429 500', {
      403: 'Ask Customer.io what the plan of the account allows.',
      404: 'Check baseUrl.',
    }),
  ],
);
