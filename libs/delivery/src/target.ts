import type { Connector, Delivery, DestinationLimits } from '@activation-hub/destination-kit';
import type { Telemetry } from '@activation-hub/telemetry';
import type { Breaker } from './breaker.ts';
import type { Clock } from './clock.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { SharedRequests } from './shared-requests.ts';

/** A destination that is set up and may be told. */
export interface Target {
  /** Its key in the activation file. */
  readonly key: string;
  readonly connector: Connector;
  readonly limits: DestinationLimits;
  /** What may share a request. */
  readonly batchBy: 'destination' | 'route';
  /**
   * An identity's value in the form in which the destination gets it; undefined when it has none in
   * that form.
   */
  readonly formIdentity: (identity: { readonly namespace: string; readonly value: string }) => string | undefined;
  /**
   * For how many days the destination keeps a member whom it is not told of again, by the options
   * of the route and the namespace of the identity; `undefined` when it does not forget.
   */
  readonly membershipDays: (options: unknown, namespace: string) => number | undefined;
  /**
   * How old a change may become before it is given up, in milliseconds since it was first deferred.
   */
  readonly giveUpAfterMs: number;
  /**
   * How far away a time may be that the destination names, in milliseconds; what is further away is
   * taken for this.
   */
  readonly retryAfterMaxMs: number;
  /** Shared by all calls of this process that send to this destination. */
  readonly rateLimiter: RateLimiter;
  readonly breaker: Breaker;
  /** Where the batches of all calls wait for a place of the rate limiter. */
  readonly requests: SharedRequests;
}

/** Why a change is not sent although the destination takes others. */
export interface HeldBack {
  readonly class: string;
  readonly reason: string;
  /** When it is looked at again, in epoch milliseconds. */
  readonly notBeforeMs: number;
}

export interface DeliverOptions {
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /**
   * How long a request may wait for its place or its next attempt; what would take longer is for
   * the retry queue.
   */
  readonly waitMaxMs: number;
  /**
   * The same for a request that merely waits for its place among those that the limits of the
   * destination allow; `waitMaxMs` by default.
   */
  readonly paceMaxMs?: number;
  /** The deadline: a change without an answer by then is retried. */
  readonly signal: AbortSignal;
  /**
   * How long after the deadline a request with these changes may be under way for other calls that
   * share it, in milliseconds: their leases live so long. Not at all by default.
   */
  readonly graceMs?: number;
  /**
   * Asked of every change before each request with it, and again when the place of the request
   * comes: what is held back by then is not sent. A poll for the verdict of a change is sent all
   * the same. Nothing is held back by default.
   */
  readonly heldBack?: ((delivery: Delivery) => HeldBack | undefined) | undefined;
  /**
   * Receipts by change id, of changes that the destination accepted before: it is polled for their
   * verdicts now. Without this option no later call polls, and an accepted change counts as
   * delivered.
   */
  readonly receipts?: ReadonlyMap<string, string> | undefined;
}
