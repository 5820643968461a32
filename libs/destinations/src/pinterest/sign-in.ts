import { headerTextOf, type HttpSender, tokenRequest, withSignIn } from '@activation-hub/destination-kit';
import type { PinterestSettings } from './settings.ts';

/**
 * Signs requests as the user whose refresh token it is (oauth/token, grant `refresh_token`); an
 * access token lives for 30 days. Each answer has a new refresh token, which nothing here keeps:
 * the one of the settings is good for 60 days.
 */
export function signedIn(http: HttpSender, settings: PinterestSettings, now: () => number): HttpSender {
  const { appId, appSecret, refreshToken, baseUrl } = settings;
  const app = Buffer.from(`${appId}:${headerTextOf('appSecret', appSecret)}`).toString('base64');
  headerTextOf('refreshToken', refreshToken);
  const advice = 'Check appId and appSecret, and store a new refresh token: Pinterest ends one after 60 days.';
  const request = () => {
    const fields = { grant_type: 'refresh_token', refresh_token: refreshToken.reveal() };
    const asked = tokenRequest(`${baseUrl.replace(/\/+$/, '')}/oauth/token`, fields);
    return { ...asked, headers: { ...asked.headers, authorization: `Basic ${app}` } };
  };
  return withSignIn(http, { tokenRequest: request, advice }, now);
}
