import { headerTextOf, type HttpSender, jsonRequest, withSignIn } from '@activation-hub/destination-kit';
import { noToken } from './request.ts';
import { faultIn } from './response.ts';
import type { MarketingCloudSettings } from './settings.ts';

/**
 * Signs requests in as the integration ("Access Token for Server-to-Server Integrations"); a token
 * lives 20 minutes. SOAP wants it in the envelope, and answers a token that has expired with a
 * fault: outside of this, both look like HTTP.
 */
export function withToken(http: HttpSender, settings: MarketingCloudSettings, now: () => number): HttpSender {
  const { authUrl, clientId, clientSecret, accountId, timeoutMs } = settings;
  const fields = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: headerTextOf('clientSecret', clientSecret),
    ...(accountId === undefined ? {} : { account_id: accountId }),
  };
  const soap: HttpSender = {
    send: async ({ headers: { authorization, ...headers }, body, ...request }, signal) => {
      const token = authorization?.replace('Bearer ', '');
      const signed = token === undefined ? body : body?.replace(noToken, () => noToken.replace('><', `>${token}<`));
      const response = await http.send(
        { ...request, headers, ...(signed === undefined ? {} : { body: signed }) },
        signal,
      );
      return faultIn(response) === 'Security' ? { ...response, status: 401 } : response;
    },
  };
  const tokenRequest = () => jsonRequest('POST', `${authUrl.replace(/\/+$/, '')}/v2/token`, timeoutMs, fields);
  const advice = 'Check the client id, its secret, accountId and the Authentication Base URI.';
  return withSignIn(soap, { tokenRequest, advice }, now);
}
