import { z } from 'zod';
import { headerTextOf, type HttpSender } from './authorized.ts';
import { tokenRequest, withSignIn } from './client-credentials.ts';
import type { Secret } from './secret.ts';
import { storedSecret } from './settings-pieces.ts';

/** How an app acts for a user who has authorized it: OAuth 2.0, RFC 6749 section 6. */
export interface RefreshToken {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly refreshToken: Secret;
  /** The app says who it is in a header (RFC 6749, section 2.3.1), not in the form. */
  readonly isBasic?: true;
  /** A sentence on what to check when the credentials are refused. */
  readonly advice: string;
}

/**
 * Signs requests as the user whose refresh token it is, as `withSignIn` does. A refresh token that
 * an answer brings is not kept: that of the settings is used until it ends. Throws
 * `DestinationError` of class `set-up` when a secret is not plain ASCII on one line.
 */
export function withRefreshToken(http: HttpSender, of: RefreshToken, now: () => number): HttpSender {
  const { tokenUrl, clientId, isBasic = false, advice } = of;
  const client = { client_id: clientId, client_secret: headerTextOf('clientSecret', of.clientSecret) };
  const fields = { grant_type: 'refresh_token', refresh_token: headerTextOf('refreshToken', of.refreshToken) };
  const basic = Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64');
  const request = () => {
    const asked = tokenRequest(tokenUrl, isBasic ? fields : { ...fields, ...client });
    return isBasic ? { ...asked, headers: { ...asked.headers, authorization: `Basic ${basic}` } } : asked;
  };
  return withSignIn(http, { tokenRequest: request, advice }, now);
}

/** The settings of `withRefreshToken`: the app, and the user who has authorized it. */
export function refreshTokenSettings(
  vendor: string,
  app: {
    readonly description: string;
    readonly example: string;
    readonly secret: string;
    /** The id goes into a header, where the first colon ends it (RFC 7617, section 2). */
    readonly isBasic?: true;
  },
  user: string,
) {
  return {
    clientId: z
      .string()
      .regex(
        app.isBasic ? /^[\x21-\x39\x3b-\x7e]+$/ : /^[\x21-\x7e]+$/,
        'Write the id as the page of the app shows it.',
      )
      .meta({ description: app.description, examples: [app.example] }),
    clientSecret: storedSecret(`${vendor}-client-secret`, app.secret),
    refreshToken: storedSecret(`${vendor}-refresh-token`, user),
  };
}
