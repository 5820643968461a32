/**
 * The result of one change, by its id and never by its position. A change for which a connector
 * gives no verdict is a defect of the connector, not a success.
 */
export type Verdict =
  | { readonly id: string; readonly status: 'delivered' }
  /**
   * The destination has the change and reports the result later, when the connector's `poll` asks.
   */
  | {
      readonly id: string;
      readonly status: 'accepted';
      /**
       * By what it is asked for, the same for all that were accepted together. Neither secret nor
       * personal.
       */
      readonly receipt: string;
      /** When the vendor can know it, in epoch milliseconds; it is not polled earlier. */
      readonly askAtMs: number;
    }
  | {
      readonly id: string;
      readonly status: 'retry';
      /**
       * Low-cardinality words for logs and dead letters; never a value of the change, never a
       * secret.
       */
      readonly reason: string;
      /** Not before this time, in epoch milliseconds. */
      readonly notBeforeMs?: number;
      /** Absent when the destination certainly did not take the change. */
      readonly doubt?: Doubt;
    }
  | { readonly id: string; readonly status: 'rejected'; readonly reason: string }
  /**
   * The destination does not know the person. This is no failure: it is told again when the person
   * changes.
   */
  | { readonly id: string; readonly status: 'not-found'; readonly reason: string };

/**
 * Why something that failed may have been taken all the same:
 * - `answered`: the destination answered, and its answer does not rule it out (500, or an answer
 *   that makes no sense); it is done with the request, which can be sent again at once;
 * - `unanswered`: no answer of its own came (a timeout, a lost connection, a gateway that gave up);
 *   the request may still be under way, so nothing else may be told about the same identities until
 *   that is over.
 */
export type Doubt = 'answered' | 'unanswered';

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
  /** Absent when the destination certainly did not take the request. */
  readonly doubt: Doubt | undefined;

  /** `message` goes to logs and dead letters: it holds no personal data and no secret. */
  constructor(
    errorClass: DestinationErrorClass,
    message: string,
    options: { readonly notBeforeMs?: number; readonly doubt?: Doubt | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.class = errorClass;
    this.notBeforeMs = options.notBeforeMs;
    this.doubt = options.doubt;
  }
}

/** The vendor gave no token: it was asked for nothing else, and said nothing of a list. */
export class SignInError extends DestinationError {}
