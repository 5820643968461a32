import type { Ledger, LedgerRecord } from './ledger.ts';
import { unlinkRemembered } from './unlink-remembered.ts';

/**
 * Removes the rows of people who are not in a destination and have not been for long: nothing that
 * AEP may still send can be older than them. Rows in doubt, leased, deferred, paused, rejected or
 * given up stay, and so does a row that another process writes meanwhile. Before a row of a former
 * identity goes, the rows that it remembers lose their digests. Ends when there is no time any
 * more. Gives the number of rows seen and removed, and whether these were all.
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
): Promise<{ readonly seen: number; readonly removed: number; readonly isWhole: boolean }> {
  let seen = 0;
  let removed = 0;
  const { startAt, signal } = options;
  for await (const { key, record, version } of ledger.rows({ startAt }, signal)) {
    if (!options.hasTime()) return { seen, removed, isWhole: false };
    seen += 1;
    if (!isOver(record, options.olderThanMs)) continue;
    const isUnlinked = await unlinkRemembered({ key, record }, ledger, signal);
    if (isUnlinked && (await ledger.remove(key, version, signal))) removed += 1;
  }
  return { seen, removed, isWhole: true };
}

function isOver({ known, rowState, inDoubt }: LedgerRecord, olderThanMs: number): boolean {
  const isSettled = rowState.is === 'delivered' || rowState.is === 'noted' || rowState.is === 'not-found';
  return isSettled && !inDoubt && !known.isMember && Math.max(known.qualifiedAtMs, known.enqueuedAtMs) < olderThanMs;
}
