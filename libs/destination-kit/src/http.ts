import type { Agent } from 'node:http';
import { isIP } from 'node:net';
import { isPublicAddress } from './address-guard.ts';
import { createAgent } from './connections.ts';
import { exchange, privateAddress } from './exchange.ts';
import { hostOf, readProxies, type Proxy, type ProxySettings } from './proxies.ts';
import { DestinationError } from './verdict.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';

/** The way to a third party, shared by all destinations. */
export interface HttpClient {
  /**
   * Throws `DestinationError` of class `set-up` when `send` would refuse this URL whatever its name
   * resolves to. Connectors check the URLs of their settings when they connect, so that a wrong one
   * stops the start.
   */
  check(url: string): void;
  /**
   * Sends one request and gives the answer, whatever its status. Redirects are not followed;
   * interim answers (1xx) are ignored.
   *
   * Throws `DestinationError` and nothing else: `set-up` for a URL that is refused; `transient`
   * when no complete answer came, without `doubt` only where the request certainly was not sent;
   * `fatal` for a request that cannot be written. The error names the origin and never a path, a
   * query, a header or a body.
   */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  /** Waits for what is under way, then closes all connections. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  /** For the whole exchange, from the call to the last byte of the answer. Default 10,000. */
  readonly timeoutMs?: number;
  /** For the connection alone, name resolution and TLS included. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** A body with more bytes than this, compressed or not, is left unread. Default 1 MiB. */
  readonly responseBytesMax?: number;
  /** Connections to one origin at once; further requests wait within their timeout. Default 16. */
  readonly connectionsPerOrigin?: number;
  /**
   * Lifts the guard for local runs and tests: plain http and addresses that are not public. Default
   * false.
   */
  readonly allowPrivateAddresses?: boolean;
  /**
   * PEM, instead of the certificate authorities that Node trusts; for tests with an authority of
   * their own.
   */
  readonly certificateAuthorities?: string;
  /**
   * Through which proxies requests go; without it all are sent directly, whatever the environment
   * says.
   */
  readonly proxies?: ProxySettings;
}

/**
 * Makes an `HttpClient` that keeps connections alive and refuses URLs that lead into a private
 * network. Throws `DestinationError` of class `set-up` for proxies that cannot be used.
 */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { timeoutMs = 10_000, responseBytesMax = 1024 * 1024, allowPrivateAddresses = false } = options;
  const settings = {
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    connectionsPerOrigin: options.connectionsPerOrigin ?? 16,
    allowPrivateAddresses,
    certificateAuthorities: options.certificateAuthorities,
  };
  const proxyFor = readProxies(options.proxies ?? {});
  const agents = new Map<string, Agent>();
  const agentFor = (url: URL, proxy: Proxy | undefined): Agent => {
    const key = `${url.protocol} ${proxy === undefined ? 'direct' : 'tunnel'}`;
    const agent = agents.get(key) ?? createAgent(url.protocol === 'https:', proxy, settings);
    agents.set(key, agent);
    return agent;
  };
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;
  return {
    check: (url) => {
      checkUrl(url, allowPrivateAddresses);
    },
    send: async (request, signal) => {
      const url = checkUrl(request.url, allowPrivateAddresses);
      if (isClosed) throw new DestinationError('transient', `Failed to call ${url.origin}: the client is closed.`);
      const limits = {
        timeoutMs: request.timeoutMs ?? timeoutMs,
        responseBytesMax: request.responseBytesMax ?? responseBytesMax,
      };
      const answer = exchange(agentFor(url, proxyFor(url)), url, request, limits, signal);
      underWay.add(answer);
      return await answer.finally(() => underWay.delete(answer));
    },
    close: async () => {
      isClosed = true;
      await Promise.allSettled(underWay);
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** Gives the parsed URL; throws when its form alone shows that it must not be called. */
function checkUrl(text: string, allowPrivateAddresses: boolean): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new DestinationError('set-up', 'Failed to read a URL: it is not an http or https URL. Correct the setting.');
  }
  const refuse = (why: string) => new DestinationError('set-up', `Failed to call ${url.origin}: ${why}`);
  if (url.username !== '' || url.password !== '') {
    throw refuse('the URL holds credentials. Move them into a header whose value is a secret.');
  }
  if (allowPrivateAddresses) return url;
  if (url.protocol !== 'https:') throw refuse('it is not https. Use the https URL of the destination.');
  const host = hostOf(url);
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw refuse(privateAddress);
  return url;
}
