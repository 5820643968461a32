/**
 * The shapes that travel between host and worker. They mirror the host's gRPC contract
 * (FunctionRpc.proto) in the form in which the Node worker hands it to `@azure/functions`, so that
 * the real library does the last conversions itself, traps included.
 */

/**
 * A value as the Functions host sends it to a Node worker: exactly one field is set; none is set
 * for null.
 */
export interface TypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly int?: number;
  readonly double?: number;
  readonly http?: HttpData;
  readonly collectionBytes?: { readonly bytes: readonly Uint8Array[] };
  readonly collectionString?: { readonly string: readonly string[] };
  readonly collectionSint64?: { readonly sint64: readonly LongValue[] };
}

/** A 64-bit integer as protobuf gives it to JavaScript: an object, not a number. */
export interface LongValue {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

interface NullableString {
  readonly value: string;
}

/** An HTTP request on its way to the worker, or a response on its way back. */
export interface HttpData {
  readonly url?: string;
  readonly method?: string;
  readonly statusCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly nullableHeaders?: Readonly<Record<string, NullableString>>;
  readonly nullableQuery?: Readonly<Record<string, NullableString>>;
  readonly nullableParams?: Readonly<Record<string, NullableString>>;
  readonly cookies?: readonly HttpCookie[];
  readonly body?: TypedData | null;
}

/** A cookie as the library puts it into a response. */
export interface HttpCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: NullableString;
  readonly path?: NullableString;
  readonly expires?: { readonly value: { readonly seconds: number } };
  readonly secure?: { readonly value: boolean };
  readonly httpOnly?: { readonly value: boolean };
  readonly sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  readonly maxAge?: { readonly value: number };
}

/** A trigger, input or output as the app declared it. */
export type Binding = Readonly<Record<string, unknown>> & { readonly type?: string; readonly direction?: string };

/**
 * The retry policy of a function as the library sends it: intervals are whole seconds, rounded by
 * the library.
 */
export interface RetryOptions {
  readonly retryStrategy: 'fixedDelay' | 'exponentialBackoff';
  /** -1 means without end. */
  readonly maxRetryCount: number;
  readonly delayInterval?: { readonly seconds: number };
  readonly minimumInterval?: { readonly seconds: number };
  readonly maximumInterval?: { readonly seconds: number };
}

/** What the library passes to `registerFunction`. */
export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: RetryOptions;
}

/** What a repeated attempt knows about the attempt before; the first attempt has none. */
export interface RetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception?: { readonly message: string; readonly source: string; readonly stackTrace: string };
}

/** What a trigger gives to one invocation. */
export interface InvocationInput {
  readonly inputData: readonly { readonly name: string; readonly data: TypedData }[];
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  readonly retryContext?: RetryContext;
}

/** How an invocation ended. */
export type InvocationOutcome =
  | { readonly failed: false; readonly returnValue?: TypedData | null }
  | { readonly failed: true; readonly error: { readonly message: string; readonly stack: string } };

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

export type MessageToWorker =
  | { readonly kind: 'load'; readonly appFolder: string }
  | {
      readonly kind: 'invoke';
      readonly invocationId: string;
      readonly functionName: string;
      readonly input: InvocationInput;
    }
  | { readonly kind: 'terminate' };

export type MessageFromWorker =
  | { readonly kind: 'loaded'; readonly functions: readonly FunctionMetadata[] }
  | { readonly kind: 'load-failed'; readonly message: string }
  | { readonly kind: 'invoked'; readonly invocationId: string; readonly outcome: InvocationOutcome }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly functionName?: string;
      readonly invocationId?: string;
    };
