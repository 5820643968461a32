import { ledgerKeyText, type LedgerRow, type LedgerWrite } from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { Tally } from './tally.ts';

/** What is to be written to one row. */
interface Writing {
  readonly write: LedgerWrite;
  /** The text of the row's key, where that is at hand. */
  readonly keyText?: string;
}

/**
 * Writes what plans ask for, all in one call. The cache knows the rows then, but for those that are
 * leased, of which it is not known yet what becomes of them, and for those that another process
 * wrote first. Gives each plan with its row as it is written, and those whose row another process
 * wrote first: they are to be looked at again. Both are in the order of the plans.
 */
export async function writePlans<Planned extends Writing>(
  planned: readonly Planned[],
  { ledger, ledgerCache, clock }: Pick<ActivationContext, 'ledger' | 'ledgerCache' | 'clock'>,
  tally: Pick<Tally, 'ledgerWrites'>,
  signal: AbortSignal,
): Promise<{
  readonly written: readonly (Planned & { readonly after: LedgerRow })[];
  readonly lost: readonly Planned[];
}> {
  const results = await ledger.write(
    planned.map(({ write }) => write),
    signal,
  );
  const written: (Planned & { readonly after: LedgerRow })[] = [];
  const lost: Planned[] = [];
  const nowMs = clock.now();
  let index = 0;
  for (const each of planned) {
    const result = results[index];
    index += 1;
    const { record, key } = each.write;
    const keyText = each.keyText ?? ledgerKeyText(key);
    if (result?.written !== true) {
      ledgerCache.delete(keyText);
      lost.push(each);
      continue;
    }
    const after = { record, version: result.version };
    if (record.rowState.is === 'leased') ledgerCache.delete(keyText);
    else ledgerCache.set(keyText, after, nowMs);
    written.push({ ...each, after });
  }
  tally.ledgerWrites += written.length;
  return { written, lost };
}
