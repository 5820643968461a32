import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpRoutes, type HttpMatch, type HttpRoutes } from './http-routes.ts';
import type { HttpCookie, HttpData, TypedData } from './rpc.ts';
import {
  errorText,
  settledOrAborted,
  triggerInput,
  type RegisteredFunction,
  type TriggerListener,
  type TriggerServices,
} from './trigger.ts';

/** Azure's limit of a request's body. */
const bodyBytesMax = 100 * 1024 * 1024;

export interface HttpListener extends TriggerListener {
  readonly port: number;
}

/**
 * Serves the HTTP functions on 127.0.0.1; port 0 picks a free one. No route: 404; no such method:
 * 405; the function throws: 500; it returns nothing: 204. No key is needed, whatever the
 * authLevel, as Core Tools does. Throws when the port is taken.
 */
export async function startHttpTrigger(
  functions: readonly RegisteredFunction[],
  services: TriggerServices,
  port: number,
): Promise<HttpListener> {
  const routes = httpRoutes(functions, services.hostJson.routePrefix);
  const running = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const run = answer(request, response, routes, services).catch((error: unknown) => {
      services.log({ level: 'warning', message: `Failed to answer an HTTP request: ${errorText(error)}.` });
      response.destroy();
    });
    running.add(run);
    void run.then(() => running.delete(run));
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    async stop(drain) {
      server.close();
      server.closeIdleConnections();
      await settledOrAborted(running, drain);
      server.closeAllConnections();
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    throw new Error(
      `Failed to listen on port ${port}: ${errorText(error)}. Choose another HTTP port, or 0 for a free one.`,
      { cause: error },
    );
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: HttpRoutes,
  services: TriggerServices,
): Promise<void> {
  const method = methodOf(request);
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`);
  const { found, otherMethods } = routes.match(method, url.pathname);
  if (!found) {
    if (otherMethods.length > 0) response.setHeader('allow', otherMethods.join(', '));
    end(response, otherMethods.length > 0 ? 405 : 404);
    return;
  }
  const body = await readBody(request);
  if (body === undefined) {
    end(response, 413);
    return;
  }
  const input = triggerInput(found.registered, requestData(request, url, found, body));
  const outcome = await services.invoke(found.registered, input);
  if (outcome.failed) {
    end(response, 500);
    return;
  }
  respond(response, outcome.returnValue?.http);
}

const methodOf = ({ method = 'GET' }: IncomingMessage): string => method.toUpperCase();

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Names of headers in lower case, several values joined by a comma: as the host's RpcHttp. */
function requestData(request: IncomingMessage, url: URL, found: HttpMatch, body: Buffer): TypedData {
  const headers = Object.entries(request.headers).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value ?? '')] as const,
  );
  const query = [...new Set(url.searchParams.keys())].map(
    (name) => [name, url.searchParams.getAll(name).join(',')] as const,
  );
  return {
    http: {
      url: url.href,
      method: methodOf(request),
      nullableHeaders: nullable(headers),
      nullableQuery: nullable(query),
      nullableParams: nullable(Object.entries(found.params)),
      ...(body.length > 0 ? { body: { bytes: body } } : {}),
    },
  };
}

function nullable(pairs: readonly (readonly [string, string])[]): Record<string, { value: string }> {
  return Object.fromEntries(pairs.map(([name, value]) => [name, { value }]));
}

function respond(response: ServerResponse, data: HttpData | undefined): void {
  if (!data) {
    end(response, 204);
    return;
  }
  for (const [name, value] of Object.entries(data.headers ?? {})) response.setHeader(name, value);
  const cookies = data.cookies ?? [];
  if (cookies.length > 0) response.setHeader('set-cookie', cookies.map(cookieText));
  end(response, Number(data.statusCode ?? 200), data.body?.bytes);
}

function cookieText(cookie: HttpCookie): string {
  const sameSite =
    cookie.sameSite === 'explicitNone' ? 'None' : cookie.sameSite === 'none' ? undefined : cookie.sameSite;
  const attributes = [
    `${cookie.name}=${encodeURIComponent(cookie.value)}`,
    cookie.domain && `Domain=${cookie.domain.value}`,
    cookie.path && `Path=${cookie.path.value}`,
    cookie.maxAge && `Max-Age=${cookie.maxAge.value}`,
    cookie.expires && `Expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`,
    cookie.secure?.value && 'Secure',
    cookie.httpOnly?.value && 'HttpOnly',
    sameSite && `SameSite=${sameSite}`,
  ];
  return attributes.filter((attribute) => typeof attribute === 'string').join('; ');
}

function end(response: ServerResponse, status: number, body?: Uint8Array): void {
  response.statusCode = status;
  response.end(body);
}
