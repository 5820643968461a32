import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Headers of every answer: no cache keeps it, no page frames it, no browser guesses its type, and
 * the page loads nothing from elsewhere. `styleNonce` is for the style elements that the page's
 * components make.
 */
export function securityHeaders(styleNonce?: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self'${styleNonce === undefined ? '' : ` 'nonce-${styleNonce}'`}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}

/** Something that the page asked for and that cannot be given, with a sentence for the person. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, {
      ...securityHeaders(),
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    })
    .end(JSON.stringify(value));
}

/** Larger than an event that a hub takes. */
const bodyBytesMax = 2 * 1024 * 1024;

/**
 * The JSON that came with a request. Throws `ApiError`: 413 when it is too large, 400 when it is
 * none.
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > bodyBytesMax) throw new ApiError(413, 'Failed to read the request: it has more than 2 MiB.');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString() || '{}');
  } catch (error) {
    throw new ApiError(400, `Failed to read the request: it is no JSON (${String(error)}).`);
  }
}
