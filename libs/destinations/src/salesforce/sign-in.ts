import {
  assertionKey,
  type HttpRequest,
  type HttpSender,
  signedAssertion,
  tokenRequest,
  withClientCredentials,
  withSignIn,
} from '@activation-hub/destination-kit';
import type { SalesforceSettings } from './settings.ts';

/** How long an assertion lives, in seconds; Salesforce takes up to three minutes. */
const lifetimeSeconds = 180;

/**
 * Signs requests as the run-as user of the app (client credentials), or as a user whom the app may
 * act for by an assertion that it signs: "OAuth 2.0 JWT Bearer Flow for Server-to-Server
 * Integration", help.salesforce.com. Throws `DestinationError` of class `set-up` when a secret
 * cannot be used.
 */
export function signedIn(http: HttpSender, settings: SalesforceSettings, now: () => number): HttpSender {
  const { clientId, clientSecret, jwtBearer } = settings;
  const tokenUrl = `${new URL(settings.myDomainUrl).origin}/services/oauth2/token`;
  if (clientSecret !== undefined) return withClientCredentials(http, { tokenUrl, clientId, clientSecret }, now);
  const { username = '', audience = '', privateKey = '' } = jwtBearer ?? {};
  const key = assertionKey('jwtBearer.privateKey', privateKey, 'the private key of the app, RSA, in PEM');
  const request = (): HttpRequest => {
    const claims = { iss: clientId, sub: username, aud: audience, exp: Math.floor(now() / 1_000) + lifetimeSeconds };
    return tokenRequest(tokenUrl, {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: signedAssertion(key, 'RS256', {}, claims),
    });
  };
  const advice = 'Check the user, that the app is approved for this user, its certificate, and the audience.';
  return withSignIn(http, { tokenRequest: request, advice }, now);
}
