import { ledgerKeyText, type LedgerRow, type LedgerWrite } from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { Tally } from './tally.ts';

/** The write of one row. */
interface Writing {
  readonly write: LedgerWrite;
  /** The text of the row's key, where that is at hand. */
  readonly keyText?: string;
}

/** A plan whose write was made, with its row as written. */
export interface Written<Planned> {
  readonly planned: Planned;
  readonly after: LedgerRow;
}

/**
 * Makes the writes of all plans in one call. The cache then has the rows, except leased ones, whose
 * outcome is not known yet, and those that another process wrote first. Returns each plan with its
 * row as written, and the plans whose row another process wrote first: the caller reads and decides
 * those again. Both are in the order of the plans.
 */
export async function writePlans<Planned extends Writing>(
  planned: readonly Planned[],
  { ledger, ledgerCache, clock }: Pick<ActivationContext, 'ledger' | 'ledgerCache' | 'clock'>,
  tally: Pick<Tally, 'ledgerWrites'>,
  signal: AbortSignal,
): Promise<{
  readonly written: readonly Written<Planned>[];
  readonly lost: readonly Planned[];
}> {
  const results = await ledger.write(
    planned.map(({ write }) => write),
    signal,
  );
  const written: Written<Planned>[] = [];
  const lost: Planned[] = [];
  const nowMs = clock.now();
  let index = 0;
  for (const plan of planned) {
    const result = results[index];
    index += 1;
    const { record, key } = plan.write;
    const keyText = plan.keyText ?? ledgerKeyText(key);
    if (result?.written !== true) {
      ledgerCache.delete(keyText);
      lost.push(plan);
      continue;
    }
    const after = { record, version: result.version };
    if (record.rowState.is === 'leased') ledgerCache.delete(keyText);
    else ledgerCache.set(keyText, after, nowMs);
    written.push({ planned: plan, after });
  }
  tally.ledgerWrites += written.length;
  return { written, lost };
}
