import {
  compareStates,
  isAsOf,
  isUnreadableRow,
  keep,
  ledgerKeyText,
  rememberedRows,
  unlinked,
  type FormerOf,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type UndigestedState,
  type UnreadableRow,
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
 * row of a former identity a member again (docs/specs/ledger.md, section 6): a person who is
 * exported under those identities is then looked at. Call it before the change is written, under
 * the version of the row that is given here. Gives the changes that are not to be written: whose
 * rows must be read `again`, because another process was quicker, or because a remembered row knows
 * a newer export of the very identities for which the row was looked at, and then the row is a
 * former one as of that; and those of which a remembered row cannot be read, with that.
 *
 * Every remembered row is written, also one that has no digest or is not there: a process that has
 * looked under the former identity before, and is about to write the digest, loses by that.
 */
export async function unlinkPeople<Of extends Change>(
  changes: readonly Of[],
  { context, tally }: { readonly context: ActivationContext; readonly tally: Tally },
  signal: AbortSignal,
): Promise<ReadonlyMap<Of, UnreadableRow | 'again'>> {
  const members = changes.flatMap((change): Again<Of>[] => {
    const { key, row, state } = change;
    if (row === undefined || !isMemberAgain(row.record, state)) return [];
    const remembered = rememberedRows(key, row.record).map((each) => ({ ...each, keyText: ledgerKeyText(each.key) }));
    return [{ change, row, remembered }];
  });
  if (members.length === 0) return new Map();
  const remembered = keysByText(members);
  const found = await context.ledger.read([...remembered.values()], signal);
  tally.ledgerReads += remembered.size;
  const rows = new Map<string, LedgerRow | undefined>();
  const unreadable = new Map<string, UnreadableRow>();
  for (const [index, keyText] of [...remembered.keys()].entries()) {
    const row = found[index];
    if (isUnreadableRow(row)) unreadable.set(keyText, row);
    else rows.set(keyText, row);
  }
  const stopped = new Map<Of, UnreadableRow | 'again'>();
  for (const { change, remembered: names } of members) {
    const stop = names.map(({ keyText }) => unreadable.get(keyText)).find((row) => row !== undefined);
    if (stop !== undefined) stopped.set(change, stop);
  }
  const again = members.filter(({ change }) => !stopped.has(change));
  const kept = new Map<string, LedgerWrite>();
  for (const each of again) {
    const write = keptAsOfNewest(each, rows);
    if (write !== undefined) kept.set(ledgerKeyText(write.key), write);
  }
  const isKept = ({ change }: Again<Of>): boolean => kept.has(ledgerKeyText(change.key));
  const unlinking = keysByText(again.filter((each) => !isKept(each)));
  const writes = [
    ...[...unlinking]
      .filter(([keyText]) => !kept.has(keyText))
      .map(([keyText, key]) => ({ keyText, write: unlinked(key, rows.get(keyText)) })),
    ...[...kept].map(([keyText, write]) => ({ keyText, write })),
  ];
  const { lost } = await writePlans(writes, context, tally, signal);
  // What was written for another change of the same call is looked at again with that.
  const open = new Set([...lost.map(({ keyText }) => keyText), ...kept.keys()]);
  const isOpen = (each: Again<Of>): boolean => isKept(each) || each.remembered.some(({ keyText }) => open.has(keyText));
  for (const each of again) if (isOpen(each)) stopped.set(each.change, 'again');
  return stopped;
}

/** A change that makes a row a member again, with the rows that it remembers. */
interface Again<Of> {
  readonly change: Of;
  readonly row: LedgerRow;
  readonly remembered: readonly { readonly of: FormerOf; readonly key: LedgerKey; readonly keyText: string }[];
}

/** The keys of the rows that these remember, each once, by their texts. */
function keysByText(again: readonly Again<unknown>[]): ReadonlyMap<string, LedgerKey> {
  return new Map(again.flatMap(({ remembered }) => remembered.map(({ keyText, key }) => [keyText, key])));
}

/**
 * The row as of the newest export that a remembered row knows, where that is newer than the change.
 */
function keptAsOfNewest(
  { change, row, remembered }: Again<Change>,
  rows: ReadonlyMap<string, LedgerRow | undefined>,
): LedgerWrite | undefined {
  const newest = remembered
    .flatMap(({ of, keyText }) => {
      const record = rows.get(keyText)?.record;
      return record !== undefined && isAsOf(record, of) ? [record.known] : [];
    })
    .toSorted((left, right) => compareStates(right, left))[0];
  if (newest === undefined || compareStates(newest, change.state) <= 0) return undefined;
  const desired = { state: { ...newest, isMember: false, content: '' }, attributes: {} };
  return { key: change.key, record: keep(row.record, desired), expected: row.version };
}

/** Whether the row remembers people, and the state makes it a member. */
export function isMemberAgain({ formerOf, known }: LedgerRecord, state: UndigestedState): boolean {
  return formerOf !== undefined && state.isMember && compareStates(state, known) >= 0;
}
