import type { Matcher } from '@activation-hub/activation-file';
import type { Clock, DeadLetters, RetryQueue, Target } from '@activation-hub/delivery';
import type { Ledger } from '@activation-hub/membership';
import type { Telemetry } from '@activation-hub/telemetry';
import type { FollowedControls } from './followed-controls.ts';
import type { LedgerCache } from './ledger-cache.ts';
import type { ObserveChange } from './observed-change.ts';
import type { RetriesInWork } from './retries-in-work.ts';

/** Everything that the journey works with, put together by the app. */
export interface ActivationContext {
  readonly matcher: Matcher;
  /** By key of the activation file; holds every destination that a live route names. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly ledger: Ledger;
  readonly ledgerCache: LedgerCache;
  readonly deadLetters: DeadLetters;
  readonly retryQueue: RetryQueue;
  readonly retriesInWork: RetriesInWork;
  /**
   * From the activation file: what share of at least how many refused changes stalls a partition.
   */
  readonly stall: { readonly share: number; readonly minimum: number };
  /** What operators ask of it; absent where nothing that is paused is sent, as in a dry run. */
  readonly controls?: FollowedControls;
  readonly telemetry: Telemetry;
  readonly timing: Timing;
  readonly clock: Clock;
  /** Gets each change as it ends, on a developer's machine; absent in Azure. */
  readonly observe?: ObserveChange;
}

/** Each is longer than the one before. */
export interface Timing {
  /**
   * How long a request may wait for its place or for its next attempt before it is left for later.
   */
  readonly waitMaxMs: number;
  /** How long after its start a call of `activate` still waits for destinations. */
  readonly deadlineMs: number;
  /** How long after its start it still writes to the stores. */
  readonly settleByMs: number;
  /** How long a lease lives: no request is in flight after it expires, clock skew included. */
  readonly leaseMs: number;
}

/** How long a lease may live, in seconds: well under the function's own limit of ten minutes. */
export const leaseSeconds = { least: 15, most: 480, usual: 180 } as const;

/**
 * The timers of a process whose leases live so long: it waits for destinations for two thirds of
 * that and writes to the stores for a sixth more; the rest is for clocks that differ.
 */
export function timingOf(leaseMs: number): Timing {
  // Whole milliseconds: a timer refuses a fraction.
  const share = (of: number): number => Math.floor(leaseMs * of);
  return { waitMaxMs: 5_000, deadlineMs: share(2 / 3), settleByMs: share(5 / 6), leaseMs };
}

export const defaultTiming: Timing = timingOf(leaseSeconds.usual * 1_000);
