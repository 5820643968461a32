import type { ReadRow } from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { DesiredMembership } from './resolve-memberships.ts';
import type { Tally } from './tally.ts';

/** What was read of the rows of memberships. */
export type ReadRows = ReadonlyMap<DesiredMembership, ReadRow>;

interface Reading {
  readonly context: Pick<ActivationContext, 'ledger' | 'ledgerCache' | 'clock'>;
  readonly tally: Pick<Tally, 'ledgerReads'>;
  readonly signal: AbortSignal;
}

/**
 * Reads some rows before the others of the batch: those of destinations of which the process has
 * not looked for enough keys to expect anything (docs/specs/ledger.md, section 3). So an audience
 * that fills into a new process costs a few reads, and not one for each row of the first batches.
 * Nothing when there are no others of which nothing is known.
 */
export async function readFirst(undecided: readonly DesiredMembership[], reading: Reading): Promise<ReadRows> {
  const { ledgerCache, clock } = reading.context;
  if (undecided.every(({ key }) => ledgerCache.keysToLookFor(key.destination) <= 0)) return new Map();
  const nowMs = clock.now();
  const unknown = undecided.filter(({ keyText }) => ledgerCache.get(keyText, nowMs) === undefined);
  const left = new Map<string, number>();
  const first = unknown.filter(({ key: { destination } }) => {
    const places = left.get(destination) ?? ledgerCache.keysToLookFor(destination);
    left.set(destination, places - 1);
    return places > 0;
  });
  return first.length === unknown.length ? new Map() : await readRows(first, reading, new Map());
}

/**
 * Reads the rows of some memberships. In the first round of a batch, those that `first` has are not
 * read again, and the cache learns whether keys of which it knew nothing have a row.
 */
export async function readRows(
  some: readonly DesiredMembership[],
  { context: { ledger, ledgerCache, clock }, tally, signal }: Reading,
  first?: ReadRows,
): Promise<ReadRows> {
  const missing = first === undefined ? some : some.filter((each) => !first.has(each));
  const keys = missing.map(({ key }) => key);
  const rows = keys.length === 0 ? [] : await ledger.read(keys, signal);
  tally.ledgerReads += missing.length;
  const read = new Map(first);
  const nowMs = clock.now();
  for (const [index, each] of missing.entries()) {
    const row = rows[index];
    read.set(each, row);
    if (first !== undefined && ledgerCache.get(each.keyText, nowMs) === undefined)
      ledgerCache.countLookedFor(each.key.destination, row !== undefined);
  }
  return read;
}
