import { headerTextOf, type HttpSender, tokenRequest, withSignIn } from '@activation-hub/destination-kit';
import type { SnapchatSettings } from './settings.ts';

/**
 * Signs requests as the user whose refresh token it is ("Authentication"); an access token lives
 * for an hour at most.
 */
export function signedIn(http: HttpSender, settings: SnapchatSettings, now: () => number): HttpSender {
  const { clientId, clientSecret, refreshToken, signInUrl } = settings;
  headerTextOf('clientSecret', clientSecret);
  headerTextOf('refreshToken', refreshToken);
  const request = () =>
    tokenRequest(`${new URL(signInUrl).origin}/login/oauth2/access_token`, {
      grant_type: 'refresh_token',
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      refresh_token: refreshToken.reveal(),
    });
  const advice = 'Check clientId and clientSecret, and store a new refresh token of the user.';
  return withSignIn(http, { tokenRequest: request, advice }, now);
}
