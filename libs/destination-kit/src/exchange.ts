import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { certificateFault } from './certificate-fault.ts';
import { PrivateAddressError } from './address-guard.ts';
import { readiness } from './connections.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import { decodedBody } from './response-body.ts';
import { DestinationError } from './verdict.ts';

export interface ExchangeLimits {
  readonly timeoutMs: number;
  readonly responseBytesMax: number;
}

/**
 * Of all headers of an answer together. Node's own bound, a quarter of this, is below what some
 * vendors' cookies and policies take.
 */
const headerBytesMax = 64 * 1024;

export const privateAddress =
  'its address is private, loopback, link-local or reserved. Use a public address; local runs may allow private ones.';

/**
 * Sends one request and gives its answer, as `HttpClient.send` promises. The URL has been checked.
 */
export function exchange(
  agent: Agent,
  url: URL,
  request: HttpRequest,
  limits: ExchangeLimits,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const answer = new Exchange(url.origin, limits, signal, { resolve, reject });
  if (!signal.aborted) answer.begin(agent, url, request);
  return promise;
}

interface Settler {
  resolve(response: HttpResponse): void;
  reject(error: DestinationError): void;
}

/** An answer whose body is not whole yet. */
interface Begun {
  readonly response: IncomingMessage;
  readonly chunks: readonly Buffer[];
  readonly isEnough: NonNullable<HttpRequest['isEnough']>;
}

/** One request and its answer. It knows whether the request began to be written. */
class Exchange {
  readonly #origin: string;
  readonly #limits: ExchangeLimits;
  readonly #signal: AbortSignal;
  readonly #outcome: Settler;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = () => this.#stop('the call was stopped before the answer. It is tried again later.');
  #request: ClientRequest | undefined;
  #begun: Begun | undefined;
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

  begin(agent: Agent, url: URL, { method, headers, body, clientCertificate, isEnough }: HttpRequest): void {
    try {
      this.#request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
        agent,
        method,
        maxHeaderSize: headerBytesMax,
        headers: {
          ...headers,
          'accept-encoding': 'identity',
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        },
        ...(clientCertificate !== undefined && {
          cert: clientCertificate.certificate.reveal(),
          key: clientCertificate.key.reveal(),
        }),
      });
    } catch {
      // Node names the header; and only what would break the form of the request is refused here.
      const why = 'the request cannot be written as HTTP. This is a defect.';
      this.#fail(new DestinationError('fatal', `Failed to call ${this.#origin}: ${why}`));
      return;
    }
    const request = this.#request;
    request.once('socket', (socket) => {
      const event = request.reusedSocket ? 'ready' : readiness(socket);
      if (event === 'ready') this.#sent = true;
      else socket.once(event, () => (this.#sent = true));
    });
    // Interim answers (1xx) come before, asked for or not, and say nothing that matters here.
    request.once('response', (response) => this.#read(response, isEnough));
    request.on('error', (error) => this.#breakOff(failure(this.#origin, error, this.#sent)));
    request.end(body);
  }

  #read(response: IncomingMessage, isEnough: HttpRequest['isEnough']): void {
    const chunks: Buffer[] = [];
    const { statusCode = 0 } = response;
    if (isEnough !== undefined && statusCode >= 200 && statusCode < 300) this.#begun = { response, chunks, isEnough };
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= this.#limits.responseBytesMax) chunks.push(chunk);
      else void this.#conclude(response, undefined);
    });
    response.once('end', () => {
      if (response.complete) void this.#conclude(response, Buffer.concat(chunks));
    });
    response.on('error', (error) => this.#breakOff(failure(this.#origin, error, this.#sent)));
  }

  /** The answer is there, or as much of it as is read. */
  async #conclude(response: IncomingMessage, bytes: Buffer | undefined): Promise<void> {
    if (this.#settled) return;
    const headers = joined(response.headersDistinct);
    const body =
      bytes === undefined
        ? undefined
        : await decodedBody(bytes, headers['content-encoding'], this.#limits.responseBytesMax);
    this.#settle(() => {
      this.#outcome.resolve({
        status: response.statusCode ?? 0,
        headers,
        body: new TextDecoder().decode(body),
        ...(body === undefined && { isUnread: true }),
      });
      if (bytes === undefined) response.destroy();
    });
  }

  /** Nothing more comes: the answer is as much as is there, where that is enough. */
  #breakOff(error: DestinationError): void {
    if (this.#begun === undefined) {
      this.#fail(error);
      return;
    }
    const { response, chunks, isEnough } = this.#begun;
    const isEncoded = response.headers['content-encoding'] !== undefined;
    const text = isEncoded ? '' : new TextDecoder().decode(Buffer.concat(chunks));
    if (isEnough(text)) void this.#conclude(response, undefined);
    else this.#fail(error);
  }

  #stop(why: string): void {
    const message = `Failed to call ${this.#origin}: ${why}`;
    this.#breakOff(new DestinationError('transient', message, { doubt: this.#sent ? 'unanswered' : undefined }));
  }

  #fail(error: DestinationError): void {
    this.#settle(() => {
      this.#outcome.reject(error);
      this.#request?.destroy();
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

function joined(headers: NodeJS.Dict<string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, values]) => (values === undefined ? [] : [[name, values.join(', ')]])),
  );
}

/**
 * Puts an error of Node or TLS into our terms. The original is not kept as the cause: a parser
 * error carries the bytes of the answer, and those may echo personal data.
 */
function failure(origin: string, error: Error, sent: boolean): DestinationError {
  if (error instanceof DestinationError) return error;
  if (error instanceof PrivateAddressError) {
    return new DestinationError('set-up', `Failed to call ${origin}: ${privateAddress}`);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const fault = certificateFault(code);
  // Before the certificates are agreed upon the server reads no request, however much of it was
  // written.
  if (fault !== undefined) return new DestinationError('set-up', `Failed to call ${origin}: ${fault} (${code}).`);
  const what = sent ? 'the connection was lost before the answer' : 'no connection could be made';
  const advice = 'Check the name and that the destination is up.';
  return new DestinationError('transient', `Failed to call ${origin}: ${what} (${code}). ${advice}`, {
    doubt: sent ? 'unanswered' : undefined,
  });
}
