import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Why a request is refused, in words for who made it; undefined when it is not. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly message: string;
}

/** What the server knows itself as. */
export interface Place {
  readonly port: number;
  readonly token: string;
}

/**
 * The page comes from the one host that this server has, so that no other name that resolves to
 * this machine reaches it (DNS rebinding).
 */
export function refusalOfHost(headers: IncomingHttpHeaders, { port }: Pick<Place, 'port'>): Refusal | undefined {
  if (isOwnHost(headers.host, port)) return undefined;
  return { status: 403, message: `The console is reached as http://127.0.0.1:${port} alone. Open that address.` };
}

/**
 * Only the page itself asks for data. The token is no cookie, so that no other page's request
 * carries it; that a request comes from elsewhere is refused besides, for tokens can leak.
 */
export function refusalOfCaller(headers: IncomingHttpHeaders, { port, token }: Place): Refusal | undefined {
  const site = headers['sec-fetch-site'];
  const isOtherSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (isOtherSite || (headers.origin !== undefined && !isOwnOrigin(headers.origin, port))) {
    return { status: 403, message: 'Another page asked. Only the console itself may.' };
  }
  if (isToken(headers.authorization, token)) return undefined;
  return {
    status: 401,
    message: 'The token is missing, or of an earlier start. Open the address that the command printed when it started.',
  };
}

function isOwnHost(host: string | undefined, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}`;
}

function isOwnOrigin(origin: string, port: number): boolean {
  return origin.startsWith('http://') && isOwnHost(origin.slice('http://'.length), port);
}

/** In a time that says nothing about the token. */
function isToken(authorization: string | undefined, token: string): boolean {
  const given = Buffer.from(authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
