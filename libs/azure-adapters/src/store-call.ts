import { withTimeLimit } from '@activation-hub/delivery';
import { adviceFor } from './store-advice.ts';

/** Which store is called, for its failures. */
export interface Store {
  /** What it is: `table store`. */
  readonly name: string;
  /** The url of its client; only the host is shown. */
  readonly url: string;
  /** How long one operation may take, its retries included, in milliseconds. */
  readonly operationTimeoutMs: number;
}

/**
 * An operation of a store that failed. The message names the store's host and the store's own code,
 * never what was read or written; the SDK's error is the cause, and is not for logs, because it
 * knows the request.
 */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  /** What failed: `table store`, `blob store` or `queue store`. */
  readonly store: string;
  /** The status of the store's answer; absent when there was none. */
  readonly statusCode: number | undefined;
  /** The store's code, such as `TableNotFound`, or the system's, such as `ECONNREFUSED`. */
  readonly code: string | undefined;

  constructor(message: string, of: Pick<StoreFailure, 'store' | 'statusCode' | 'code' | 'cause'>) {
    super(message, { cause: of.cause });
    this.store = of.store;
    this.statusCode = of.statusCode;
    this.code = of.code;
  }
}

/**
 * Runs one operation of a store. Throws the signal's reason when the signal is aborted, else a
 * `StoreFailure` whose message begins with `Failed to <doing>`: also when the store does not answer
 * within its time.
 */
export async function callStore<Result>(
  store: Store,
  doing: string,
  signal: AbortSignal,
  operation: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  return withTimeLimit(store.operationTimeoutMs, async (timeout) => {
    try {
      return await operation(AbortSignal.any([signal, timeout]));
    } catch (error) {
      signal.throwIfAborted();
      const { statusCode, code } = answerOf(error);
      const happened =
        timeout.aborted && statusCode === undefined
          ? `did not answer within ${store.operationTimeoutMs} ms`
          : answered(statusCode, code);
      const message = `Failed to ${doing}: the ${store.name} at ${new URL(store.url).host} ${happened}. ${adviceFor(store.name, statusCode, code)}`;
      throw new StoreFailure(message, { store: store.name, cause: error, statusCode, code });
    }
  });
}

function answered(statusCode: number | undefined, code: string | undefined): string {
  const said = [statusCode, code].filter((word) => word !== undefined).join(' ');
  if (statusCode !== undefined) return `answered ${said}`;
  if (code === 'NotTheStore') return 'did not answer itself: a web page came instead';
  return code === undefined ? 'could not be called' : `could not be reached (${said})`;
}

/**
 * What the SDKs' errors say about the answer: `RestError` has the status, and the code in one of
 * three places, or in the header that every service of Azure Storage sends with an error.
 */
function answerOf(error: unknown): { statusCode: number | undefined; code: string | undefined } {
  const { statusCode, code, details, response } = (error ?? {}) as {
    statusCode?: unknown;
    code?: unknown;
    details?: { odataError?: { code?: unknown }; errorCode?: unknown };
    response?: { readonly headers?: { get?(name: string): unknown } };
  };
  const words = [details?.odataError?.code, details?.errorCode, code, response?.headers?.get?.('x-ms-error-code')];
  const isCode = (word: unknown): word is string => typeof word === 'string' && /^\w{1,80}$/.test(word);
  return { statusCode: typeof statusCode === 'number' ? statusCode : undefined, code: words.find(isCode) };
}
