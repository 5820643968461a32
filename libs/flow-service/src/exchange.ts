import { AdobeError, errorOfAnswer } from './adobe-error.ts';
import { backoffMs, retryAfterMs, type RetryLimits, type Clock } from './retry.ts';

export interface Exchange {
  /** What the request is for, as a sentence goes on after "Failed to": "create a connection". */
  readonly doing: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * Whether doing it twice is the same as once; if not, it is repeated only when it certainly was
   * not carried out.
   */
  readonly repeatable: boolean;
}

export interface Answer {
  readonly status: number;
  readonly requestId: string | undefined;
  readonly body: string;
}

export interface ExchangeSettings {
  readonly clock: Clock;
  readonly retry: RetryLimits;
  /** Of one attempt, from the call to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly redact: (text: string) => string;
}

/**
 * An answer with more bytes than this is not read to its end: a page of 100 dataflows with 250
 * audiences each is about 8 MB.
 */
const answerBytesMax = 32 * 1024 * 1024;

/**
 * Sends one request, again after 429 and 5xx and after a lost answer, with full jitter and as long
 * as `Retry-After` asks for, within the limits of attempts and time. Gives answers below 400, and
 * those of `alsoAccept`; throws `AdobeError` for any other.
 */
export async function exchange(
  request: Exchange,
  settings: ExchangeSettings,
  signal: AbortSignal | undefined,
  alsoAccept: readonly number[] = [],
): Promise<Answer> {
  const { now, sleep, random } = settings.clock;
  const endMs = now() + settings.retry.deadlineMs;
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptOnce(request, settings, signal);
    if ('status' in outcome && (outcome.status < 400 || alsoAccept.includes(outcome.status))) return outcome;
    const error = 'status' in outcome ? errorOfAnswer(request.doing, outcome, settings.redact) : outcome.error;
    const mayRepeat =
      error.kind === 'throttled' || (error.kind === 'unavailable' && (request.repeatable || !error.uncertain));
    if (!mayRepeat || attempt >= settings.retry.attemptsMax) throw error;
    const asked = 'status' in outcome ? retryAfterMs(outcome.retryAfter, now()) : undefined;
    const delayMs = Math.max(asked ?? 0, backoffMs(attempt, settings.retry, random));
    if (now() + delayMs >= endMs) throw error;
    await sleep(delayMs, signal);
  }
}

type Outcome = (Answer & { readonly retryAfter: string | null }) | { readonly error: AdobeError };

async function attemptOnce(
  request: Exchange,
  settings: ExchangeSettings,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(settings.timeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      ...(request.body === undefined ? {} : { body: request.body }),
      // A redirect would carry the token to wherever it points.
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    const requestId = response.headers.get('x-request-id') ?? undefined;
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      return { error: unreadable(request, `${request.url.origin} answered with a redirect (${response.status})`) };
    }
    const body = await readBody(response);
    if (body === undefined) return { error: unreadable(request, 'the answer is too large') };
    return { status: response.status, requestId, body, retryAfter: response.headers.get('retry-after') };
  } catch (error) {
    signal?.throwIfAborted();
    const why = timeout.aborted ? `no answer within ${settings.timeoutMs} ms` : networkCode(error);
    return { error: noAnswer(request, why, timeout.aborted ? undefined : networkCode(error)) };
  }
}

async function readBody(response: Response): Promise<string | undefined> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > answerBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Failures in which no byte of the request left this machine. */
const certainlyNotSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

function noAnswer(request: Exchange, why: string, code: string | undefined): AdobeError {
  return new AdobeError(
    `Failed to ${request.doing}: no answer came from ${request.url.origin} (${why}). Check the network and the URLs of the platform.`,
    { kind: 'unavailable', uncertain: code === undefined || !certainlyNotSent.has(code) },
  );
}

function unreadable({ doing }: Exchange, why: string): AdobeError {
  return new AdobeError(`Failed to ${doing}: ${why}. Check the URLs of the platform.`, {
    kind: 'unreadable',
    uncertain: true,
  });
}

/** The error's code alone: its own words may hold the URL or a header. */
function networkCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}
