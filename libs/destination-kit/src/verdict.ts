/**
 * What became of one change, by its id and never by its position. A change for which a connector gives no verdict
 * is a defect of the connector, not a success.
 */
export type Verdict =
  | { readonly id: string; readonly status: 'delivered' }
  | {
      readonly id: string;
      readonly status: 'retry';
      /** Low-cardinality words for logs and dead letters; never a value of the change, never a secret. */
      readonly reason: string;
      /** Not before this time, in epoch milliseconds. */
      readonly notBeforeMs?: number;
      /** True when the destination may have taken the change all the same (a timeout, a lost reply). */
      readonly uncertain?: true;
    }
  | { readonly id: string; readonly status: 'rejected'; readonly reason: string };

/**
 * Why a whole request failed, which decides how it is tried again:
 * - `invalid`: the destination refuses the request as it is; trying again changes nothing;
 * - `throttled`: too much too fast; wait as long as it says;
 * - `set-up`: credentials, permissions or a missing list; a person must act;
 * - `transient`: the network or the destination failed; try again;
 * - `fatal`: a defect of ours or of the connector.
 */
export type DestinationErrorClass = 'invalid' | 'throttled' | 'set-up' | 'transient' | 'fatal';

/** A request as a whole failed. Thrown by connectors and by the kit's HTTP client. */
export class DestinationError extends Error {
  override readonly name = 'DestinationError';
  readonly class: DestinationErrorClass;
  /** Not before this time, in epoch milliseconds, for the whole credential. */
  readonly notBeforeMs: number | undefined;
  /** True when the destination may have taken the request all the same (a timeout, a lost reply). */
  readonly uncertain: boolean;

  /** `message` goes to logs and dead letters: it holds no personal data and no secret. */
  constructor(
    errorClass: DestinationErrorClass,
    message: string,
    options: { readonly notBeforeMs?: number; readonly uncertain?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.class = errorClass;
    this.notBeforeMs = options.notBeforeMs;
    this.uncertain = options.uncertain ?? false;
  }
}
