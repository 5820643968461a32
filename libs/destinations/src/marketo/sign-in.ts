import { type HttpSender, withClientCredentials } from '@activation-hub/destination-kit';
import { marketoAnswers } from './response.ts';
import type { MarketoSettings } from './settings.ts';

/**
 * A token that Marketo does not take any more: the request was not carried out (601 and 602 of its
 * page of error codes).
 */
const ofToken = new Set(['601', '602']);

/**
 * Signs requests as the custom service. Marketo answers 200 where a token has ended early, and says
 * so in the body: that is made a 401, at which the token is renewed and the request repeated, once.
 */
export function signedIn(http: HttpSender, settings: MarketoSettings, now: () => number): HttpSender {
  const saying401: HttpSender = {
    send: async (request, signal) => {
      const response = await http.send(request, signal);
      return marketoAnswers.codesOf(response).some((code) => ofToken.has(code))
        ? { ...response, status: 401 }
        : response;
    },
  };
  const tokenUrl = `${new URL(settings.baseUrl).origin}/identity/oauth/token`;
  return withClientCredentials(saying401, { ...settings, tokenUrl }, now);
}
