import type { HttpRequest } from './http-message.ts';

/** A request that sends JSON, or nothing, and wants JSON. */
export function jsonRequest(
  method: HttpRequest['method'],
  url: string,
  timeoutMs: number,
  body?: unknown,
): HttpRequest {
  if (body === undefined) return { method, url, headers: { accept: 'application/json' }, timeoutMs };
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  return { method, url, headers, body: JSON.stringify(body), timeoutMs };
}

/** A configured URL to which a path is added: without the slashes at its end. */
export const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

/**
 * What a request asks for in its URL: no secret, and nothing of a person; `undefined` is left out.
 */
type Query = Readonly<Record<string, string | undefined>>;

/** Describes a request below a root, as `jsonRequest` does. */
export type DescribeRequest = (
  method: HttpRequest['method'],
  path: string,
  more?: { readonly query?: Query; readonly body?: unknown; readonly headers?: HttpRequest['headers'] },
) => HttpRequest;

/** Describes the JSON requests of a vendor: below `baseUrl` and `root`, each with these headers. */
export function jsonRequests(
  { baseUrl, timeoutMs }: { readonly baseUrl: string; readonly timeoutMs: number },
  root = '',
  headers: HttpRequest['headers'] = {},
): DescribeRequest {
  return (method, path, { query = {}, body, headers: more } = {}) => {
    const asked = Object.entries(query).filter((each): each is [string, string] => each[1] !== undefined);
    const search = asked.length === 0 ? '' : `?${new URLSearchParams(asked).toString()}`;
    const described = jsonRequest(method, `${withoutSlash(baseUrl)}${root}${path}${search}`, timeoutMs, body);
    return { ...described, headers: { ...described.headers, ...headers, ...more } };
  };
}
