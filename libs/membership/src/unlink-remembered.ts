import { rememberedRows, unlinked } from './former-of.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { isUnreadableRow, type UnreadableRow } from './unreadable-row.ts';

/**
 * Takes the digests from the rows that a row remembers, before it is removed: afterwards no process
 * would (docs/specs/ledger.md, section 6). Otherwise the row must stay: `lost` when another process
 * wrote one meanwhile, or the one that cannot be read.
 */
export async function unlinkRemembered(
  { key, record }: Pick<LedgerEntry, 'key' | 'record'>,
  ledger: Pick<Ledger, 'read' | 'write'>,
  signal: AbortSignal,
): Promise<'unlinked' | 'lost' | UnreadableRow> {
  const keys = rememberedRows(key, record).map((each) => each.key);
  if (keys.length === 0) return 'unlinked';
  const rows = await ledger.read(keys, signal);
  const unreadable = rows.find(isUnreadableRow);
  if (unreadable !== undefined) return unreadable;
  const writes = keys.flatMap((of, index) => {
    const row = rows[index];
    return row === undefined || isUnreadableRow(row) ? [] : [unlinked(of, row)];
  });
  return (await ledger.write(writes, signal)).every(({ written }) => written) ? 'unlinked' : 'lost';
}
