import type { DeadLetters } from './dead-letters.ts';
import { DeadLetterCounts, readSelected, type DeadLetterCount, type DeadLetterFilter } from './select-dead-letters.ts';
import { isUnreadable } from './unreadable-document.ts';

export interface PurgeOptions {
  /** Stops before the next letters; what is not deleted by then stays. */
  readonly signal: AbortSignal;
  /** Counts what would be deleted, and deletes nothing. */
  readonly dryRun?: boolean;
  /** Told how many of the names are done. */
  readonly onProgress?: (done: number) => void;
}

export interface Purged {
  readonly purged: readonly DeadLetterCount[];
  readonly letters: number;
  /**
   * When the newest of them was given up, in epoch milliseconds; absent where there is none. As
   * `givenUpToMs` of the filter it keeps what comes later out of a purge that follows a dry run.
   */
  readonly newestGivenUpAtMs?: number;
  /** The names of letters that stay because they cannot be read. */
  readonly unreadable: readonly string[];
}

/** How many letters are read, and then deleted, at a time. */
const atOnceMax = 16;

/**
 * Deletes the selected letters among these names, for good. It can be stopped at any point and
 * started again. Throws when the store cannot be reached.
 */
export async function purgeDeadLetters(
  names: readonly string[],
  filter: DeadLetterFilter,
  deadLetters: Pick<DeadLetters, 'read' | 'remove'>,
  { signal, dryRun = false, onProgress }: PurgeOptions,
): Promise<Purged> {
  const counts = new DeadLetterCounts();
  let newestGivenUpAtMs: number | undefined;
  // What has begun is brought to its end, so that what is counted is what was deleted.
  const begun = new AbortController();
  for (let start = 0; start < names.length && !signal.aborted; start += atOnceMax) {
    const slice = names.slice(start, start + atOnceMax);
    const found = await Array.fromAsync(readSelected(deadLetters, slice, filter, begun.signal));
    const selected = found.flatMap((each) => (isUnreadable(each) ? [] : [each]));
    if (!dryRun) await Promise.all(selected.map(({ name }) => deadLetters.remove(name, begun.signal)));
    for (const each of found) if (isUnreadable(each)) counts.unreadable.push(each.unreadable);
    for (const { letter } of selected) {
      counts.add(letter);
      newestGivenUpAtMs = Math.max(newestGivenUpAtMs ?? letter.givenUpAtMs, letter.givenUpAtMs);
    }
    onProgress?.(start + slice.length);
  }
  return {
    purged: counts.values(),
    letters: counts.letters,
    ...(newestGivenUpAtMs === undefined ? {} : { newestGivenUpAtMs }),
    unreadable: counts.unreadable,
  };
}
