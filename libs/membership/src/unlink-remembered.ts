import { rememberedRows, unlinked } from './former-of.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';

/**
 * Takes the digests from the rows that a row remembers, before it is removed: afterwards no process
 * would (docs/specs/ledger.md, section 6). False when another process wrote one meanwhile; then the
 * row must stay.
 */
export async function unlinkRemembered(
  { key, record }: Pick<LedgerEntry, 'key' | 'record'>,
  ledger: Pick<Ledger, 'read' | 'write'>,
  signal: AbortSignal,
): Promise<boolean> {
  const keys = rememberedRows(key, record).map((each) => each.key);
  if (keys.length === 0) return true;
  const rows = await ledger.read(keys, signal);
  const writes = keys.flatMap((of, index) => (rows[index] === undefined ? [] : [unlinked(of, rows[index])]));
  return (await ledger.write(writes, signal)).every(({ written }) => written);
}
