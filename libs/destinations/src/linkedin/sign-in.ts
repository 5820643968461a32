import { headerTextOf, type SignIn, tokenRequest } from '@activation-hub/destination-kit';
import type { LinkedinSettings } from './settings.ts';

/**
 * Signs in by the refresh token of a member ("Refresh Tokens with OAuth 2.0"); an access token
 * lives 60 days.
 */
export function linkedinSignIn({ tokenUrl, clientId, clientSecret, refreshToken }: LinkedinSettings): SignIn {
  const fields = {
    grant_type: 'refresh_token',
    refresh_token: headerTextOf('refreshToken', refreshToken),
    client_id: clientId,
    client_secret: headerTextOf('clientSecret', clientSecret),
  };
  return {
    tokenRequest: () => tokenRequest(tokenUrl, fields),
    advice: 'Check the client id and secret, and let the member authorize the app again: a refresh token lives a year.',
  };
}
