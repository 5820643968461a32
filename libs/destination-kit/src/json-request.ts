import type { HttpRequest } from './http.ts';

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
