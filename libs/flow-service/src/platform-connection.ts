import { AccessTokens, type Credentials } from './access-token.ts';
import { AdobeError, errorOfAnswer } from './adobe-error.ts';
import { exchange, type Answer, type Exchange, type ExchangeSettings } from './exchange.ts';
import { defaultRetryLimits, systemClock, type RetryLimits, type Clock } from './retry.ts';
import { SecretGuard } from './secret-guard.ts';

export interface PlatformOptions extends Credentials {
  /** As `1234567890ABCDEF@AdobeOrg`. */
  readonly organisation: string;
  /** The sandbox's name. Adobe falls back to `prod` without one, so it is required. */
  readonly sandbox: string;
  /** Default `https://platform.adobe.io`. */
  readonly platformUrl?: string;
  /** Default `https://ims-na1.adobelogin.com`. */
  readonly imsUrl?: string;
  readonly retry?: Partial<RetryLimits>;
  /** Of one attempt, from the call to the last byte of the answer. Default 30,000. */
  readonly timeoutMs?: number;
  readonly clock?: Partial<Clock>;
}

export interface PlatformRequest {
  readonly doing: string;
  readonly method: Exchange['method'];
  /** From the platform's URL, as `/data/core/ups/audiences?limit=100`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** With or without the double quotes, which are sent in any case. */
  readonly etag?: string;
  /** Default: all but POST. */
  readonly repeatable?: boolean;
  /** Statuses from 400 that are answers and not errors. */
  readonly alsoAccept?: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/** The way to Experience Platform in one sandbox: token, headers, retries, errors. */
export class PlatformConnection {
  readonly clock: Clock;
  readonly retry: RetryLimits;
  readonly #secrets: SecretGuard;
  readonly #settings: ExchangeSettings;
  readonly #tokens: AccessTokens;
  readonly #platformUrl: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** Throws `RangeError` when an option cannot work. */
  constructor(options: PlatformOptions) {
    const { clientId, clientSecret, organisation, sandbox } = options;
    for (const [name, value] of Object.entries({ clientId, clientSecret, organisation, sandbox })) {
      // Also keeps a line break out of the headers; the value is not shown, for it may be the
      // secret.
      if (!/^[\x21-\x7e]+$/.test(value))
        throw new RangeError(`Failed to connect to Adobe: ${name} is empty or has spaces.`);
    }
    this.#platformUrl = checkUrl('platformUrl', options.platformUrl ?? 'https://platform.adobe.io');
    const imsUrl = checkUrl('imsUrl', options.imsUrl ?? 'https://ims-na1.adobelogin.com');
    this.clock = { ...systemClock, ...options.clock };
    this.retry = { ...defaultRetryLimits, ...options.retry };
    this.#secrets = new SecretGuard([clientSecret]);
    this.#settings = {
      clock: this.clock,
      retry: this.retry,
      timeoutMs: options.timeoutMs ?? 30_000,
      redact: this.#secrets.redact,
    };
    this.#tokens = new AccessTokens(imsUrl, options, this.#settings, this.#secrets);
    this.#headers = {
      accept: 'application/json',
      'x-api-key': clientId,
      'x-gw-ims-org-id': organisation,
      'x-sandbox-name': sandbox,
    };
  }

  /** A value that errors must not repeat. */
  protect(secret: string): void {
    this.#secrets.add(secret);
  }

  /**
   * Sends a request with a valid token; when Adobe refuses that token, once more with a new one.
   * Throws `AdobeError`, or the reason of an abort.
   */
  async send(request: PlatformRequest): Promise<Answer> {
    const accepted = [401, ...(request.alsoAccept ?? [])];
    for (let renewed = false; ; renewed = true) {
      const token = await this.#tokens.current(request.signal);
      const answer = await exchange(this.#exchangeOf(request, token), this.#settings, request.signal, accepted);
      if (answer.status !== 401) return answer;
      this.#tokens.refuse(token);
      if (renewed) throw errorOfAnswer(request.doing, answer, this.#secrets.redact);
    }
  }

  /** Sends a request and reads the answer as JSON; an empty one is `undefined`. */
  async sendForJson(request: PlatformRequest): Promise<unknown> {
    const { body, status, requestId } = await this.send(request);
    if (body.trim() === '') return undefined;
    try {
      return JSON.parse(body);
    } catch {
      const id = requestId === undefined ? '' : ` (request id ${requestId})`;
      throw new AdobeError(
        `Failed to ${request.doing}: the answer is not JSON${id}. Check the URL of the platform; something else may have answered.`,
        { kind: 'unreadable', status, uncertain: true, ...(requestId === undefined ? {} : { requestId }) },
      );
    }
  }

  #exchangeOf(request: PlatformRequest, token: string): Exchange {
    const { doing, method, body, etag, repeatable = method !== 'POST' } = request;
    return {
      doing,
      method,
      url: new URL(`${this.#platformUrl}${request.path}`),
      headers: {
        ...this.#headers,
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(etag === undefined ? {} : { 'if-match': quoted(etag) }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      repeatable,
    };
  }
}

/**
 * An ETag in exactly one pair of double quotes, which Flow Service asks for (facts: Destinations
 * API, `if-match`).
 */
function quoted(etag: string): string {
  return `"${etag.replace(/^W\//, '').replaceAll('"', '')}"`;
}

/** Without a slash at the end. */
function checkUrl(name: string, text: string): string {
  const url = URL.parse(text);
  const isLocal = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLocal))) {
    throw new RangeError(`Failed to connect to Adobe: ${name} is not an https URL, nor one of http on this machine.`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new RangeError(`Failed to connect to Adobe: ${name} holds more than a host and a path.`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
