import { isRecord } from './json.ts';

/**
 * Why Adobe did not do what was asked.
 * - `unauthorized`: the token, the client id or the client secret; `forbidden`: a permission that
 *   the credential lacks
 * - `not-found`; `conflict`: an ETag is no longer current (412), or two writes met (409);
 *   `invalid`: refused as it is
 * - `throttled` and `unavailable`: tried again as often as allowed, or until the deadline;
 *   `unavailable` also when no answer came
 * - `unreadable`: an answer that cannot be understood
 * - `unsupported`: Adobe's set-up differs from what is documented, and a person must say which name
 *   to use
 */
export type AdobeErrorKind =
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'throttled'
  | 'unavailable'
  | 'unreadable'
  | 'unsupported';

export interface AdobeErrorFacts {
  readonly kind: AdobeErrorKind;
  /** HTTP status; absent when no answer came. */
  readonly status?: number;
  /** Adobe's own code, as `401013` or `UPAPI-113430-404`. */
  readonly code?: string;
  /** The id under which Adobe's support finds the request (`x-request-id`). */
  readonly requestId?: string;
  /** The request may have been carried out all the same. */
  readonly uncertain?: boolean;
}

/**
 * The only error that the client throws, except the reason of an abort. Its sentence holds no
 * secret.
 */
export class AdobeError extends Error implements AdobeErrorFacts {
  override readonly name = 'AdobeError';
  readonly kind: AdobeErrorKind;
  readonly status?: number;
  readonly code?: string;
  readonly requestId?: string;
  readonly uncertain: boolean;

  constructor(message: string, facts: AdobeErrorFacts) {
    super(message);
    this.kind = facts.kind;
    if (facts.status !== undefined) this.status = facts.status;
    if (facts.code !== undefined) this.code = facts.code;
    if (facts.requestId !== undefined) this.requestId = facts.requestId;
    this.uncertain = facts.uncertain ?? false;
  }
}

export function isAdobeError(error: unknown, ...kinds: readonly AdobeErrorKind[]): error is AdobeError {
  return error instanceof AdobeError && (kinds.length === 0 || kinds.includes(error.kind));
}

export interface FailedAnswer {
  readonly status: number;
  readonly requestId: string | undefined;
  readonly body: string;
}

/**
 * Makes the error of an answer; `redact` takes secrets out of what Adobe wrote, for Adobe may
 * repeat what it was sent.
 */
export function errorOfAnswer(doing: string, answer: FailedAnswer, redact: (text: string) => string): AdobeError {
  const { status } = answer;
  const kind = kindOfStatus(status);
  const said = readErrorBody(answer.body);
  const code = said.code === undefined ? undefined : clip(redact(said.code), 80);
  const requestId = answer.requestId ?? said.requestId;
  const details = [
    ...(code === undefined ? [] : [`code ${code}`]),
    ...(requestId === undefined ? [] : [`request id ${requestId}`]),
  ];
  const inBrackets = details.length === 0 ? '' : ` (${details.join(', ')})`;
  const words = said.message === undefined ? '' : `: ${clip(redact(said.message), 400).replace(/\.+$/, '')}`;
  return new AdobeError(`Failed to ${doing}: Adobe answered ${status}${inBrackets}${words}. ${advice[kind]}`, {
    kind,
    status,
    ...(code === undefined ? {} : { code }),
    ...(requestId === undefined ? {} : { requestId }),
    uncertain: kind === 'unavailable',
  });
}

function kindOfStatus(status: number): AdobeErrorKind {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  if (status === 409 || status === 412) return 'conflict';
  if (status === 429) return 'throttled';
  if (status === 408 || status >= 500) return 'unavailable';
  return 'invalid';
}

const advice: Readonly<Record<AdobeErrorKind, string>> = {
  unauthorized: "Check the client id, the client secret and the organisation in Adobe's developer console.",
  forbidden:
    "Give the credential's product profile and role the permissions for destinations, profiles and segments in this sandbox.",
  'not-found': 'Check the id, and that it is in this sandbox.',
  conflict: 'It was changed meanwhile; read it again.',
  invalid: 'Correct what was asked for.',
  throttled: 'Try again later.',
  unavailable: "Try again later; Adobe's status page tells of outages.",
  unreadable: 'Check the URLs of the platform; something else may have answered.',
  unsupported: 'Configure the name that Adobe uses.',
};

interface ErrorBody {
  readonly code?: string;
  readonly message?: string;
  readonly requestId?: string;
}

/**
 * The shapes of Adobe's error bodies: `{error_code, message}` and `{errorMessage, errorDetails}`
 * (Flow Service), `{requestId, errors: {404: [{code, message}]}, title}` (Segmentation),
 * `{error, error_description}` (IMS), `{type, title, detail, report}` (problem details).
 */
function readErrorBody(text: string): ErrorBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return {};
  }
  if (!isRecord(body)) return {};
  const listed = isRecord(body.errors)
    ? Object.values(body.errors)
        .flat()
        .find((error) => isRecord(error))
    : undefined;
  const report = isRecord(body.report) ? body.report : {};
  const type = typeof body.type === 'string' ? body.type.split('/').at(-1) : undefined;
  const code = firstText(body.error_code, body.errorCode, body.code, body.error, listed?.code, type);
  const message = firstText(
    body.errorMessage,
    body.message,
    body.error_description,
    body.detail,
    body.title,
    listed?.message,
  );
  const requestId = firstText(body.requestId, report.requestId, report['request-id']);
  return {
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

function firstText(...values: readonly unknown[]): string | undefined {
  for (const value of values) {
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
  }
  return undefined;
}

function clip(text: string, lengthMax: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax)}…`;
}
