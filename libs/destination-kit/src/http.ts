import { Agent, type Dispatcher } from 'undici';
import { isIP } from 'node:net';
import { isPublicAddress, lookupPublic, PrivateAddressError } from './address-guard.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { DestinationError } from './verdict.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the call to the last byte of the answer; the client's own when absent. */
  readonly timeoutMs?: number;
  /** An answer with more bytes than this is not read to its end; the client's own bound when absent. */
  readonly responseBytesMax?: number;
  /** Shown when the connection is made; the same object for every request of a destination. */
  readonly clientCertificate?: ClientCertificate;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated headers are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded as UTF-8, without a byte order mark. */
  readonly body: string;
}

/** The way to a third party, shared by all destinations. */
export interface HttpClient {
  /**
   * Throws `DestinationError` of class `set-up` when `send` would refuse this URL whatever its name resolves to.
   * Connectors check the URLs of their settings when they connect, so that a wrong one stops the start.
   */
  check(url: string): void;
  /**
   * Sends one request and gives the answer, whatever its status. Redirects are not followed.
   *
   * Throws `DestinationError` and nothing else: `set-up` for a URL that is refused; `transient` when no complete answer
   * came, without `doubt` only where the request certainly was not sent; `fatal` for a request that cannot be
   * written. The error names the origin and never a path, a query, a header or a body.
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
  /** An answer with more bytes than this is not read to its end. Default 1 MiB. */
  readonly responseBytesMax?: number;
  /** Connections to one origin at once; further requests wait within their timeout. Default 16. */
  readonly connectionsPerOrigin?: number;
  /** Lifts the guard for local runs and tests: plain http and addresses that are not public. Default false. */
  readonly allowPrivateAddresses?: boolean;
  /** PEM, instead of the certificate authorities that Node trusts; for tests with an authority of their own. */
  readonly certificateAuthorities?: string;
}

/** Makes an `HttpClient` that keeps connections alive and refuses URLs that lead into a private network. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { timeoutMs = 10_000, connectTimeoutMs = 5_000, responseBytesMax = 1024 * 1024 } = options;
  const allowPrivateAddresses = options.allowPrivateAddresses ?? false;
  const agentOf = (certificate: ClientCertificate | undefined) =>
    new Agent({
      connections: options.connectionsPerOrigin ?? 16,
      connectTimeout: connectTimeoutMs,
      // The one deadline of `exchange` covers headers and body; undici's own, at half-second precision, would only blur it.
      headersTimeout: 0,
      bodyTimeout: 0,
      // One request per connection at a time, so that a lost connection leaves one request in doubt and not many.
      allowH2: false,
      pipelining: 1,
      connect: {
        ...(!allowPrivateAddresses && { lookup: lookupPublic }),
        ...(certificate !== undefined && { cert: certificate.certificate.reveal(), key: certificate.key.reveal() }),
        ...(options.certificateAuthorities !== undefined && { ca: options.certificateAuthorities }),
      },
    });
  const agent = agentOf(undefined);
  /** Connections of one client must not be used for another. One per destination that has a certificate. */
  const certified = new Map<ClientCertificate, Agent>();
  const agentFor = (certificate: ClientCertificate | undefined): Agent => {
    if (certificate === undefined) return agent;
    const known = certified.get(certificate) ?? agentOf(certificate);
    certified.set(certificate, known);
    return known;
  };
  return {
    check: (url) => {
      checkUrl(url, allowPrivateAddresses);
    },
    send: async (request, signal) => {
      const url = checkUrl(request.url, allowPrivateAddresses);
      const limits = {
        timeoutMs: request.timeoutMs ?? timeoutMs,
        responseBytesMax: request.responseBytesMax ?? responseBytesMax,
      };
      return await exchange(agentFor(request.clientCertificate), url, request, limits, signal);
    },
    close: async () => {
      await Promise.all([agent, ...certified.values()].map((each) => each.close()));
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
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw refuse(privateAddress);
  return url;
}

const privateAddress =
  'its address is private, loopback, link-local or reserved. Use a public address; local runs may allow private ones.';

interface Settler {
  resolve(response: HttpResponse): void;
  reject(error: DestinationError): void;
}

interface ExchangeLimits {
  readonly timeoutMs: number;
  readonly responseBytesMax: number;
}

function exchange(
  agent: Agent,
  url: URL,
  request: HttpRequest,
  limits: ExchangeLimits,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const answer = new Exchange(url.origin, limits, signal, { resolve, reject });
  if (!signal.aborted) {
    agent.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: request.method,
        headers: { ...request.headers, 'accept-encoding': 'identity' },
        body: request.body ?? null,
      },
      answer,
    );
  }
  return promise;
}

/** One request and its answer over undici's dispatch, which alone tells whether the request began to be written. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #origin: string;
  readonly #limits: ExchangeLimits;
  readonly #signal: AbortSignal;
  readonly #outcome: Settler;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = () => this.#stop('the call was stopped before the answer. It is tried again later.');
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #response: Omit<HttpResponse, 'body'> = { status: 0, headers: {} };
  #bytes = 0;
  #sent = false;
  #settled = false;

  constructor(origin: string, limits: ExchangeLimits, signal: AbortSignal, outcome: Settler) {
    this.#origin = origin;
    this.#limits = limits;
    this.#signal = signal;
    this.#outcome = outcome;
    const late = `no complete answer within ${limits.timeoutMs} ms. Check that the destination is up, or allow more time.`;
    this.#timer = setTimeout(() => this.#stop(late), limits.timeoutMs);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // A request that gave up while it waited for a connection must not be written any more.
    if (this.#settled) controller.abort(new Error('the request gave up before it was sent'));
    this.#controller = controller;
    this.#sent = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ReceivedHeaders): void {
    this.#response = { status, headers: joined(headers) };
    const encoding = this.#response.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') this.#stop('the answer is compressed, though that was declined. Ask the vendor why.');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { responseBytesMax } = this.#limits;
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#bytes > responseBytesMax) {
      this.#stop(`the answer is larger than ${responseBytesMax} bytes. Check that this is the right URL.`);
    }
  }

  onResponseEnd(): void {
    const body = new TextDecoder().decode(Buffer.concat(this.#chunks));
    this.#settle(() => this.#outcome.resolve({ ...this.#response, body }));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(failure(this.#origin, error, this.#sent));
  }

  #stop(why: string): void {
    const message = `Failed to call ${this.#origin}: ${why}`;
    this.#fail(new DestinationError('transient', message, { doubt: this.#sent ? 'unanswered' : undefined }));
  }

  #fail(error: DestinationError): void {
    this.#settle(() => {
      this.#outcome.reject(error);
      this.#controller?.abort(error);
    });
  }

  #settle(conclude: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    conclude();
  }
}

type ReceivedHeaders = Readonly<Record<string, string | string[] | undefined>>;

function joined(headers: ReceivedHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

/**
 * Puts an error of undici, Node or TLS into our terms. The original is not kept as the cause: a parser error carries
 * the bytes of the answer, and those may echo personal data.
 */
function failure(origin: string, error: Error, sent: boolean): DestinationError {
  if (error instanceof PrivateAddressError) {
    return new DestinationError('set-up', `Failed to call ${origin}: ${privateAddress}`);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (code === 'UND_ERR_INVALID_ARG') {
    return new DestinationError(
      'fatal',
      `Failed to call ${origin}: the request cannot be written as HTTP. This is a defect.`,
    );
  }
  const what = sent ? 'the connection was lost before the answer' : 'no connection could be made';
  const advice = 'Check the name and that the destination is up.';
  return new DestinationError('transient', `Failed to call ${origin}: ${what} (${code}). ${advice}`, {
    doubt: sent ? 'unanswered' : undefined,
  });
}
