import type { LedgerRow } from '@activation-hub/membership';
import type { DesiredMembership } from './resolve-memberships.ts';

/** A desired membership of which nothing is open, with its row where that is at hand. */
export interface SettledMembership {
  readonly desired: DesiredMembership;
  readonly row: LedgerRow | undefined;
}
