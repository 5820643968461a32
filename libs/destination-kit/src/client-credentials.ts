import { reading } from './reading.ts';
import { headerTextOf, type HttpSender } from './authorized.ts';
import { errorForResponse } from './error-for-response.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import type { Secret } from './secret.ts';
import { unlessAborted } from './unless-aborted.ts';
import { DestinationError, SignInError } from './verdict.ts';

/** How an application signs in for itself: OAuth 2.0, RFC 6749 section 4.4. */
export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly scope?: string;
}

/** How long before its expiry a token is renewed, so that none expires on its way. */
const renewBeforeMs = 60_000;

/**
 * The error codes of RFC 6749, section 5.2, and those of Microsoft Entra that say the same: fit to
 * be shown.
 */
const errorCodes =
  /^(invalid_request|invalid_client|invalid_grant|unauthorized_client|unsupported_grant_type|invalid_scope|invalid_resource)$/;

interface Token {
  readonly value: string;
  /** When a new one is due, in epoch milliseconds; `Infinity` when the answer gave no lifetime. */
  readonly renewAtMs: number;
}

/** How the client requests a token, by whatever grant of OAuth 2.0. */
export interface SignIn {
  /** Describes the request to the token endpoint, which answers as RFC 6749, section 5.1, says. */
  readonly tokenRequest: () => HttpRequest;
  /** A sentence on what to check when the credentials are refused. */
  readonly advice: string;
}

/**
 * Signs requests as an application that has an id and a secret, as `withSignIn` does. Throws
 * `DestinationError` of class `set-up` when the secret is not plain ASCII on one line.
 */
export function withClientCredentials(http: HttpSender, credentials: ClientCredentials, now: () => number): HttpSender {
  headerTextOf('clientSecret', credentials.clientSecret);
  const advice = 'Check the client id, its secret, its expiry and the token URL.';
  const { tokenUrl, clientId, clientSecret, scope } = credentials;
  const request = (): HttpRequest =>
    tokenRequest(tokenUrl, {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      ...(scope === undefined ? {} : { scope }),
    });
  return withSignIn(http, { tokenRequest: request, advice }, now);
}

/**
 * Signs each request with a token that all share. The client requests one token per expiry, however
 * many requests wait for it. When a request is answered 401, a new token is asked for once and the
 * request is repeated once; a 401 means that it was not taken, so that does no harm. The second
 * answer is given whatever it is.
 *
 * Throws what `http.send` throws; a failure to sign in comes without `doubt`, and as `set-up` when
 * the credentials are refused. A caller that stops waiting does not stop the sign-in, for others
 * may wait for it.
 */
export function withSignIn(http: HttpSender, signIn: SignIn, now: () => number): HttpSender {
  let held: Token | undefined;
  let pending: Promise<Token> | undefined;

  const renew = async (): Promise<Token> => {
    const askedAtMs = now();
    // Its own bound is the client's timeout; the signal of one request must not stop it for the
    // others.
    const response = await http.send(signIn.tokenRequest(), new AbortController().signal);
    held = readToken(response, signIn, askedAtMs, now());
    return held;
  };
  const tokenOtherThan = (refused: Token | undefined, signal: AbortSignal): Promise<Token> => {
    if (held !== undefined && held !== refused && now() < held.renewAtMs) return Promise.resolve(held);
    return unlessAborted(() => {
      pending ??= reading(renew()).finally(() => {
        pending = undefined;
      });
      return pending;
    }, signal);
  };

  return {
    send: async (request, signal) => {
      const token = await tokenOtherThan(undefined, signal);
      const response = await http.send(signed(request, token), signal);
      if (response.status !== 401) return response;
      return await http.send(signed(request, await tokenOtherThan(token, signal)), signal);
    },
  };
}

function signed(request: HttpRequest, { value }: Token): HttpRequest {
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${value}` } };
}

/** A request to a token endpoint (RFC 6749, section 3.2): its fields as a form, in the body. */
export function tokenRequest(tokenUrl: string, fields: Readonly<Record<string, string>>): HttpRequest {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  return { method: 'POST', url: tokenUrl, headers, body: new URLSearchParams(fields).toString() };
}

function readToken(response: HttpResponse, signIn: SignIn, askedAtMs: number, nowMs: number): Token {
  const answer = parseObject(response.body);
  if (response.status !== 200) throw signInError(response, answer, signIn, nowMs);
  const { access_token: value, expires_in: lifetime } = answer;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new DestinationError('transient', 'Failed to sign in: the answer holds no token. Check the token URL.');
  }
  const lifetimeMs = Number(lifetime ?? Number.NaN) * 1000;
  if (!(lifetimeMs > 0)) return { value, renewAtMs: Infinity };
  return { value, renewAtMs: askedAtMs + lifetimeMs - Math.min(renewBeforeMs, lifetimeMs / 2) };
}

function signInError(
  response: HttpResponse,
  answer: Record<string, unknown>,
  signIn: SignIn,
  nowMs: number,
): DestinationError {
  const { class: judged, notBeforeMs } = errorForResponse(response, nowMs);
  // OAuth answers 400 to wrong credentials; no other request of ours can be at fault here.
  const errorClass = judged === 'invalid' || judged === 'fatal' ? 'set-up' : judged;
  const code = typeof answer.error === 'string' && errorCodes.test(answer.error) ? ` (${answer.error})` : '';
  const advice = errorClass === 'set-up' ? signIn.advice : 'It is tried again.';
  const message = `Failed to sign in: the token endpoint answered ${response.status}${code}. ${advice}`;
  return new SignInError(errorClass, message, notBeforeMs === undefined ? {} : { notBeforeMs });
}

function parseObject(body: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    // Gateways answer with HTML; the status then says all that can be said.
    return {};
  }
}
