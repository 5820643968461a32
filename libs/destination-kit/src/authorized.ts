import type { HttpClient } from './http.ts';
import type { Secret } from './secret.ts';
import { DestinationError } from './verdict.ts';

/** What sends a request: the HTTP client, or what adds credentials on the way to it. */
export type HttpSender = Pick<HttpClient, 'send'>;

/** Adds the same headers to each request; they win over those that the request brings. */
export function withHeaders(http: HttpSender, headers: Readonly<Record<string, string>>): HttpSender {
  return {
    send: (request, signal) => http.send({ ...request, headers: { ...request.headers, ...headers } }, signal),
  };
}

/**
 * Adds `authorization: Bearer` with a token that does not change (an API key, a private app's
 * token). `setting` is the name of the setting that holds it. Throws what `headerTextOf` throws.
 */
export function withBearerToken(http: HttpSender, setting: string, token: Secret): HttpSender {
  return withHeaders(http, { authorization: `Bearer ${headerTextOf(setting, token)}` });
}

/**
 * Gives the value of a secret that goes into a header. Throws `DestinationError` of class `set-up`,
 * which names the setting, when it is not printable ASCII on one line: mostly a line end that was
 * stored with it.
 */
export function headerTextOf(setting: string, secret: Secret): string {
  const text = secret.reveal();
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw new DestinationError(
    'set-up',
    `Failed to read the setting ${setting}: its secret is not plain ASCII on one line. Store it without a line end.`,
  );
}
