import type { PipelinePolicy } from '@azure/core-rest-pipeline';

/** Something else than the store answered, and said that all is well. */
class NotTheStore extends Error {
  override readonly name = 'NotTheStore';
  readonly code = 'NotTheStore';
}

/**
 * Refuses a web page as the answer of a store. A proxy or a page to sign in at a network gives one
 * with status 200, and the SDK would read it as an empty answer: a ledger without rows.
 */
export const refuseWebPages: PipelinePolicy = {
  name: 'activationHubRefuseWebPages',
  async sendRequest(request, next) {
    const response = await next(request);
    const isPage = /^text\/html\b/i.test(response.headers.get('content-type') ?? '');
    if (isPage && response.status < 400) throw new NotTheStore('A web page came instead of an answer of the store.');
    return response;
  },
};
