import { dayOf, noDestination, type DeadLetter, type DeadLetters } from './dead-letters.ts';
import { isUnreadable, orUnreadable, type Unreadable } from './unreadable-document.ts';

/** Which letters: those for which everything that is said here is true. */
export interface DeadLetterFilter {
  /**
   * The names of destinations as letters have them: a letter keeps the key that its destination had
   * then. `_event` for letters of events that could not be read, which have none.
   */
  readonly destinations?: readonly string[];
  readonly class?: string;
  /** A text that the reason of one of the failures holds, in any case. */
  readonly reason?: string;
  /** When the hub took the event, in epoch milliseconds; both bounds included. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Only letters that were given up at that time or earlier, in epoch milliseconds. */
  readonly givenUpToMs?: number;
}

export interface NamedDeadLetter {
  readonly name: string;
  readonly letter: DeadLetter;
}

/** How many letters are of one destination and class. */
export interface DeadLetterCount {
  readonly destination: string;
  readonly class: string;
  readonly letters: number;
}

/** How many letters are read at a time: one may have a mebibyte. */
const readsMax = 16;

/**
 * The names, as they are now, of all letters that may be selected; `readSelected` has the last
 * word. What becomes a dead letter later is not among them.
 */
export async function candidateNames(
  deadLetters: Pick<DeadLetters, 'names'>,
  filter: DeadLetterFilter,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const fromDay = filter.fromMs === undefined ? '' : dayOf(filter.fromMs);
  const toDay = filter.toMs === undefined ? '' : dayOf(filter.toMs);
  const candidates: string[] = [];
  for await (const name of deadLetters.names(commonPrefix(fromDay, toDay), signal)) {
    const [day = '', destination = '', cause] = name.split('/');
    if (day < fromDay || (toDay !== '' && day > toDay)) continue;
    if (filter.destinations?.includes(destination) === false) continue;
    if (filter.class !== undefined && filter.class !== cause) continue;
    candidates.push(name);
  }
  return candidates;
}

/**
 * Reads the letters of these names that the filter selects, in order; those that are gone by now
 * are left out. Of one that cannot be read its name is given, whatever the filter says, because the
 * filter cannot be applied to it.
 */
export async function* readSelected(
  deadLetters: Pick<DeadLetters, 'read'>,
  names: readonly string[],
  filter: DeadLetterFilter,
  signal: AbortSignal,
): AsyncGenerator<NamedDeadLetter | Unreadable> {
  for (let start = 0; start < names.length; start += readsMax) {
    const group = names.slice(start, start + readsMax);
    const letters = await Promise.all(group.map((name) => orUnreadable(deadLetters.read(name, signal))));
    for (const [index, name] of group.entries()) {
      const letter = letters[index];
      if (letter === undefined) continue;
      if (isUnreadable(letter)) yield { unreadable: name };
      else if (isSelected(letter, filter)) yield { name, letter };
    }
  }
}

/**
 * Counts letters by destination and class, in the order in which they first occur, and those that
 * cannot be read.
 */
export class DeadLetterCounts {
  readonly #counts = new Map<string, DeadLetterCount>();
  /** The names of the letters that were passed over because they cannot be read. */
  readonly unreadable: string[] = [];

  add({ destination = noDestination, class: cause }: DeadLetter): void {
    const key = `${destination}/${cause}`;
    const letters = (this.#counts.get(key)?.letters ?? 0) + 1;
    this.#counts.set(key, { destination, class: cause, letters });
  }

  values(): readonly DeadLetterCount[] {
    return [...this.#counts.values()];
  }

  get letters(): number {
    return this.values().reduce((sum, { letters }) => sum + letters, 0);
  }
}

function isSelected(
  { event, failures, givenUpAtMs }: DeadLetter,
  { reason, fromMs, toMs, givenUpToMs }: DeadLetterFilter,
): boolean {
  if (givenUpToMs !== undefined && givenUpAtMs > givenUpToMs) return false;
  if (fromMs !== undefined && event.enqueuedAtMs < fromMs) return false;
  if (toMs !== undefined && event.enqueuedAtMs > toMs) return false;
  const wanted = reason?.toLowerCase();
  return wanted === undefined || failures.some((failure) => failure.reason.toLowerCase().includes(wanted));
}

function commonPrefix(left: string, right: string): string {
  let length = 0;
  while (length < left.length && left[length] === right[length]) length += 1;
  return left.slice(0, length);
}
