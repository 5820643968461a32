import type { Verdict } from '@activation-hub/destination-kit';
import type { Dynamics365Options } from './settings.ts';

/** A record of the person of a change. */
export interface Row {
  readonly id: string;
  readonly recordId: string;
}

/**
 * What holds the members of an audience: marketing lists, or segments. Throws `DestinationError`
 * where a request as a whole failed.
 */
export interface Members {
  /**
   * Finds what the options name, and creates it where they allow that; class `set-up` when there is
   * none or it takes no members.
   */
  prepare(options: Dynamics365Options, signal: AbortSignal): Promise<void>;
  /** Says what is wrong with what the options name; creates nothing. */
  problem(options: Dynamics365Options, signal: AbortSignal): Promise<string | undefined>;
  add(rows: readonly Row[], options: Dynamics365Options, signal: AbortSignal): Promise<readonly Verdict[]>;
  /**
   * A change may have several rows, and then several verdicts; a person who is no member has left.
   */
  remove(rows: readonly Row[], options: Dynamics365Options, signal: AbortSignal): Promise<readonly Verdict[]>;
}
