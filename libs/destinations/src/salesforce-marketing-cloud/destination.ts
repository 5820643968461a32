import {
  afterPart,
  defineDestination,
  exitsOf,
  formField,
  formId,
  listConnector,
  plainProfile,
  refused,
  type Verdict,
  VendorApi,
} from '@activation-hub/destination-kit';
import { marketingCloudErrors } from './errors.ts';
import { dataExtensions } from './lists.ts';
import { marketingCloudRequests } from './request.ts';
import { marketingCloudAnswers, readKeys, readResults, type RowResult } from './response.ts';
import { marketingCloudOptions, marketingCloudSettings } from './settings.ts';
import { withToken } from './sign-in.ts';
import { marketingCloudTakes } from './takes.ts';

/**
 * Rows of data extensions of Marketing Cloud Engagement, one for each member. README.md says what
 * it does with each change.
 */
export const salesforceMarketingCloud = defineDestination({
  type: 'salesforce-marketing-cloud',
  title: 'Salesforce Marketing Cloud',
  description: 'Keeps rows of data extensions of Marketing Cloud Engagement, one for each member.',
  settings: marketingCloudSettings,
  options: marketingCloudOptions,
  // 50 objects in a synchronous request ("API Limits and Guidelines"). Of requests in a second no
  // number is published: the account is throttled when it does harm.
  limits: () => ({ batchCount: 50, batchBytes: 1024 * 1024, requestsPerSecond: 5, concurrency: 4 }),
  batchBy: 'route',
  identity: ({ namespace, value }) => {
    // XML 1.0 cannot hold them, and the key without them may be another row's.
    if (/[\ufffe\uffff]/.test(value)) return refused('a key has no noncharacters');
    if (namespace === 'email') return formField(plainProfile.email, value);
    const isKey = (key: string) => /^[^\p{Cc}\p{Cs}]{1,254}$/u.test(key);
    return formId(value, isKey, 'a key has at most 254 printable characters');
  },
  takes: marketingCloudTakes,
  comparison: {
    enters: 'is added or updated as a row of a data extension',
    leaves: 'the row is deleted; the contact stays',
    // developer.salesforce.com/docs/marketing/marketing-cloud/guide/dataextension.html names no end
    // of a row but the retention that the data extension itself sets.
    lasting: 'a data extension can have a retention policy of its own, which ends it sooner; else none is named',
    hashed: 'nothing',
    shownAfter: 'at once',
    erasure: 'the row is deleted; the contact stays',
    untried: 'what a row that is not there is answered with',
  },
  connect: (settings, { http, now }) => {
    http.check(settings.authUrl);
    http.check(settings.soapUrl);
    const api = new VendorApi(withToken(http, settings, now), marketingCloudAnswers, now);
    const requests = marketingCloudRequests(settings);
    const extensions = dataExtensions(api, requests);
    return listConnector(extensions, async ({ changes, options, isExit }, signal) => {
      const request = isExit ? requests.delete(changes, options) : requests.save(changes, options);
      const kind = isExit ? 'DeleteResponse' : 'UpdateResponse';
      const results = readResults(await api.send(request, signal), kind, changes.length);
      const failed = changes.filter((_change, place) => results.get(place)?.isTaken === false);
      // It may be gone, which no row is at fault for.
      if (failed.length === changes.length) await afterPart(extensions.getAnew(options, signal));
      const keys = failed.filter(({ kind: of }) => of !== 'entered').map(({ identity }) => identity.value);
      const look = async () => readKeys(await api.send(requests.findRows(options, keys), signal));
      const there = keys.length === 0 ? new Set() : await afterPart(look());
      const verdicts = changes.map(({ id, kind: of, identity }, place): Verdict => {
        const result = results.get(place);
        const isGone = result?.isTaken === false && of !== 'entered' && !there.has(identity.value.toLowerCase());
        if (!isGone) return judge(id, result);
        return { id, status: 'not-found', reason: 'the data extension has no such row' };
      });
      return isExit ? exitsOf(verdicts) : verdicts;
    });
  },
});

function judge(id: string, result: RowResult | undefined): Verdict {
  if (result === undefined) {
    return { id, status: 'retry', reason: 'the answer does not name this row', doubt: 'answered' };
  }
  const { isTaken, isInvalid, code } = result;
  if (isTaken) return { id, status: 'delivered' };
  const means = marketingCloudErrors.get(code)?.means;
  const said = /^\d{1,9}$/.test(code) ? `with the error ${code}` : 'without an error code';
  if (isInvalid) return { id, status: 'rejected', reason: `Marketing Cloud refuses a value of this row, ${said}` };
  if (means === 'rejected') return { id, status: 'rejected', reason: `Marketing Cloud refuses this row, ${said}` };
  return { id, status: 'retry', reason: `Marketing Cloud did not take this row, ${said}`, doubt: 'answered' };
}
