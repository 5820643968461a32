import { rememberedKeys, unlinked } from './former-of.ts';
import type { Ledger, LedgerKey, LedgerRecord } from './ledger.ts';

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
    if (
      (await unlink(rememberedKeys(key, record), ledger, options.signal)) &&
      (await ledger.remove(key, version, options.signal))
    )
      removed += 1;
  }
  return { seen, removed };
}

/**
 * Takes the digests from rows: when the row that remembers them is gone, no process would. False
 * when another process wrote one meanwhile.
 */
async function unlink(keys: readonly LedgerKey[], ledger: Ledger, signal: AbortSignal): Promise<boolean> {
  if (keys.length === 0) return true;
  const rows = await ledger.read(keys, signal);
  const writes = keys.flatMap((key, index) => (rows[index] === undefined ? [] : [unlinked(key, rows[index])]));
  return (await ledger.write(writes, signal)).every(({ written }) => written);
}

function isOver({ known, rowState, inDoubt }: LedgerRecord, olderThanMs: number): boolean {
  const isSettled = rowState.is === 'delivered' || rowState.is === 'noted' || rowState.is === 'not-found';
  return isSettled && !inDoubt && !known.isMember && Math.max(known.qualifiedAtMs, known.enqueuedAtMs) < olderThanMs;
}
