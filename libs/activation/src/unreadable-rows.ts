import type { ReceivedEvent, Retry } from '@activation-hub/delivery';
import {
  isUnreadableRow,
  linkOf,
  type LedgerKey,
  type LedgerRow,
  type UnreadableRow,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { LostChange } from './dead-letters-of.ts';
import { unreadableClass, type Deferral } from './defer-changes.ts';
import { isTooOld } from './judge-results.ts';
import { presentKey } from './stored-names.ts';

/** A destination that the file does not have may be in that of another worker. */
const goneGiveUpAfterMs = 86_400_000;

/** A change of which a row cannot be read. */
interface StoppedChange {
  readonly destination: string;
  readonly key: LedgerKey;
  /** Absent for a row that is told from the ledger. */
  readonly event?: ReceivedEvent;
  readonly audience: string;
}

/**
 * The row of a link, as one that cannot be read where it does not hold what a link of this release
 * does.
 */
export function asLink<Row extends LedgerRow | UnreadableRow | undefined>(
  { destination }: Pick<LedgerKey, 'destination'>,
  row: Row,
): Row | UnreadableRow {
  if (row === undefined || isUnreadableRow(row)) return row;
  try {
    linkOf(row.record);
    return row;
  } catch {
    return { unreadable: `column attributes of a row of ${destination}, version ${row.version}` };
  }
}

/** The outcome of a change of which a row cannot be read. */
export interface LeftUnread {
  readonly outcome: 'deferred' | 'given-up';
  readonly class: string;
  readonly reason: string;
  readonly deferral?: Deferral;
  readonly lost?: LostChange;
}

/**
 * Leaves a change for later of which a row cannot be read: the row is neither sent nor written, for
 * another release may know it. When `retry`, which brings the change, is too old, it is given up. A
 * line of the log says it once, and not with each retry of the change.
 */
export function leaveUnread(
  of: StoppedChange,
  { unreadable }: UnreadableRow,
  retry: Retry | undefined,
  { telemetry, targets, matcher, clock }: Pick<ActivationContext, 'telemetry' | 'targets' | 'matcher' | 'clock'>,
): LeftUnread {
  const cause = {
    class: unreadableClass,
    reason: `The ledger cannot be read: ${unreadable} is not what this release writes. Deploy the release that wrote it, restore the row, or delete it to forget what the destination was told.`,
  };
  const target = targets.get(presentKey(of.destination, matcher));
  if (isTooOld(retry, target?.giveUpAfterMs ?? goneGiveUpAfterMs, clock.now())) {
    const { event, key } = of;
    const lost =
      event === undefined ? undefined : { ...of, event, outcome: 'given-up' as const, ...cause, rows: [key] };
    return { outcome: 'given-up', ...cause, ...(lost === undefined ? {} : { lost }) };
  }
  if (retry?.class !== unreadableClass) telemetry.emit('rows-unreadable', { rows: 1, row: unreadable });
  const deferral = { ...of, ...cause, wasTried: false, notBeforeMs: 0, isLeased: false, givesUp: false };
  return { outcome: 'deferred', ...cause, deferral };
}
