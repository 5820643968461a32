import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { AudienceSeed } from './audience-store.ts';
import { eventHubsConnectionSpec, profileConnectionSpec, type ToggleNames } from './connection-specs.ts';
import { InjectedFaults, type Fault, type Faults } from './faults.ts';
import { ImsTokens } from './ims-tokens.ts';
import { Refusal, type Reply } from './refusal.ts';
import { routeToSandbox } from './routes.ts';
import { Sandbox, type SandboxView } from './sandbox.ts';

export interface AdobePlatformOptions {
  /** On 127.0.0.1. Default 0: a free one. */
  readonly port?: number;
  /** Default `0123456789ABCDEF@AdobeOrg`. */
  readonly organisation?: string;
  /** Default `local-client` and `local-client-secret`. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Default `['prod']`. */
  readonly sandboxes?: readonly string[];
  /** In every sandbox. Default none. */
  readonly audiences?: readonly AudienceSeed[];
  /** Default 86,399,000: Adobe's 24 hours. */
  readonly tokenLifetimeMs?: number;
  /** How long an accepted deletion takes. Default 2,000. */
  readonly deletionMs?: number;
  /** The most in one page, whatever limit a request names. Default 100. */
  readonly pageSizeMax?: number;
  /**
   * What the server does with the filters of a list: it may ignore one that it does not know.
   * Default `kept`.
   */
  readonly filters?: 'kept' | 'ignored';
  /**
   * How PATCH answers: the tutorial says 202 and nothing, the OpenAPI document 200 with id and
   * ETag. Default `200`.
   */
  readonly patchAnswer?: '200' | '202';
  /**
   * How `enable` and `disable` are spelt: the update guide in lower case, the OpenAPI document in
   * upper case. Default `lower`.
   */
  readonly actionCase?: 'lower' | 'upper';
  /** Whether a lookup shows a connection's key as stars, or leaves it out. Default `masked`. */
  readonly secretsShown?: 'masked' | 'absent';
  /** What the target specification calls the two toggles, undocumented; `none` leaves them out. */
  readonly toggleNames?: ToggleNames | 'none';
  /** Milliseconds since 1970: for tokens, deletions, times and runs. Default `Date.now`. */
  readonly now?: () => number;
  /** Before every answer. Default 0. */
  readonly latencyMs?: () => number;
}

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly sandbox: string;
}

export interface AdobePlatform {
  /** Both the platform's and the identity service's, as `http://127.0.0.1:51234`. */
  readonly url: string;
  readonly organisation: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly faults: Faults;
  /** The latest 10,000, without bodies. */
  readonly requests: readonly ReceivedRequest[];
  /** Throws when there is none of this name. */
  sandbox(name?: string): SandboxView;
  /** How many tokens it has issued so far. */
  tokensGiven(): number;
  /** No token given so far is accepted any longer. */
  revokeTokens(): void;
  /** Breaks all connections. A second call waits for the first. */
  stop(): Promise<void>;
}

const requestsMax = 10_000;
const bodyBytesMax = 4 * 1024 * 1024;

/**
 * Starts Adobe's platform on this machine: identity service, Flow Service, audiences. Rejects when
 * the port is taken.
 */
export async function startAdobePlatform(options: AdobePlatformOptions = {}): Promise<AdobePlatform> {
  const now = options.now ?? Date.now;
  const organisation = options.organisation ?? '0123456789ABCDEF@AdobeOrg';
  const clientId = options.clientId ?? 'local-client';
  const clientSecret = options.clientSecret ?? 'local-client-secret';
  const tokens = new ImsTokens({ clientId, clientSecret, now, lifetimeMs: options.tokenLifetimeMs ?? 86_399_000 });
  const faults = new InjectedFaults();
  const sandboxes = makeSandboxes(options, now);
  const requests: ReceivedRequest[] = [];
  const stopping = new AbortController();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', 'http://localhost');
    const sandboxName = String(request.headers['x-sandbox-name'] ?? 'prod');
    if (requests.push({ method, path: `${url.pathname}${url.search}`, sandbox: sandboxName }) > requestsMax)
      requests.shift();
    const requestId = randomUUID().replaceAll('-', '');
    const body = await readBody(request);
    const fault = faults.next(method, url.pathname);
    const delayMs = (fault?.delayMs ?? 0) + (options.latencyMs?.() ?? 0);
    if (delayMs > 0) await wait(delayMs, undefined, { signal: stopping.signal });
    if (fault?.lost === 'before') {
      breakOff(response);
      return;
    }
    const reply = replyTo(fault, requestId, () => {
      if (url.pathname === '/ims/token/v2' && method === 'POST') return { status: 200, body: tokens.give(body) };
      tokens.check(request.headers, organisation);
      const sandbox = sandboxes.get(sandboxName);
      if (sandbox === undefined) throw unknownSandbox(sandboxName);
      const ifMatch = request.headers['if-match'];
      const patchAnswer = options.patchAnswer ?? '200';
      return routeToSandbox(
        sandbox,
        { method, url, body, ifMatch, requestId, patchAnswer },
        options.pageSizeMax ?? 100,
      );
    });
    if (fault?.lost === 'after') {
      breakOff(response);
      return;
    }
    response.writeHead(reply.status, {
      'content-type': 'application/json',
      'x-request-id': requestId,
      ...reply.headers,
    });
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  let stopped: Promise<unknown> | undefined;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    organisation,
    clientId,
    clientSecret,
    faults,
    requests,
    sandbox: (name = 'prod') => {
      const sandbox = sandboxes.get(name);
      if (sandbox === undefined) throw new RangeError(`Failed to find the sandbox ${name}: there is none.`);
      return sandbox;
    },
    tokensGiven: () => tokens.given,
    revokeTokens: () => tokens.revoke(),
    stop: async () => {
      stopped ??= stopServer();
      await stopped;
    },
  };

  async function stopServer(): Promise<void> {
    stopping.abort();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
}

function makeSandboxes(options: AdobePlatformOptions, now: () => number): Map<string, Sandbox> {
  const toggles = options.toggleNames ?? {
    segmentNames: 'includeSegmentNames',
    segmentTimestamps: 'includeSegmentTimestamps',
  };
  const connectionSpecs = [eventHubsConnectionSpec(toggles), profileConnectionSpec];
  return new Map(
    (options.sandboxes ?? ['prod']).map((name) => {
      const sandbox = new Sandbox({
        now,
        newId: randomUUID,
        deletionMs: options.deletionMs ?? 2_000,
        pageSizeMax: options.pageSizeMax ?? 100,
        filters: options.filters ?? 'kept',
        secretsShown: options.secretsShown ?? 'masked',
        connectionSpecs,
        actionCase: options.actionCase ?? 'lower',
      });
      for (const audience of options.audiences ?? []) sandbox.addAudience(audience);
      return [name, sandbox];
    }),
  );
}

function replyTo(fault: Fault | undefined, requestId: string, carryOut: () => Reply): Reply {
  try {
    if (fault?.status !== undefined) throw refusalOf(fault.status, fault.retryAfter);
    return carryOut();
  } catch (error) {
    if (error instanceof Refusal) return error;
    return {
      status: 500,
      body: { errorMessage: 'Internal error of the stand-in', errorDetails: String(error), requestId },
    };
  }
}

function refusalOf(status: number, retryAfter: string | undefined): Refusal {
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  if (status === 401) return new Refusal(401, { error_code: '401013', message: 'Oauth token is not valid' });
  if (status === 429) return new Refusal(429, { error_code: '429050', message: 'Too many requests' }, headers);
  return new Refusal(status, { errorMessage: 'Injected fault', errorDetails: 'Injected fault' }, headers);
}

function unknownSandbox(name: string): Refusal {
  return new Refusal(403, {
    error_code: '403027',
    message: `User region is missing or the sandbox ${name} is not known`,
  });
}

function breakOff(response: ServerResponse): void {
  response.destroy();
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > bodyBytesMax) throw new RangeError('The request is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
