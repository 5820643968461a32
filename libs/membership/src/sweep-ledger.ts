import type { Ledger, LedgerRecord } from './ledger.ts';
import { unlinkRemembered } from './unlink-remembered.ts';

/**
 * Removes the rows of people who are not in a destination and have not been for long: nothing that
 * AEP may still send can be older than them. Rows in doubt, leased, deferred, paused, rejected or
 * given up stay, and so does a row that another process writes meanwhile. Before a row of a former
 * identity goes, the rows that it remembers lose their digests. Gives the number of rows
 * seen and removed.
 */
export async function sweepLedger(
  ledger: Ledger,
  options: { readonly olderThanMs: number; readonly signal: AbortSignal },
): Promise<{ readonly seen: number; readonly removed: number }> {
  let seen = 0;
  let removed = 0;
  for await (const { key, record, version } of ledger.rows({}, options.signal)) {
    seen += 1;
    if (!isOver(record, options.olderThanMs)) continue;
    const isUnlinked = await unlinkRemembered({ key, record }, ledger, options.signal);
    if (isUnlinked && (await ledger.remove(key, version, options.signal))) removed += 1;
  }
  return { seen, removed };
}

function isOver({ known, rowState, inDoubt }: LedgerRecord, olderThanMs: number): boolean {
  const isSettled = rowState.is === 'delivered' || rowState.is === 'noted' || rowState.is === 'not-found';
  return isSettled && !inDoubt && !known.isMember && Math.max(known.qualifiedAtMs, known.enqueuedAtMs) < olderThanMs;
}
