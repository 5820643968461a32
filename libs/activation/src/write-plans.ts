import { ledgerKeyText, type LedgerRow, type LedgerWrite } from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { Tally } from './tally.ts';

/**
 * Writes what plans ask for, all in one call, and takes the rows out of the cache. Gives each plan with its row as it is written, and
 * those whose row another process wrote first: they are to be looked at again.
 */
export async function writePlans<Planned extends { readonly write: LedgerWrite }>(
  planned: readonly Planned[],
  { ledger, ledgerCache }: Pick<ActivationContext, 'ledger' | 'ledgerCache'>,
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
  for (const [index, each] of planned.entries()) {
    const result = results[index];
    ledgerCache.delete(ledgerKeyText(each.write.key));
    if (result?.written !== true) lost.push(each);
    else written.push({ ...each, after: { record: each.write.record, version: result.version } });
  }
  tally.ledgerWrites += written.length;
  return { written, lost };
}
