import {
  compareStates,
  ledgerKeyText,
  rememberedKeys,
  unlinked,
  type LedgerKey,
  type LedgerRow,
  type UndigestedState,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { Tally } from './tally.ts';
import { writePlans } from './write-plans.ts';

/** A row that was read, and the state that is about to be written to it. */
interface Change {
  readonly key: LedgerKey;
  readonly row: LedgerRow | undefined;
  readonly state: UndigestedState;
}

/**
 * Takes the digests from the rows that the rows of these changes remember, where a change makes a
 * row of a former identity a member again (docs/specs/ledger.md, section 6): whoever is exported
 * under those identities is then looked at. To be called before the change is written, under the
 * version of the row that is given here. Gives the changes of which another process was quicker:
 * their rows must be read again.
 *
 * Every remembered row is written, also one that has no digest or is not there: a process that has
 * looked under the former identity before, and is about to write the digest, loses by that.
 */
export async function unlinkPeople<Of extends Change>(
  changes: readonly Of[],
  { context, tally }: { readonly context: ActivationContext; readonly tally: Tally },
  signal: AbortSignal,
): Promise<ReadonlySet<Of>> {
  const again = changes.filter(({ row, state }) => isMemberAgain(row, state));
  if (again.length === 0) return new Set();
  const remembered = new Map(
    again.flatMap(({ key, row }) =>
      row === undefined ? [] : rememberedKeys(key, row.record).map((of) => [ledgerKeyText(of), of] as const),
    ),
  );
  const rows = await context.ledger.read([...remembered.values()], signal);
  tally.ledgerReads += remembered.size;
  const writes = [...remembered].map(([keyText, key], index) => ({ keyText, write: unlinked(key, rows[index]) }));
  const { lost } = await writePlans(writes, context, tally, signal);
  const lostTexts = new Set(lost.map(({ keyText }) => keyText));
  return new Set(
    again.filter(({ key, row }) =>
      row === undefined ? false : rememberedKeys(key, row.record).some((of) => lostTexts.has(ledgerKeyText(of))),
    ),
  );
}

/** Whether the row remembers people, and the state makes it a member. */
export function isMemberAgain(row: LedgerRow | undefined, state: UndigestedState): boolean {
  return row?.record.formerOf !== undefined && state.isMember && compareStates(state, row.record.known) >= 0;
}
