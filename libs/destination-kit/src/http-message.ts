import type { ClientCertificate } from './client-certificate.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the call to the last byte of the answer; the client's own when absent. */
  readonly timeoutMs?: number;
  /**
   * A body with more bytes than this, compressed or not, is left unread; the client's own bound
   * when absent.
   */
  readonly responseBytesMax?: number;
  /**
   * Whether of a 2xx answer the status alone counts although its body stalls or breaks off after
   * this text, which is then left unread; a compressed body counts as one of which nothing came.
   * When absent, such an answer is none.
   */
  readonly isEnough?: (begun: string) => boolean;
  /** Shown when the connection is made; the same object for every request of a destination. */
  readonly clientCertificate?: ClientCertificate;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated headers are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Decoded by its `Content-Encoding` and as UTF-8, without a byte order mark; empty when it was
   * left unread.
   */
  readonly body: string;
  /**
   * The body is larger than the bound, or broke off where that is enough. The status stands all the
   * same: what it says of the request is so.
   */
  readonly isUnread?: true;
}
