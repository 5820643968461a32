import { AdobeError } from './adobe-error.ts';
import { exchange, type ExchangeSettings } from './exchange.ts';
import { isRecord } from './json.ts';
import type { SecretGuard } from './secret-guard.ts';

/**
 * The scopes of Adobe's own OAuth server-to-server collection
 * (adobe/experience-platform-postman-samples).
 */
const defaultScope = 'openid,session,AdobeID,read_organizations,additional_info.projectedProductContext';

/** A token is not used in its last minute, in which it could expire on its way. */
const marginMs = 60_000;

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Default: the scopes that Adobe documents for Experience Platform. */
  readonly scope?: string;
}

interface AccessToken {
  readonly value: string;
  readonly usableUntilMs: number;
}

interface Renewal {
  readonly token: Promise<AccessToken>;
  readonly stop: AbortController;
  waiting: number;
}

/**
 * Adobe's OAuth server-to-server token: fetched when first needed, kept until it expires, renewed
 * once for all who wait.
 */
export class AccessTokens {
  readonly #imsUrl: string;
  readonly #credentials: Credentials;
  readonly #settings: ExchangeSettings;
  readonly #secrets: SecretGuard;
  #token: AccessToken | undefined;
  #renewal: Renewal | undefined;

  constructor(imsUrl: string, credentials: Credentials, settings: ExchangeSettings, secrets: SecretGuard) {
    this.#imsUrl = imsUrl;
    this.#credentials = credentials;
    this.#settings = settings;
    this.#secrets = secrets;
  }

  /**
   * Gives a token that is good for another minute at least. Throws `AdobeError`, or the reason of
   * an abort.
   */
  async current(signal: AbortSignal | undefined): Promise<string> {
    signal?.throwIfAborted();
    const token = this.#token;
    if (token !== undefined && this.#settings.clock.now() < token.usableUntilMs) return token.value;
    const renewal = (this.#renewal ??= this.#startRenewal());
    renewal.waiting++;
    try {
      return (await orAborted(renewal.token, signal)).value;
    } finally {
      // The request goes on for those who still wait, and only for them.
      if (--renewal.waiting === 0) renewal.stop.abort();
    }
  }

  /** Adobe refused this token: it is not given again. One that replaced it meanwhile is kept. */
  refuse(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }

  #startRenewal(): Renewal {
    const stop = new AbortController();
    const renewal: Renewal = { token: this.#fetch(stop.signal), stop, waiting: 0 };
    const end = () => {
      if (this.#renewal === renewal) this.#renewal = undefined;
    };
    // An abort by the last who waited must not be met by one who comes after.
    stop.signal.addEventListener('abort', end);
    renewal.token.then((token) => {
      this.#token = token;
      end();
    }, end);
    return renewal;
  }

  async #fetch(signal: AbortSignal): Promise<AccessToken> {
    const { clientId, clientSecret, scope = defaultScope } = this.#credentials;
    const doing = 'get an access token from Adobe';
    const { now } = this.#settings.clock;
    const askedAtMs = now();
    const { body } = await exchange(
      {
        doing,
        method: 'POST',
        url: new URL(`${this.#imsUrl}/ims/token/v2`),
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: clientSecret,
          scope,
        }).toString(),
        repeatable: true,
      },
      this.#settings,
      signal,
    );
    const answer = parseToken(body);
    if (answer === undefined) {
      throw new AdobeError(`Failed to ${doing}: the answer holds none. Check the URL of Adobe's identity service.`, {
        kind: 'unreadable',
      });
    }
    this.#secrets.add(answer.value);
    return {
      value: answer.value,
      usableUntilMs: askedAtMs + answer.lifetimeMs - Math.min(marginMs, answer.lifetimeMs / 2),
    };
  }
}

/** `expires_in` is in seconds; a token without it is used until Adobe refuses it. */
function parseToken(body: string): { value: string; lifetimeMs: number } | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isRecord(answer) || typeof answer.access_token !== 'string' || answer.access_token === '') return undefined;
  const expiresIn = Number(answer.expires_in);
  return {
    value: answer.access_token,
    lifetimeMs: Number.isFinite(expiresIn) && expiresIn > 0 ? expiresIn * 1000 : 24 * 60 * 60 * 1000,
  };
}

async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
