import type { Ledger, LedgerRecord } from './ledger.ts';
import { unlinkRemembered } from './unlink-remembered.ts';
import { isUnreadableRow, UnreadableRowCount, type UnreadableRows } from './unreadable-row.ts';

/**
 * Removes the rows of people who are not in a destination and have not been for long: nothing that
 * AEP may still send can be older than them. Rows in doubt, leased, deferred, paused, rejected or
 * given up stay, and so does a row that another process writes meanwhile, or that cannot be read.
 * Before a row of a former identity goes, the rows that it remembers lose their digests. Ends when
 * there is no time any more. Gives the number of rows seen and removed, whether these were all, and
 * the rows that cannot be read.
 */
export async function sweepLedger(
  ledger: Ledger,
  options: {
    readonly olderThanMs: number;
    /** Where the walk begins (`LedgerSelection`): another place each night. */
    readonly startAt: number;
    readonly hasTime: () => boolean;
    readonly signal: AbortSignal;
  },
): Promise<Swept> {
  const unreadable = new UnreadableRowCount();
  const swept = (isWhole: boolean): Swept => ({ seen, removed, isWhole, unreadable: unreadable.now });
  let seen = 0;
  let removed = 0;
  const { startAt, signal } = options;
  for await (const row of ledger.rows({ startAt }, signal)) {
    if (!options.hasTime()) return swept(false);
    seen += 1;
    if (isUnreadableRow(row)) {
      unreadable.add(row);
      continue;
    }
    const { key, record, version } = row;
    if (!isOver(record, options.olderThanMs)) continue;
    const unlinked = await unlinkRemembered({ key, record }, ledger, signal);
    if (unlinked === 'unlinked' && (await ledger.remove(key, version, signal))) removed += 1;
  }
  return swept(true);
}

interface Swept {
  readonly seen: number;
  readonly removed: number;
  readonly isWhole: boolean;
  readonly unreadable: UnreadableRows;
}

function isOver({ known, rowState, inDoubt }: LedgerRecord, olderThanMs: number): boolean {
  const isSettled = rowState.is === 'delivered' || rowState.is === 'noted' || rowState.is === 'not-found';
  return isSettled && !inDoubt && !known.isMember && Math.max(known.qualifiedAtMs, known.enqueuedAtMs) < olderThanMs;
}
